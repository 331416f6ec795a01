"""The layout of a piano roll: its sizes, and how a piece is divided into rows."""

import math
from dataclasses import dataclass

import numpy as np

from gpt2kit.music.notes import Notes

WIDTH = 1800
"""In pixels, like all sizes here; a README shows it at 800, where text of 28 pixels is still legible."""
LEFT, RIGHT, TOP, BOTTOM = 108, 56, 116, 72
KEYS_WIDTH = 28
TEXT, TITLE = 28, 34
UNIT = 36
"""The height of the line below the last row, which says what its numbers are."""
DOTS = 100
"""Pixels per inch, the unit of matplotlib's figures."""
POINT = DOTS / 72
"""Pixels per point, the unit of its fonts and lines."""
ROW_SECONDS = 75.0
"""Longer pieces break into rows of whole minutes, like lines of a score."""
MOST_ROWS = 8
LEAST_SPAN = 36
"""In semitones, so that a melody of few keys is not enlarged."""
TALLEST_KEY, TALLEST_ROW = 9.0, 560.0


@dataclass(frozen=True)
class Grid:
    """The division of a piece into rows, all with the same scale."""

    duration: float
    row: float
    """The seconds of a full row."""
    lowest: int
    highest: int
    key: int
    """The height of one semitone."""

    @property
    def rows(self) -> list[tuple[float, float]]:
        """Start and stop of each row; the last one may end early."""
        starts = self.row * np.arange(math.ceil(self.duration / self.row))
        return [(start, min(start + self.row, self.duration)) for start in starts.tolist()]

    @property
    def pixel(self) -> float:
        """The seconds per pixel."""
        return self.row / (WIDTH - LEFT - RIGHT)

    @property
    def height(self) -> int:
        """The height of a row."""
        return self.key * (self.highest - self.lowest + 1)

    @property
    def pitches(self) -> list[int]:
        return list(range(self.lowest, self.highest + 1))


def grid_of(notes: Notes) -> Grid:
    duration = notes.duration or 10.0
    pitches = notes.pitch if len(notes) else np.array([48, 83])
    # A margin of a tone, then at least three octaves around the middle, so that the keyboard looks familiar.
    lowest, highest = max(int(pitches.min()) - 2, 0), min(int(pitches.max()) + 2, 127)
    missing = max(LEAST_SPAN - (highest - lowest + 1), 0)
    lowest = max(min(lowest - missing // 2, 127 - LEAST_SPAN), 0)
    highest = min(max(highest, lowest + LEAST_SPAN - 1), 127)
    key, row = min(TALLEST_KEY, TALLEST_ROW / (highest - lowest + 1)), duration
    if duration > ROW_SECONDS:
        key, row = 0.7 * key, 60.0 * math.ceil(duration / 60 / MOST_ROWS)
    return Grid(duration, row, lowest, highest, math.ceil(key))
