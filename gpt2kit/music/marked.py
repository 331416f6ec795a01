"""A performance that a model played in part."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gpt2kit.music.notes import Notes


@dataclass(frozen=True)
class Marked:
    """All notes of a performance, and which of them are the model's."""

    notes: Notes
    begin: float = 0.0
    end: float = float("inf")
    """The model's part (seconds). The notes struck before and after it are given."""
    given: NDArray[np.bool_] | None = None
    """Which notes (N,) are given, if some in the model's part are."""

    @classmethod
    def among(cls, notes: Notes, given: Notes, begin: float = 0.0, end: float = float("inf")) -> "Marked":
        """`notes` includes the `given` ones, which may have other ends there."""
        left = _counts(given)
        is_given = np.zeros(len(notes), np.bool_)
        for place, note in enumerate(_identities(notes)):
            if left.get(note, 0):
                left[note] -= 1
                is_given[place] = True
        return cls(notes, begin, end, is_given)

    @property
    def new(self) -> Notes:
        """The model's notes; the clock begins with its part."""
        notes = self.notes if self.given is None else chosen(self.notes, ~self.given)
        return notes.sliced(self.begin, self.end)

    @property
    def outside(self) -> list[tuple[float, float]]:
        """What is before and after the model's part, in seconds."""
        return [part for part in ((0.0, self.begin), (self.end, self.notes.duration)) if part[0] < part[1]]


def chosen(notes: Notes, which: NDArray[np.bool_]) -> Notes:
    return Notes(notes.pitch[which], notes.velocity[which], notes.start[which], notes.end[which])


def _identities(notes: Notes) -> list[tuple[int, int, float]]:
    return list(zip(notes.pitch.tolist(), notes.velocity.tolist(), notes.start.tolist(), strict=True))


def _counts(notes: Notes) -> dict[tuple[int, int, float], int]:
    counts: dict[tuple[int, int, float], int] = {}
    for note in _identities(notes):
        counts[note] = counts.get(note, 0) + 1
    return counts
