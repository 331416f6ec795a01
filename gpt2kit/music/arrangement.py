"""Training windows arranged for infilling and accompaniment: a stream of events with announcements inserted.

Nothing is moved or left out, so that the events themselves stay an ordinary stream. In one half of these windows some
stretches are gaps, and what is given after each is announced; in the other half a tune is.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gpt2kit.music import skyline
from gpt2kit.music.announcements import Gap, Tune
from gpt2kit.music.events import BEGIN, LONGEST_HANGING, NOTE_OFF, STEPS_A_SECOND, TIME_SHIFT, VELOCITY, Ids, Steps
from gpt2kit.music.notes import Notes
from gpt2kit.music.pairing import matched

HIDDEN = (0.5, 12.0)
"""Seconds of the shortest and of the longest gap; random lengths are log-uniform."""
GIVEN = (1.0, 8.0)
"""The same of what is given before, between and after gaps."""
BEYOND = 512
"""Events after a window that announcements in it may be about."""


def arranged(ids: Ids, noise: Generator) -> Ids:
    """Events of one piece or of several, of which each but the first begins with BEGIN, with gaps or with tunes."""
    with_tunes = noise.random() < 0.5
    parts = []
    for part in np.split(ids, np.flatnonzero(ids == BEGIN)):
        parts.append(announced(part, [tune_of(part)] if with_tunes else random_gaps(part, noise)))
    return np.concatenate(parts)


def announced(ids: Ids, given: Sequence[Gap | Tune]) -> Ids:
    """Events of one piece with announcements inserted, in the order of `given`."""
    clock, shifts = clock_before(ids), is_shift(ids)
    places: list[int] = []
    inserted: list[int] = []
    for each in given:
        first, last = int(len(ids) > 0 and ids[0] == BEGIN), len(ids)
        if isinstance(each, Gap):
            first, last = gap_place(ids, each.start), int(np.searchsorted(clock, each.end))
        if last <= first:
            continue
        # Due at the beginning, and when time has passed: after each TIME_SHIFT.
        moments = first + np.flatnonzero(np.append(True, shifts[first : last - 1]))
        for place, now in zip(moments, clock[moments], strict=True):
            due = each.due(int(now))
            places += [int(place)] * len(due)
            inserted += due
    return np.insert(ids, places, inserted) if places else ids


def tune_of(ids: Ids) -> Tune:
    """The highest voice of events of one piece."""
    ons = tune_places(ids)
    return Tune(clock_before(ids)[ons].tolist(), ids[ons].tolist())


def tune_places(ids: Ids) -> NDArray[np.intp]:
    """The places of the NOTE_ONs of the highest voice."""
    clock = clock_before(ids)
    notes = np.flatnonzero((ids >= 0) & (ids < TIME_SHIFT))
    struck = notes[ids[notes] < NOTE_OFF]
    start, end = clock[struck], clock[struck] + LONGEST_HANGING
    ons, offs = matched(ids[notes].astype(np.int64))
    end[np.searchsorted(struck, notes[ons])] = clock[notes[offs]]
    end = np.maximum(end, start + 1)
    pitches, velocities = ids[struck], np.full(len(struck), 64)
    # Sorted by onset and pitch, as the NOTE_ONs of a stream are.
    return struck[skyline.tune(Notes.of(pitches, velocities, start / STEPS_A_SECOND, end / STEPS_A_SECOND))]


def random_gaps(ids: Ids, noise: Generator) -> list[Gap]:
    """Gaps in events of one piece, with something given before and after each."""
    clock, ons = clock_before(ids), np.flatnonzero((ids >= 0) & (ids < NOTE_OFF))
    gaps = []
    for start, end, limit in _spans(int(clock[-1]) if len(ids) else 0, noise):
        following = ons[slice(*np.searchsorted(clock[ons], [end, limit]))]
        gaps.append(Gap(start, end, ids[following].tolist()))
    return gaps


def gap_place(ids: Ids, start: int) -> int:
    """Where the events of a gap begin: after the last event before the step `start`, and before the wait from there."""
    place = int(np.searchsorted(clock_before(ids), start))
    shifts = is_shift(ids)
    while place > 0 and shifts[place - 1]:
        place -= 1
    return place


def clock_before(ids: Ids) -> Steps:
    """The step of each event; the time of a TIME_SHIFT passes after it."""
    advance = np.where(is_shift(ids), ids.astype(np.int64) - (TIME_SHIFT - 1), 0)
    return np.cumsum(advance) - advance


def is_shift(ids: Ids) -> NDArray[np.bool_]:
    return (ids >= TIME_SHIFT) & (ids < VELOCITY)


def _spans(total: int, noise: Generator) -> Iterator[tuple[int, int, int]]:
    """(start, end, end of what is given after it), in steps, of gaps that end within `total` steps."""
    start = _steps(GIVEN, noise)
    while (end := start + _steps(HIDDEN, noise)) < total:
        limit = end + _steps(GIVEN, noise)
        yield start, end, limit
        start = limit


def _steps(seconds: tuple[float, float], noise: Generator) -> int:
    """A random number of steps, log-uniform between bounds in seconds."""
    return round(float(np.exp(noise.uniform(*np.log(seconds)))) * STEPS_A_SECOND)
