"""Puts a model's notes into a user's MIDI file, whose own messages stay as they are."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

from gpt2kit.music.editing.added import added_track, free_channel, sound_of
from gpt2kit.music.editing.keystrokes import Keystroke
from gpt2kit.music.editing.primer import Primer
from gpt2kit.music.midi_file.channels import CONTROL, RESET_CONTROLLERS, SOSTENUTO, SUSTAIN
from gpt2kit.music.midi_file.pedal import DOWN_FROM
from gpt2kit.music.midi_file.released import NEVER_RELEASED
from gpt2kit.music.midi_file.score import KEY, METRE, Message, Score, is_meta
from gpt2kit.music.midi_file.tracks import END_OF_TRACK, TEMPO
from gpt2kit.music.notes import Notes
from gpt2kit.music.stream.keyboard import Continuation


def continued_file(primer: Primer, played: Continuation) -> bytes:
    """The user's file up to the cut, and after it the new notes as one more track.

    Of the user's messages after the cut only those remain that end what sounds there. The model decides when the notes
    end that it heard; those of other instruments keep their ends. A key that is down gets a note-off when the model
    lets it go. Notes that sound by the pedal alone end with the pedal, which lifts when the model has let go the last
    of them.

    Raises MidiError if no channel is free for the new notes.
    """
    score, until = primer.score, primer.opening.until
    cut = score.clock().first(until)
    clock = score.clock(before=cut)
    tracks = [[message for message in track if message[0] < cut] for track in score.tracks]
    releases = {pitch: max(cut, int(clock.nearest(end))) for pitch, end in played.releases.items()}
    for track, message in _endings(primer, cut, releases):
        if is_meta(tracks[track][-1][1], END_OF_TRACK):
            tracks[track].pop()
        tracks[track].append(message)
    for messages in tracks:
        messages.sort(key=lambda message: message[0])
    channel, unused = free_channel(tracks, cut)
    sound = sound_of(score, _last_heard(primer, cut))
    new = added_track(played.new, clock, cut, channel, unused, sound)
    return replace(score, tracks=(*tracks, new)).written()


def continuation_alone(primer: Primer, new: Notes) -> bytes:
    """A file of the new notes only, which begin at 0, with the user's tempo, metre, key and unit of time at the cut."""
    score, until = primer.score, primer.opening.until
    cut = score.clock().first(until)
    found = [[message for tick, message in score.metas(kind) if tick < cut][-1:] for kind in (TEMPO, METRE, KEY)]
    score = replace(score, tracks=([(0, message) for messages in found for message in messages],))
    shifted = Notes(new.pitch, new.velocity, new.start - until, new.end - until)
    sound = sound_of(primer.score, _last_heard(primer, cut))
    track = added_track(shifted, score.clock(), 0, 0, True, sound)
    return replace(score, tracks=(*score.tracks, track)).written()


def _last_heard(primer: Primer, cut: int) -> Keystroke | None:
    """The last key struck before the cut of an instrument that the model hears: new notes sound like it."""
    heard = [stroke for stroke in primer.strokes if stroke.on < cut and stroke.heard(primer.programs)]
    return heard[-1] if heard else None


def _endings(primer: Primer, cut: int, releases: Mapping[int, int]) -> Iterator[tuple[int, Message]]:
    """(track, message): what ends the notes that sound at the cut; `releases` are the model's, ticks by pitch."""
    latest: dict[tuple[int, int], Keystroke] = {}
    for stroke in primer.strokes:
        if stroke.on >= cut:
            break
        latest[stroke.channel, stroke.pitch] = stroke
        if stroke.down_at(cut):
            tick = cut if stroke.ending == NEVER_RELEASED else stroke.off
            if stroke.heard(primer.programs):
                tick = releases.get(stroke.pitch, tick)
            yield stroke.track, (tick, stroke.release)
        elif stroke.ending == NEVER_RELEASED:  # it ended with its track; in other players it would sound on
            yield stroke.track, (stroke.off, stroke.release)
    heard = [stroke for stroke in latest.values() if stroke.heard(primer.programs)]
    channels = {stroke.channel for stroke in heard}
    pedals = [*_pedals(primer.score, SUSTAIN, cut), *_pedals(primer.score, SOSTENUTO, cut)]
    down = {pedal.channel: min(other.down for other in pedals if other.channel == pedal.channel) for pedal in pedals}
    lifts = dict.fromkeys(down, cut)
    for stroke in heard:
        by_pedal = stroke.channel in down and down[stroke.channel] <= stroke.off < cut
        if by_pedal and stroke.pitch in releases:
            lifts[stroke.channel] = max(lifts[stroke.channel], releases[stroke.pitch])
    for pedal in pedals:
        tick = lifts[pedal.channel] if pedal.channel in channels else pedal.up
        yield pedal.track, (tick, bytes([CONTROL + pedal.channel, pedal.controller, 0]))


class _Pedal(NamedTuple):
    """A pedal of a channel that is down at the cut."""

    channel: int
    controller: int
    track: int
    """The track that moved it last."""
    down: int
    """The tick at which it was pressed."""
    up: int
    """The tick after the cut when the user lifts it; the cut if nothing lifts it."""


def _pedals(score: Score, controller: int, cut: int) -> list[_Pedal]:
    """The pedals with this controller that are down at the cut, one for each channel."""
    pedals: dict[int, _Pedal] = {}
    lifted: set[int] = set()
    for track, (tick, message) in score.in_order():
        channel = message[0] - CONTROL
        if not 0 <= channel < 16 or message[1] not in (controller, RESET_CONTROLLERS):
            continue
        is_down = message[1] == controller and message[2] >= DOWN_FROM
        if tick < cut and is_down:
            since = pedals[channel].down if channel in pedals else tick
            pedals[channel] = _Pedal(channel, controller, track, since, cut)
        elif tick < cut:
            pedals.pop(channel, None)
        elif channel in pedals and not is_down and channel not in lifted:
            lifted.add(channel)
            pedals[channel] = pedals[channel]._replace(up=tick)
    return list(pedals.values())
