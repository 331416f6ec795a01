"""When the keys of a channel are released.

A note-off ends the earliest note of its key, of its own track where there is one. Files have note-ons without a
note-off, too; what a player hears is clear: such a note lasts until All Notes Off or All Sound Off, and to the end of
its track if neither comes.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gpt2kit.music.stream.pairing import paired

RELEASED, NEVER_RELEASED, NOTES_OFF, SOUND_OFF, RELEASED_LATER = range(5)
"""What ends a note: its note-off, the end of its track, a controller, or the note-off of a later note of its key."""

Integers = NDArray[np.int64]
Flags = NDArray[np.bool_]


class NotePlaces(NamedTuple):
    """The note-ons and note-offs (N,) of a channel: track by track, each in the order of the file."""

    pitch: NDArray[np.uint8]
    is_on: Flags
    tick: Integers
    track: Integers
    """The index of its track."""
    period: Integers
    """The number of controllers before it that end all notes."""


class Stops(NamedTuple):
    """The controllers (M,) that end all notes, in order."""

    tick: Integers
    silences: Flags
    """Whether it is All Sound Off."""


def released(notes: NotePlaces, stops: Stops, ends: Integers) -> tuple[Integers, NDArray[np.uint8]]:
    """The end of each note-on (K,) and what ends it; `ends` are the ends of the tracks. All times are ticks."""
    keys = _keys(notes, len(stops.tick))
    ons, offs = paired(keys, notes.is_on)
    end = np.full(len(keys), -1)
    end[ons] = notes.tick[offs]
    ending = np.zeros(len(keys), np.uint8)
    if 2 * len(ons) != len(keys):
        _release_across_tracks(end, offs, notes)
        _release_together(end, ending, offs, keys, notes)
        _stop(end, ending, notes, stops, ends)
    return end[notes.is_on], ending[notes.is_on]


def _keys(notes: NotePlaces, stops: int) -> NDArray[np.integer]:
    """A number for each key of a track, which changes when all notes are ended."""
    if not len(notes.track) or (not stops and notes.track[0] == notes.track[-1]):
        return notes.pitch
    keys = (notes.period * (int(notes.track.max()) + 1) + notes.track) * 128 + notes.pitch
    return keys.astype(np.uint16) if keys.max() < 1 << 16 else keys  # sorted faster


def _release_across_tracks(end: Integers, offs: NDArray[np.intp], notes: NotePlaces) -> None:
    """Note-offs that end no note of their own track end one of another track."""
    waiting = (end < 0) & notes.is_on
    unused = ~notes.is_on
    unused[offs] = False
    rest = np.flatnonzero(waiting | unused)
    rest = rest[np.argsort(notes.tick[rest], kind="stable")]
    ons, offs = paired(notes.period[rest] * 128 + notes.pitch[rest], notes.is_on[rest])
    end[rest[ons]] = notes.tick[rest[offs]]


def _release_together(
    end: Integers, ending: NDArray[np.uint8], offs: NDArray[np.intp], keys: NDArray[np.integer], notes: NotePlaces
) -> None:
    """A key that is struck more often than it is released has lost a note-off. Paired one by one, all its notes from
    then on would be too long. So from the last time on when all its notes had ended, a note-off ends all of them, as
    pretty_midi and FluidSynth do. `offs` are the note-offs that end a note of their track."""
    order = np.argsort(keys, kind="stable")
    grouped, place = keys[order], np.arange(len(order))
    is_on = notes.is_on[order]
    following = _next(~is_on, grouped)
    lost = is_on & (following >= 0) & (end[order] < 0)
    if not lost.any():
        return
    change = notes.is_on.astype(np.int64)
    change[offs] = -1
    count = np.cumsum(change[order])
    begins = np.append(True, grouped[1:] != grouped[:-1])
    before = np.maximum.accumulate(np.where(begins, place, 0))
    rests = count == (count - change[order])[before]
    these = is_on & (following >= 0) & (_next(rests, grouped) < 0) & np.isin(grouped, grouped[lost])
    end[order[these]] = notes.tick[order[following[these]]]
    ending[order[these & (following > place + 1)]] = RELEASED_LATER


def _next(chosen: Flags, grouped: NDArray[np.integer]) -> Integers:
    """The first chosen place of each group from each place (N,) on; -1 for none."""
    places = np.where(chosen, np.arange(len(chosen)), len(chosen))
    following = np.minimum.accumulate(places[::-1])[::-1]
    found = np.append(grouped, 0)[following] == grouped
    return np.where(found & (following < len(chosen)), following, -1)


def _stop(end: Integers, ending: NDArray[np.uint8], notes: NotePlaces, stops: Stops, ends: Integers) -> None:
    """Other notes end at the next controller that ends all notes, or with their track."""
    rest = np.flatnonzero((end < 0) & notes.is_on)
    period, track = notes.period[rest], notes.track[rest]
    stopped = period < len(stops.tick)
    end[rest[stopped]] = stops.tick[period[stopped]]
    ending[rest[stopped]] = np.where(stops.silences[period[stopped]], SOUND_OFF, NOTES_OFF)
    end[rest[~stopped]] = ends[track[~stopped]]
    ending[rest[~stopped]] = NEVER_RELEASED
