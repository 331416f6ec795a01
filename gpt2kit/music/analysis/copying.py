"""The longest passage of a performance that also occurs in training pieces, in any key: a sign of memorising.

A passage is a run of notes in the order of their onsets, those of a chord from the lowest up, and is copied if the
intervals from each to the next are the same. The rhythm is ignored, except that notes that form a chord in one piece
and a sequence in the other may end the run. Trills, scales and repeated notes are alike everywhere, so some length
occurs by chance: measure held-out pieces to know it.

Windows of eight intervals are sorted once, as numbers. For a performance, windows of twice the length are then named by
pairs of names (Karp, Miller and Rosenberg, "Rapid identification of repeated patterns in strings, trees and arrays",
STOC 1972), and a binary search between the last length found and the first not found gives the longest: nothing is
hashed, so there are no false matches.
"""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gpt2kit.errors import counted
from gpt2kit.music.notes import Notes
from gpt2kit.music.stream.events import quantised

CHORD = 3
"""Steps of 10 ms: notes struck up to this long after a chord's first one belong to it."""
WINDOW = 8
"""Intervals of one byte each, which form one 64-bit number."""
BETWEEN = 0
"""The byte between two pieces; intervals are 1 to 255."""

Intervals = NDArray[np.uint8]
Places = NDArray[np.intp]


@dataclass(frozen=True)
class Copied:
    """The longest passage that a performance shares with the training pieces; the first one of several."""

    notes: int
    """Number of notes; 0 for a performance without notes."""
    seconds: float
    """Time from its first onset to its last."""
    start: float
    """Where it begins in the performance, in seconds."""
    piece: str
    """The training piece that contains it."""
    piece_start: float
    """Where it begins in that piece, in seconds."""
    semitones: int
    """How much higher it is than in that piece."""

    def json(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        if not self.notes:
            return "no notes, so none copied"
        unit = "semitone" if abs(self.semitones) == 1 else "semitones"
        key = f", {self.semitones:+d} {unit}" if self.semitones else ""
        return (
            f"{counted(self.notes, 'note')} ({self.seconds:.1f} s) at {self.start:.1f} s, "
            f"as in {self.piece} at {self.piece_start:.1f} s{key}"
        )


def in_order(notes: Notes) -> Places:
    """The places (N,) of notes by onset, the notes of a chord by pitch.

    Onsets are rounded to 10 ms, since a model's onsets are multiples of that. A chord is the notes up to 30 ms after
    its first.
    """
    steps = quantised(notes.start)
    after = np.searchsorted(steps, steps + CHORD, "right").tolist()
    firsts = np.zeros(len(steps), np.int64)
    place = 0
    while place < len(after):
        firsts[place] = 1
        place = after[place]
    return np.lexsort((notes.pitch, np.cumsum(firsts)))


class TrainingPieces:
    """Training pieces, by name, to search for passages. Takes 25 bytes per note."""

    def __init__(self, pieces: Iterable[tuple[str, Notes]]) -> None:
        self.names: list[str] = []
        intervals, starts, pitches, lengths = [], [], [], []
        for name, notes in pieces:
            order = in_order(notes)
            self.names.append(name)
            intervals.append(np.append(_intervals(notes.pitch[order]), np.uint8(BETWEEN))[: len(order)])
            starts.append(notes.start[order])
            pitches.append(notes.pitch[order])
            lengths.append(len(order))
        self.firsts = np.concatenate(([0], np.cumsum(lengths, dtype=np.int64)))
        self.starts = np.concatenate([np.zeros(0), *starts])
        self.pitches = np.concatenate([np.zeros(0, np.uint8), *pitches])
        windows = _windows(np.concatenate([np.zeros(0, np.uint8), *intervals]))
        self.order = np.argsort(windows)
        self.sorted = windows[self.order]

    def longest_copied(self, notes: Notes) -> Copied:
        """The longest passage of `notes` that occurs in these pieces, transposed or not."""
        if not len(notes) or not len(self.starts):
            return Copied(0, 0.0, 0.0, "", 0.0, 0)
        order = in_order(notes)
        match = self._longest(_intervals(notes.pitch[order]))
        onsets = notes.start[order[match.here : match.here + match.intervals + 1]]
        theirs = self.starts[match.there : match.there + match.intervals + 1]
        piece = int(np.searchsorted(self.firsts, match.there, "right")) - 1
        return Copied(
            match.intervals + 1,
            float(onsets.max() - onsets.min()),
            float(onsets.min()),
            self.names[piece],
            float(theirs.min()),
            int(notes.pitch[order[match.here]]) - int(self.pitches[match.there]),
        )

    def _longest(self, intervals: Intervals) -> "_Match":
        windows = _windows(intervals)
        for width in range(min(WINDOW, len(intervals)), 0, -1):
            found = self._found(windows[: len(intervals) - width + 1], width)
            if len(found.places):
                return found.match() if width < WINDOW else _lengthened(found)
        return _Match(0, 0, 0)

    def _found(self, windows: NDArray[np.uint64], width: int) -> "_Found":
        """Find the first `width` <= WINDOW intervals of these windows in the training pieces."""
        rest = np.uint64(2 ** (8 * (WINDOW - width)) - 1)
        wanted, names = np.unique(windows & ~rest, return_inverse=True)
        begin, end = np.searchsorted(self.sorted, wanted), np.searchsorted(self.sorted, wanted | rest, "right")
        counts = end - begin
        within = np.arange(counts.sum()) - np.repeat(np.cumsum(counts) - counts, counts)
        places = self.order[np.repeat(begin, counts) + within]
        return _Found(width, names, places, np.repeat(np.arange(len(wanted)), counts), len(self.order))


class _Match(NamedTuple):
    intervals: int
    here: int
    there: int


class _Found(NamedTuple):
    """The windows of one width that a performance and the training pieces share."""

    width: int
    names: NDArray[np.intp]
    """The name of the window at each place (N,) of the performance: equal windows share a name."""
    places: Places
    """Places in the training pieces (M,) with the same windows."""
    named: NDArray[np.intp]
    """The names of the windows at these places (M,)."""
    total: int
    """Intervals of all training pieces."""

    def match(self) -> _Match:
        here = int(np.flatnonzero(np.isin(self.names, self.named))[0])
        return _Match(self.width, here, int(self.places[self.named == self.names[here]].min()))

    def widened(self, width: int) -> "_Found":
        """Matches of a width up to twice this one: a window consists of its first part and its last, which may
        overlap."""
        offset = width - self.width
        everywhere = np.full(self.total, -1, np.intp)
        everywhere[self.places] = self.named
        is_inside = self.places + offset < self.total
        places, first = self.places[is_inside], self.named[is_inside]
        last = everywhere[places + offset]
        base = int(self.names.max()) + 1
        here = self.names[: max(len(self.names) - offset, 0)] * base + self.names[offset:]
        wanted, names = np.unique(here, return_inverse=True)
        there = np.where(last >= 0, first * base + last, -1)
        named = np.minimum(np.searchsorted(wanted, there), max(len(wanted) - 1, 0))
        same = wanted[named] == there if len(wanted) else np.zeros(len(there), np.bool_)
        return _Found(width, names, places[same], named[same], self.total)


def _lengthened(found: _Found) -> _Match:
    """The longest match that begins with one of the found windows, of which there is at least one."""
    while len((twice := found.widened(2 * found.width)).places):
        found = twice
    best, too_wide = found, 2 * found.width
    while best.width + 1 < too_wide:
        middle = (best.width + too_wide) // 2
        tried = found.widened(middle)
        if len(tried.places):
            best = tried
        else:
            too_wide = middle
    return best.match()


def _intervals(pitches: NDArray[np.uint8]) -> Intervals:
    """From each note (N,) to the next (N - 1,): semitones up + 128."""
    return (np.diff(pitches.astype(np.int16)) + 128).astype(np.uint8)


def _windows(intervals: Intervals) -> NDArray[np.uint64]:
    """The next eight intervals at each place (N,) as one number, the first in its highest byte; BETWEEN at the end."""
    padded = np.concatenate((intervals, np.full(WINDOW, BETWEEN, np.uint8))).astype(np.uint64)
    windows = np.zeros(len(intervals), np.uint64)
    for place in range(WINDOW):
        windows = windows << np.uint64(8) | padded[place : place + len(intervals)]
    return windows
