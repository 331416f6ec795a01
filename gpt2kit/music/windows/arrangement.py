"""Training windows arranged for infilling and accompaniment: a stream of events with announcements inserted.

Nothing is moved or left out, so that the events themselves stay an ordinary stream. In one half of these windows gaps
end at random moments, and what is given after each is announced; in the other half a tune is.
"""

from collections.abc import Sequence

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from gpt2kit.music.analysis import skyline
from gpt2kit.music.notes import Notes
from gpt2kit.music.stream.announcements import Announced, of_gap, of_tune
from gpt2kit.music.stream.events import (
    BEGIN,
    LONGEST_HANGING,
    NOTE_OFF,
    STEPS_A_SECOND,
    TIME_SHIFT,
    VELOCITY,
    Ids,
    Steps,
)
from gpt2kit.music.stream.pairing import matched

APART = (2.5, 8.0)
"""Seconds between two moments whose notes are announced: the least and the most; log-uniform."""
BEYOND = 512
"""Events after a window that announcements in it may be about."""


def arranged(ids: Ids, noise: Generator) -> Ids:
    """Events of one piece or of several, of which each but the first begins with BEGIN, with announcements."""
    with_tunes = noise.random() < 0.5
    parts = np.split(ids, np.flatnonzero(ids == BEGIN))
    return np.concatenate(
        [announced(part, tune_of(part) if with_tunes else random_gaps(part, noise)) for part in parts]
    )


def announced(ids: Ids, announcements: Sequence[Announced]) -> Ids:
    """Events of one piece with announcements inserted: each at the beginning or after a TIME_SHIFT, once it is due."""
    first = int(len(ids) > 0 and ids[0] == BEGIN)
    if len(ids) <= first:
        return ids
    moments = first + np.flatnonzero(np.append(True, is_shift(ids)[first:-1]))
    steps = clock_before(ids)[moments]
    places: list[int] = []
    inserted: list[int] = []
    for step, due in announcements:
        if step <= steps[-1]:
            places += [int(moments[np.searchsorted(steps, step)])] * len(due)
            inserted += due
    return np.insert(ids, places, inserted) if places else ids


def tune_of(ids: Ids) -> list[Announced]:
    """The announcements of the highest voice in events of one piece."""
    ons = tune_places(ids)
    return of_tune(clock_before(ids)[ons].tolist(), ids[ons].tolist())


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


def random_gaps(ids: Ids, noise: Generator) -> list[Announced]:
    """The announcements of the notes after random moments in events of one piece, as if a gap ended at each."""
    clock, ons = clock_before(ids), np.flatnonzero((ids >= 0) & (ids < NOTE_OFF))
    steps, pitches = clock[ons].tolist(), ids[ons].tolist()
    found, end = list[Announced](), _steps(APART, noise)
    while len(ids) and end < clock[-1]:
        found += of_gap(end, steps, pitches)
        end += _steps(APART, noise)
    return found


def clock_before(ids: Ids) -> Steps:
    """The step of each event; the time of a TIME_SHIFT passes after it."""
    advance = np.where(is_shift(ids), ids.astype(np.int64) - (TIME_SHIFT - 1), 0)
    return np.cumsum(advance) - advance


def is_shift(ids: Ids) -> NDArray[np.bool_]:
    return (ids >= TIME_SHIFT) & (ids < VELOCITY)


def _steps(seconds: tuple[float, float], noise: Generator) -> int:
    """A random number of steps, log-uniform between bounds in seconds."""
    return round(float(np.exp(noise.uniform(*np.log(seconds)))) * STEPS_A_SECOND)
