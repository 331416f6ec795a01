"""Density and loudness on request: what to add to the logits of events so that music moves towards a wish.

For each wish a proportional-integral controller compares the last seconds with it, and raises or lowers the logits of
events by the difference. What it adds is bounded, so the model still decides what fits: a wish far from its music is
reached only in part.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpt2kit.music.playing.grammar import Bias
from gpt2kit.music.stream.encoding import note_events
from gpt2kit.music.stream.events import (
    BEGIN,
    DEFAULT_BIN,
    LONGEST_SHIFT,
    NOTE_OFF,
    STEPS_A_SECOND,
    TIME_SHIFT,
    VELOCITY,
    VELOCITY_BINS,
    bin_velocity,
)
from gpt2kit.music.stream.transform import sounding_velocity

BOUND = 3.0
"""The most that a wish adds to a logit, or takes from it: odds change by a factor of at most 20."""

WINDOW = 4 * STEPS_A_SECOND
"""Steps of music whose density is compared with the wish."""
LONGER = np.log(np.maximum(np.arange(1, LONGEST_SHIFT + 1) / 10, 1)).astype(np.float32)
"""How much longer each TIME_SHIFT is than 100 ms. Shorter ones are within chords, which stay as they are."""

RECENT = 30
"""Notes whose mean velocity is compared with the wish."""
ASSUMED = 3
"""The mean begins with this many notes at the wish."""
BINS = np.arange(1, VELOCITY_BINS + 1, dtype=np.float32)


@dataclass(frozen=True)
class Wish:
    """The density and loudness that music should have; None for any."""

    notes_per_second: float | None = None
    velocity: float | None = None
    """The mean of all notes, 1 to 127."""


@dataclass(frozen=True)
class Reached:
    """A wish, and what was played."""

    wished: float
    played: float | None
    """None for a mean of no notes."""

    def __str__(self) -> str:
        return f"{self.wished:g} wished, {'none' if self.played is None else f'{self.played:.1f}'} played"


def reached(wish: Wish, prompt: Sequence[int], ids: Sequence[int], wait: int = 0) -> dict[str, Reached]:
    """How the notes that the events `ids` strike after a prompt compare with each wish, by its name in `Wish`.

    The first `wait` steps are not counted.
    """
    velocity = sounding_velocity(prompt, len(prompt))
    events = note_events(np.array([*([] if velocity is None else [velocity]), *ids], np.int64))
    bins = events.bins[events.ids < NOTE_OFF]
    velocities = bin_velocity(np.where(bins == 0, DEFAULT_BIN, bins))
    return reached_by(wish, velocities, (events.total - wait) / STEPS_A_SECOND)


def reached_by(wish: Wish, velocity: NDArray[Any], seconds: float) -> dict[str, Reached]:
    """How notes (N,) that were struck within some seconds compare with each wish."""
    found = {}
    if wish.notes_per_second is not None:
        found["notes_per_second"] = Reached(wish.notes_per_second, len(velocity) / seconds if seconds > 0 else None)
    if wish.velocity is not None:
        found["velocity"] = Reached(wish.velocity, float(velocity.mean()) if len(velocity) else None)
    return found


class Steering:
    """What to add to the logits of the events of one performance, by the events that have been played."""

    def __init__(self, wish: Wish, prompt: Sequence[int], wait: int = 0) -> None:
        """Begin `wait` steps after a prompt, whose own density and loudness do not count."""
        self._density = None if wish.notes_per_second is None else _Density(wish.notes_per_second, wait)
        self._loudness = None if wish.velocity is None else _Loudness(wish.velocity)
        velocity = sounding_velocity(prompt, len(prompt))
        self._in_force = DEFAULT_BIN if velocity is None else velocity - VELOCITY + 1
        """The bin in force."""
        self._ready = False
        """Whether the last event was a VELOCITY; what the note would get was added to it."""

    def lean(self, bias_V: Bias) -> None:
        """Add to what an automaton wrote. An id that is impossible stays so; V may be more than all events."""
        # By velocity: added to its VELOCITY, or to NOTE_ONs if it is in force.
        notes = np.zeros(VELOCITY_BINS, np.float32)
        if self._density is not None:
            shifts, note = self._density.leaning()
            bias_V[TIME_SHIFT:VELOCITY] += shifts
            notes += note
        if self._loudness is not None:
            notes += self._loudness.leaning()
        bias_V[VELOCITY:BEGIN] += notes
        if not self._ready:
            bias_V[:NOTE_OFF] += notes[self._in_force - 1]

    def accept(self, id: int, given: bool = False) -> None:
        """Count an event that was played, if it is not a note that is given."""
        if id >= BEGIN:
            return
        self._ready = id >= VELOCITY
        if self._ready:
            self._in_force = id - VELOCITY + 1
        elif id >= TIME_SHIFT and self._density is not None:
            self._density.passed(id - TIME_SHIFT + 1)
        elif id < NOTE_OFF and not given:
            if self._density is not None:
                self._density.struck()
            if self._loudness is not None:
                self._loudness.struck(self._in_force)


class _Density:
    """Steers by time: longer or shorter waits, and fewer notes at a time where there are too many."""

    proportional, integral, most, thinner = 2.0, 0.3, 2.0, 1.5

    def __init__(self, wished: float, wait: int) -> None:
        self.wished, self.now, self.sum = wished, -wait, 0.0
        self.struck_at: deque[int] = deque()
        """The steps of the notes in the window."""

    def leaning(self) -> tuple[Bias, float]:
        """What to add to each TIME_SHIFT, and to notes."""
        denser = min(max(self.proportional * self._missing(len(self.struck_at)) + self.sum, -self.most), self.most)
        return np.clip(-denser * LONGER, -BOUND, BOUND), self.thinner * min(denser, 0.0)

    def passed(self, steps: int) -> None:
        begun, self.now = max(self.now, 0), self.now + steps
        steps = self.now - begun
        if steps <= 0:
            return
        # Notes leave the window while the time passes: the mean number of those in it.
        notes = sum(min(self.now, struck + WINDOW) - begun for struck in self.struck_at) / steps
        while self.struck_at and self.struck_at[0] < self.now - WINDOW:
            self.struck_at.popleft()
        change = self.integral * self._missing(notes) * steps / STEPS_A_SECOND
        self.sum = min(max(self.sum + change, -self.most), self.most)

    def struck(self) -> None:
        self.struck_at.append(self.now)

    def _missing(self, notes: float) -> float:
        """The share of the wish that a window with this many notes lacks; negative if it is too dense. A second at the
        wish is added to the window, without which the first note would be too many."""
        seconds = min(WINDOW, max(self.now, 0)) / STEPS_A_SECOND
        return max(1 - (notes / self.wished + 1) / (seconds + 1), -2.0)


class _Loudness:
    """Steers by velocity: leans by the same for every bin, so that accents and voices stay apart."""

    proportional, integral, most = 0.08, 0.002, 0.6

    def __init__(self, wished: float) -> None:
        self.wished = (wished + 2) / 4
        """In bins: the middle of bin 1 is velocity 2."""
        self.sum = 0.0
        self.bins: deque[int] = deque(maxlen=RECENT)

    def leaning(self) -> Bias:
        """What to add to a note of each bin (32,)."""
        louder = min(max(self.proportional * (self.wished - self._mean()) + self.sum, -self.most), self.most)
        return np.clip(louder * (BINS - self._mean()), -BOUND, BOUND)

    def struck(self, bin: int) -> None:
        self.bins.append(bin)
        self.sum = min(max(self.sum + self.integral * (self.wished - self._mean()), -self.most), self.most)

    def _mean(self) -> float:
        return (sum(self.bins) + ASSUMED * self.wished) / (len(self.bins) + ASSUMED)
