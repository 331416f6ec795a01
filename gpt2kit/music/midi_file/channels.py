"""What each channel of a file plays. A channel is one instrument, whichever tracks hold its messages: its program, its
pedals and the ends of its notes are state that all tracks share, as in a synthesizer.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gpt2kit.music.midi_file.pedal import Pedal
from gpt2kit.music.midi_file.released import NotePlaces, Stops, released
from gpt2kit.music.midi_file.tracks import Events

NOTE_ON, CONTROL, PROGRAM = 0x90, 0xB0, 0xC0
DRUMS = 9
"""The channel that musicians call 10."""
SUSTAIN, SOSTENUTO = 64, 66
ALL_SOUND_OFF, RESET_CONTROLLERS, ALL_NOTES_OFF = 120, 121, 123
"""Controllers. Those above 123 are the modes (omni off, omni on, mono, poly), each of which implies All Notes Off."""
NEVER = np.iinfo(np.int64).max
NOTE_FIELDS = ("pitch", "velocity", "program", "start", "end", "ending", "silence")

Integers = NDArray[np.int64]
Data = NDArray[np.uint8]


class Channel(NamedTuple):
    """The notes (N,) of a channel, as its keys are struck and released."""

    pitch: Data
    velocity: Data
    program: Data
    """The program that each was struck with."""
    start: Integers
    """Ticks."""
    end: Integers
    """The tick at which the key is released."""
    ending: Data
    """What ends each, as in `released`."""
    silence: Integers
    """The tick of the next All Sound Off after each; `NEVER` if none follows."""
    sustain: Pedal
    sostenuto: Pedal

    def part(self, kept: NDArray[np.bool_]) -> "Channel":
        """Some of its notes, with its pedals."""
        if kept.all():
            return self
        notes = {name: getattr(self, name)[kept] for name in NOTE_FIELDS}
        return self._replace(**notes)

    def last(self) -> int:
        """The tick of the last note's end or pedal movement; 0 without notes."""
        happenings = (self.end, self.sustain.time, self.sostenuto.time)
        return max(int(ticks.max(initial=0)) for ticks in happenings) if len(self.pitch) else 0


class _Messages(NamedTuple):
    """The messages (N,) of a channel: track by track, each in the order of the file."""

    tick: Integers
    kind: Data
    """The status without the channel."""
    first: Data
    second: Data
    track: Integers
    """The index of its track."""


def channels(tracks: Sequence[Events]) -> tuple[list[Channel], int]:
    """The channels with notes, and the number of notes of the drums."""
    if not tracks:
        return [], 0
    status = np.concatenate([track.status for track in tracks])
    tick = np.concatenate([track.tick for track in tracks])
    first = np.concatenate([track.first for track in tracks])
    second = np.concatenate([track.second for track in tracks])
    track = np.repeat(np.arange(len(tracks)), [len(track.status) for track in tracks])
    whole, number = _Messages(tick, status & np.uint8(0xF0), first, second, track), status & 0x0F
    counts = np.bincount(number[(whole.kind == NOTE_ON) & (second > 0)], minlength=16)
    ends = np.array([track.end for track in tracks])
    found = []
    for channel in np.flatnonzero(counts).tolist():
        if channel != DRUMS:
            here = number == channel
            found.append(_channel(whole if here.all() else _Messages(*(column[here] for column in whole)), ends))
    return found, int(counts[DRUMS])


def _channel(messages: _Messages, ends: Integers) -> Channel:
    tick, kind, first, second, track = messages
    notes = np.flatnonzero(kind <= NOTE_ON)
    is_on = (kind[notes] == NOTE_ON) & (second[notes] > 0)
    struck = notes[is_on]
    controls = np.flatnonzero(kind == CONTROL)
    stops, after = _changes(controls[_ends_notes(first[controls])], notes, messages)
    places = NotePlaces(first[notes], is_on, tick[notes], track[notes], after)
    end, ending = released(places, Stops(tick[stops], first[stops] == ALL_SOUND_OFF), ends)
    silences, after = _changes(controls[first[controls] == ALL_SOUND_OFF], struck, messages)
    silence = np.append(tick[silences], NEVER)[after]
    programs, after = _changes(np.flatnonzero(kind == PROGRAM), struck, messages)
    program = np.append(np.uint8(0), first[programs])[after]
    pedals = (_pedal(number, controls, messages) for number in (SUSTAIN, SOSTENUTO))
    return Channel(first[struck], second[struck], program, tick[struck], end, ending, silence, *pedals)


def _ends_notes(controller: Data) -> NDArray[np.bool_]:
    return (controller == ALL_SOUND_OFF) | (controller >= ALL_NOTES_OFF)


def _changes(changes: Integers, notes: Integers, messages: _Messages) -> tuple[Integers, Integers]:
    """The changes of a channel's state (positions of messages) in order, and how many of them are before each note.

    At one tick, a change in the note's own track is before it or after it as in the file; one in another track is
    before it: a file often has a track that sets up the channels for the others.
    """
    tick = messages.tick
    if not len(changes):
        return changes, np.zeros(len(notes), np.int64)
    # Those that follow a note of their own track and tick come last, so that the note can be before them.
    previous = np.searchsorted(notes, changes) - 1
    late = (previous >= 0) & _together(notes[previous], changes, messages)
    order = np.lexsort((changes, late, tick[changes]))
    after = np.searchsorted(tick[changes[order]], tick[notes], "right")
    if late.any():
        rank = np.empty(len(changes), np.int64)
        rank[order] = np.arange(len(changes))
        following = np.searchsorted(changes, notes)
        following[following == len(changes)] = 0
        own = (changes[following] > notes) & _together(changes[following], notes, messages)
        after = np.where(own, np.minimum(after, rank[following]), after)
    return changes[order], after


def _together(some: Integers, others: Integers, messages: _Messages) -> NDArray[np.bool_]:
    """Whether messages are of one track and one tick."""
    tick, track = messages.tick, messages.track
    return (tick[some] == tick[others]) & (track[some] == track[others])


def _pedal(number: int, controls: Integers, messages: _Messages) -> Pedal:
    """The movements of the pedal with this number, in ticks; Reset All Controllers lifts it (RP-015)."""
    controller = messages.first[controls]
    moves = controls[(controller == number) | (controller == RESET_CONTROLLERS)]
    tick = messages.tick[moves]
    if (tick[1:] < tick[:-1]).any():  # in several tracks
        order = np.argsort(tick, kind="stable")
        moves, tick = moves[order], tick[order]
    reset = messages.first[moves] == RESET_CONTROLLERS
    return Pedal(tick.astype(np.float64), np.where(reset, np.uint8(0), messages.second[moves]))
