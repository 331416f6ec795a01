"""A performance: notes as parallel arrays, in seconds."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gpt2kit.errors import counted

FIELDS = ("pitch", "velocity", "start", "end")


@dataclass(frozen=True, eq=False)
class Notes:
    """Notes in order of (start, pitch, end); notes equal in these three keep the order they were given in.

    All four are one-dimensional and equally long. Any input that numpy can convert without changing a value is
    accepted.

    Raises ValueError for a pitch outside 0 to 127, a velocity outside 1 to 127 (0 means "off" in MIDI), a start before
    0, an end that is not after its start, and a time that is not finite.
    """

    pitch: NDArray[np.uint8]
    """MIDI note numbers, 0 to 127; 60 is middle C."""
    velocity: NDArray[np.uint8]
    """How hard the key was struck, 1 to 127."""
    start: NDArray[np.float64]
    """Seconds from the beginning of the piece."""
    end: NDArray[np.float64]
    """Seconds, after `start`."""

    def __post_init__(self) -> None:
        pitch, velocity = _whole("pitch", self.pitch, 0), _whole("velocity", self.velocity, 1)
        start, end = (np.array(times, np.float64) for times in (self.start, self.end))
        if not (pitch.ndim == 1 and pitch.shape == velocity.shape == start.shape == end.shape):
            shapes = [values.shape for values in (pitch, velocity, start, end)]
            raise ValueError(f"{', '.join(FIELDS)} must be lists of equal length; their shapes are {shapes}")
        if not (start >= 0).all():
            raise ValueError("a note's start is negative or not a number")
        if not ((end > start) & np.isfinite(end)).all():
            raise ValueError("a note's end is not after its start, or not finite")
        order = _order(pitch, start, end)
        columns: tuple[NDArray[Any], ...] = (pitch, velocity, start, end)
        for name, values in zip(FIELDS, columns, strict=True):
            ordered = values if order is None else values[order]
            ordered.flags.writeable = False
            object.__setattr__(self, name, ordered)

    @classmethod
    def of(cls, pitch: ArrayLike, velocity: ArrayLike, start: ArrayLike, end: ArrayLike) -> "Notes":
        """Notes from lists or arrays of any number type, in any order."""
        return cls(*(np.asarray(values) for values in (pitch, velocity, start, end)))

    @classmethod
    def none(cls) -> "Notes":
        return cls.of([], [], [], [])

    def __len__(self) -> int:
        return len(self.pitch)

    def __eq__(self, other: object) -> bool:
        """Whether both contain the same notes to the last bit."""
        if not isinstance(other, Notes):
            return NotImplemented
        return all(np.array_equal(getattr(self, name), getattr(other, name)) for name in FIELDS)

    __hash__ = None  # type: ignore[assignment]  # arrays are not hashed

    def __repr__(self) -> str:
        return f"Notes({len(self)} in {self.duration:.2f} s)"

    @property
    def duration(self) -> float:
        """Seconds from 0 to the last end of a note; 0 without notes."""
        return float(self.end.max()) if len(self) else 0.0

    def sliced(self, start: float = 0.0, stop: float = float("inf")) -> "Notes":
        """The notes struck from `start` to before `stop` (seconds), which becomes the new 0; held ones end at `stop`.

        A note struck before `start` is left out even if it still sounds: cut, it would sound as if struck again.
        """
        kept = (self.start >= start) & (self.start < stop)
        begins = self.start[kept] - start
        ends = np.minimum(self.end[kept], stop) - start
        audible = ends > begins  # a difference of large times may round to 0
        return Notes(self.pitch[kept][audible], self.velocity[kept][audible], begins[audible], ends[audible])

    def first_in_first_out(self) -> "Notes":
        """The same keystrokes and releases, paired so that the first struck of one pitch's sounding notes is the first
        to end.

        A stream of note-ons and note-offs can express only this. Notes of one pitch that do not overlap are unchanged.
        The sorted ends of a pitch are always after its sorted starts, so every note keeps a length.
        """
        end = ends_first_in_first_out(self.pitch, self.end)
        return self if end is self.end else Notes(self.pitch, self.velocity, self.start, end)


@dataclass(frozen=True, eq=False)
class Opening(Notes):
    """The notes before a continuation, with their original ends; the model releases those that sound when it begins."""

    until: float = 0.0
    """When the continuation begins (seconds): all notes were struck before."""


@dataclass(frozen=True, eq=False)
class Surroundings(Opening):
    """The notes around a gap: those struck before it begins, at `until`, and those struck after its end."""

    resume: float = 0.0
    """When the gap ends (seconds)."""


@dataclass(frozen=True, eq=False)
class Accompanied(Opening):
    """A performance that is accompanied from the time `until` on; all of its notes are given."""

    finish: float = float("inf")
    """When the accompaniment ends (seconds)."""
    tune: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, np.bool_))
    """Which notes (N,), in their order, are the tune."""


PITCHES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "G♯", "A", "B♭", "B")


def pitch_name(pitch: int) -> str:
    """Its name in musicians' terms; 60 is C4."""
    return f"{PITCHES[pitch % 12]}{pitch // 12 - 1}"


def summary(notes: Notes) -> str:
    """One line for people: the number of notes, the duration, the range and the loudness."""
    if not len(notes):
        return "no notes"
    low, high = pitch_name(int(notes.pitch.min())), pitch_name(int(notes.pitch.max()))
    loud = f"median velocity {np.median(notes.velocity):.0f}"
    return f"{counted(len(notes), 'note')} in {notes.duration:.1f} seconds, from {low} to {high}, {loud}"


def concatenated(parts: Sequence[Notes]) -> Notes:
    """The notes of all parts on one time axis."""
    if not parts:
        return Notes.none()
    if len(parts) == 1:
        return parts[0]
    return Notes(*(np.concatenate([getattr(part, name) for part in parts]) for name in FIELDS))


def ends_first_in_first_out(pitch: NDArray[np.uint8], end: NDArray[np.float64]) -> NDArray[np.float64]:
    """Reorder the ends (N,) so that those of one pitch are in the order of the notes, which are sorted by their
    starts."""
    by_pitch = np.argsort(pitch, kind="stable")
    pitches, ends = pitch[by_pitch], end[by_pitch]
    if not ((np.diff(ends) < 0) & (pitches[1:] == pitches[:-1])).any():
        return end
    result = np.empty_like(end)
    result[by_pitch] = ends[np.lexsort((ends, pitches))]
    return result


def _whole(name: str, values: NDArray[np.uint8], least: int) -> NDArray[np.uint8]:
    """A copy as bytes, if all are between `least` and 127."""
    array = np.asarray(values)
    if not ((array >= least) & (array <= 127)).all() or (array.dtype.kind == "f" and (array % 1).any()):
        raise ValueError(f"{name} must be whole numbers from {least} to 127")
    return array.astype(np.uint8)


def _order(pitch: NDArray[np.uint8], start: NDArray[np.float64], end: NDArray[np.float64]) -> NDArray[np.intp] | None:
    """The permutation that sorts by (start, pitch, end); None if they are sorted."""
    later, same = start[1:] > start[:-1], start[1:] == start[:-1]
    higher, unison = pitch[1:] > pitch[:-1], pitch[1:] == pitch[:-1]
    if (later | (same & (higher | (unison & (end[1:] >= end[:-1]))))).all():
        return None
    return np.lexsort((end, pitch, start))
