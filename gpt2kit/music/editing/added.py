"""The track of a model's notes in a user's MIDI file, on a channel of its own."""

from collections.abc import Iterable, Sequence

from gpt2kit.music.editing.keystrokes import NOTE_OFF, Keystroke
from gpt2kit.music.midi_file.channels import CONTROL, DRUMS, NOTE_ON, PROGRAM, RESET_CONTROLLERS, SUSTAIN
from gpt2kit.music.midi_file.clock import Clock
from gpt2kit.music.midi_file.score import SEQUENCER, TRACK_NAME, Message, Score, meta
from gpt2kit.music.midi_file.smf import MidiError
from gpt2kit.music.midi_file.tracks import SYSEX
from gpt2kit.music.notes import Notes

NAME = b"gpt2kit"
MARK = b"\x7d" + NAME
"""Identifies the file as ours; begins with the manufacturer's number for private use."""
SETTINGS = {0: 0, 32: 0, 7: 100, 10: 64, 11: 127, 91: 40, 93: 0}
"""The controllers that say how a channel sounds, with General MIDI's defaults: bank, volume, pan, expression, reverb,
chorus."""


def sound_of(score: Score, stroke: Keystroke | None) -> list[tuple[int, int]]:
    """The (controller, value) pairs in force when a key is struck; the last one, (PROGRAM, value), is its program."""
    if stroke is None:
        return [(PROGRAM, 0)]
    found: dict[int, int] = {}
    for _, (tick, message) in score.in_order():
        if tick <= stroke.on and message[0] == CONTROL + stroke.channel and message[1] in SETTINGS:
            found[message[1]] = message[2]
    return [*found.items(), (PROGRAM, stroke.program)]


def free_channel(tracks: Iterable[Sequence[Message]], since: int) -> tuple[int, bool]:
    """A channel for notes from the tick `since` on, and whether it is unused before.

    Of those in use before, it is the one that is silent for the longest time. Raises MidiError if there is none.
    """
    latest = {channel: -1 for channel in range(16) if channel != DRUMS}
    for track in tracks:
        for tick, message in track:
            if message[0] < SYSEX and (channel := message[0] & 0x0F) in latest:
                latest[channel] = max(latest[channel], tick)
    channel = min(latest, key=latest.__getitem__)
    if latest[channel] >= since:
        raise MidiError("no free channel", "all 15 channels for instruments are in use where the new notes begin")
    return channel, latest[channel] < 0


def added_track(
    notes: Notes, clock: Clock, first: int, channel: int, unused: bool, sound: Sequence[tuple[int, int]]
) -> list[Message]:
    """The notes as a track that begins at the tick `first`; each lasts at least one tick.

    Their lengths include the effect of a pedal, so that the track needs none.
    """
    begin = 0 if unused else first
    track = [(0, meta(TRACK_NAME, NAME))]
    settings = dict(sound)
    if not unused:
        settings = {RESET_CONTROLLERS: 0, SUSTAIN: 0, **SETTINGS, **settings}
    program = settings.pop(PROGRAM)
    track += [(begin, bytes([CONTROL + channel, number, value])) for number, value in settings.items()]
    track.append((begin, bytes([PROGRAM + channel, program])))
    track += _struck(notes, clock, first, channel)
    track.append((track[-1][0], meta(SEQUENCER, MARK)))
    return track


def _struck(notes: Notes, clock: Clock, first: int, channel: int) -> list[Message]:
    """Note-ons and note-offs; at one tick, keys are let go before others are struck."""
    ordered = notes.first_in_first_out()
    ons, offs = clock.nearest(ordered.start).tolist(), clock.nearest(ordered.end).tolist()
    let_go: dict[int, int] = {}
    found: list[tuple[int, int, Message]] = []
    for pitch, velocity, on, off in zip(ordered.pitch.tolist(), ordered.velocity.tolist(), ons, offs, strict=True):
        # Where a tick is longer than 10 ms, a key may be struck again in the tick of its release.
        start = max(on, first, let_go.get(pitch, 0))
        let_go[pitch] = stop = max(off, start + 1)
        found.append((start, 1, (start, bytes([NOTE_ON + channel, pitch, velocity]))))
        found.append((stop, 0, (stop, bytes([NOTE_OFF + channel, pitch, 64]))))
    found.sort(key=lambda each: each[:2])
    return [message for _, _, message in found]
