"""The tune of a performance: its skyline, the highest voice.

Uitdenbogerd and Zobel, "Melodic matching techniques for large music databases" (ACM Multimedia 1999), found that people
mostly take the highest notes of each moment for the melody. Here a note belongs to the tune if

- no higher note is struck within 30 ms before or after it: of a chord, rolled or not, the top note is left;
- the last note of the tune no longer sounds, or is at most a third higher. The left hand under a held tone is lower
  than that; a tune mostly falls by small steps, and with the pedal down its last tone sounds into the next;
- it is at most an octave lower than its neighbours in the tune, by their median: a bass that is alone while the tune
  rests is left out.

Grace notes, trills and turns are notes of the tune like others. One struck together with its main note, within the
30 ms, is part of a chord.
"""

import numpy as np
from numpy.typing import NDArray

from gpt2kit.music.notes import Notes

TOGETHER = 0.030001
"""Seconds within which notes are struck together, or a key that is let go still overlaps with the next: 30 ms, and a
little for the rounding of times."""
STEP = 4
"""Semitones that a tune falls while its last tone still sounds: a third."""
HIDES = 2.0
"""Seconds for which a tone can hide lower ones: then it has died away, however long its key or the pedal is down."""
NEIGHBOURS = 5
"""Notes of the tune before a note, and after it, that show where the tune lies."""
OCTAVE = 12


def tune_or_line(notes: Notes) -> NDArray[np.bool_]:
    """Which notes (N,) belong to the tune: all of a single line, however it leaps."""
    return np.ones(len(notes), np.bool_) if is_line(notes) else tune(notes)


def is_line(notes: Notes) -> bool:
    """Whether no two notes are struck together, and each sounds at most into the next one, as in legato."""
    apart = np.diff(notes.start) > TOGETHER
    short = notes.end[:-2] <= notes.start[2:] + TOGETHER
    return bool(apart.all() and short.all())


def tune(notes: Notes) -> NDArray[np.bool_]:
    """Which notes (N,) belong to the tune."""
    found = _tops(notes)
    pitch, start = notes.pitch[found].astype(np.int64), notes.start[found]
    found[found] = _leads(pitch, start, np.minimum(notes.end[found] - TOGETHER, start + HIDES))
    found[found] = _near(notes.pitch[found].astype(np.int64))
    return found


def _tops(notes: Notes) -> NDArray[np.bool_]:
    """Which notes (N,) are the highest of those struck with them."""
    first = np.searchsorted(notes.start, notes.start - TOGETHER).tolist()
    last = np.searchsorted(notes.start, notes.start + TOGETHER, "right").tolist()
    pitch = notes.pitch.tolist()
    highest = np.zeros(len(notes), np.uint8)
    # The highest pitch is written last.
    for note in np.argsort(notes.pitch, kind="stable").tolist():
        highest[first[note] : last[note]] = pitch[note]
    return notes.pitch >= highest


def _leads(pitch: NDArray[np.int64], start: NDArray[np.float64], until: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Which notes (M,) are not hidden by the last one before them that is not hidden, which sounds `until`."""
    shown = np.ones(len(pitch), np.bool_)
    lowest, hides_until = 0, -1.0
    for place, (value, struck, end) in enumerate(zip(pitch.tolist(), start.tolist(), until.tolist(), strict=True)):
        if value < lowest and struck <= hides_until:
            shown[place] = False
        else:
            lowest, hides_until = value - STEP, end
    return shown


def _near(pitch: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which pitches (M,) are at most an octave below the median of their neighbours and themselves."""
    if not len(pitch):
        return np.zeros(0, np.bool_)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(pitch, NEIGHBOURS, mode="edge"), 2 * NEIGHBOURS + 1)
    median = np.partition(around, NEIGHBOURS)[:, NEIGHBOURS]
    return np.asarray(pitch >= median - OCTAVE)
