"""Announcements: ids by which a stream of events says beforehand which given notes will sound.

Some notes of a piece are given, such as those after a gap that is to be filled, or a tune that is to be accompanied;
others are the model's. All are in one stream, at their own times. So that the model can prepare for the given ones,
each key of a tune, and each that is struck within a second after a gap, is announced one second before it sounds: an
id of its own is inserted between events, and takes no time.

That controls come a fixed time before their notes is from the Anticipatory Music Transformer (Thickstun et al. 2023).
Theirs is five seconds; ours is short, because what is inserted moves the recent events away (benchmarks/LOG.md).

    AHEAD  391 to 478    a given note of key 21 to 108 comes
"""

from collections.abc import Iterable

from gpt2kit.music.stream import events
from gpt2kit.music.stream.events import STEPS_A_SECOND

Announced = tuple[int, list[int]]
"""The step from which on it is due, and the ids."""

LOWEST, HIGHEST = 21, 108
"""The keys of a piano."""
AHEAD = events.VOCABULARY
SIZE = AHEAD + HIGHEST - LOWEST + 1
"""Ids of events and announcements together."""

LEAD = STEPS_A_SECOND
"""Steps from an announcement to its note."""


def ahead(pitch: int) -> int:
    """The announcement of a pitch; one outside of the piano has that of the nearest octave inside."""
    if pitch < LOWEST:
        pitch = LOWEST + (pitch - LOWEST) % 12
    elif pitch > HIGHEST:
        pitch = HIGHEST - (HIGHEST - pitch) % 12
    return AHEAD + pitch - LOWEST


def name(id: int) -> str:
    """AHEAD_60 (a pitch), or the name of an event."""
    if id >= SIZE:
        raise ValueError(f"an event or an announcement is a number from 0 to {SIZE - 1}, not {id}")
    return f"AHEAD_{id - AHEAD + LOWEST}" if id >= AHEAD else events.name(id)


def spoken(id: int) -> str:
    """The same in musicians' terms: C4 ahead, or as an event is. An id beyond them, which a run of an earlier version
    may have, is given by its number."""
    if id >= SIZE:
        return f"id {id}"
    if AHEAD <= id < SIZE:
        return events.spoken(id - AHEAD + LOWEST).removesuffix("on") + "ahead"
    return events.spoken(id)


def of_tune(steps: Iterable[int], pitches: Iterable[int]) -> list[Announced]:
    """The announcements of given notes, in the order in which they are struck."""
    return [(step - LEAD, [ahead(pitch)]) for step, pitch in zip(steps, pitches, strict=True)]


def of_gap(end: int, steps: Iterable[int], pitches: Iterable[int]) -> list[Announced]:
    """The announcements of those notes that are struck within a second after the end of a gap."""
    return [each for each in of_tune(steps, pitches) if end - LEAD <= each[0] < end]
