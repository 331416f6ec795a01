"""What may follow in a stream of performance events, as an automaton of the decoding loop (`decoding.grammar`).

A key that is down is not struck, one that is up is not let go; at one step the NOTE_OFFs come first, each kind in order
of pitch, as `encode` writes them; a NOTE_ON follows a VELOCITY. In addition, keys are those of a piano, and the music
does not stop: see the limits of `EventGrammar`.

A model that does not know which keys are down wants to let go others. If all other events shared the probability of
what is impossible, it would strike more keys, or let go the one it has just struck: many notes of 10 ms. So an
impossible NOTE_ON leaves its probability to the other NOTE_ONs; an impossible NOTE_OFF to those of keys that have been
down for a while, and to shifts if no key has. Where no key is down, all events share it: silence is not prolonged.
After the first note, a shift beyond the end means the shift to it, or else the last moments would be full of notes.
"""

from collections import deque
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from gpt2kit.music.stream.events import BEGIN, END, LONGEST_SHIFT, NOTE_OFF, STEPS_A_SECOND, TIME_SHIFT, VELOCITY

LOWEST_KEY, HIGHEST_KEY = 21, 108
"""The keys of a piano, A0 to C8."""

AFTER_ALL = 256
"""A place in a step that is after all notes: NOTE_OFFs are at 0 to 127, NOTE_ONs at 128 to 255."""

STRIKING, LETTING_GO, LATER = 1, 2, 3
"""The groups of `EventGrammar.groups`; other ids are in group 0."""

Bias = NDArray[np.float32]
Groups = NDArray[np.int64]


class EventGrammar:
    """The grammar of one performance, or of its continuation."""

    longest_pause: ClassVar[int] = 5 * STEPS_A_SECOND
    """Steps from a note to the next. In MAESTRO v2's validation pieces, 125 of 639,288 gaps are longer."""
    longest_held: ClassVar[int] = 10 * STEPS_A_SECOND
    """Steps after which a key is let go. 587 of the 639,425 notes of those pieces are longer."""
    crowd: ClassVar[int] = 5 * STEPS_A_SECOND
    most_notes: ClassVar[int] = 250
    """Notes that may begin within `crowd` steps. The most in those pieces are 245."""
    again: ClassVar[int] = 5
    """Steps from a note to the next on the same key. 52 of the notes of those pieces come sooner."""
    settled: ClassVar[int] = 5
    """Steps after which a key that is down is one that an impossible NOTE_OFF may have meant."""

    def __init__(self, prompt: Sequence[int], end: int | None = None) -> None:
        """Begin after the events of a prompt. The answer ends `end` steps later, with all keys up; by default where
        the model says END.

        A key that is down after the prompt may stay down as long as if it were struck now.
        """
        self.now, self.end = 0, end
        self.struck: dict[int, int] = {}
        """The keys that are down and the step at which each was struck, the earliest first."""
        self.kept: set[int] = set()
        """The keys that are down and that the caller lets go."""
        self._on, self._off = np.full(128, -np.inf, np.float32), np.full(128, -np.inf, np.float32)
        self._on[LOWEST_KEY : HIGHEST_KEY + 1] = 0
        self.groups: Groups = np.zeros(BEGIN, np.int64)
        self.groups[:NOTE_OFF] = STRIKING
        self._barred: set[int] = set()
        """Keys that are not struck though they may be up."""
        self._down = [0] * 128
        """How many notes sound on each key: more than one only after a prompt in which notes overlap."""
        self._last = [-self.longest_held] * 128
        """The step at which each key was struck last."""
        self._soon: list[tuple[int, int]] = []
        """Keys that are up and may not be struck yet: (from which step on, pitch)."""
        self.in_force: int | None = None
        """The VELOCITY in force."""
        self.place = -1
        """The place of the last note in this step; -1 before the first."""
        self._begun: deque[int] = deque()
        """The steps of the notes that began within the last `crowd` steps."""
        self._last_note = 0
        self._any = False
        self.ready = False
        """The last event was a VELOCITY."""
        for id in prompt:
            self.accept(id)
        self._begun = deque(step - self.now for step in self._begun)
        self.struck = dict.fromkeys(self.struck, 0)
        self._last = [step - self.now for step in self._last]
        self._soon = [(step - self.now, pitch) for step, pitch in self._soon]
        self.now = self._last_note = 0

    @property
    def over(self) -> bool:
        return self.end is not None and self.now >= self.end and not self.struck and not self.kept

    def keep(self, pitch: int) -> None:
        """Leave it to the caller to let go a key that is down: its NOTE_OFF is not allowed, and never due."""
        self.kept.add(pitch)
        self.struck.pop(pitch, None)
        self._off[pitch] = -np.inf

    def bar(self, keys: set[int]) -> None:
        """Do not allow these keys to be struck, until others are barred."""
        freed, self._barred = self._barred - keys, keys
        for key in keys:
            self._on[key] = -np.inf
        for key in freed:
            self._free(key)

    def can_strike(self, before: int = AFTER_ALL) -> bool:
        """Whether there is a key to strike at a place in this step that is before another."""
        return bool((self._on[self._lowest_on() : max(0, before - NOTE_OFF)] == 0).any())

    def weigh(self, bias_V: Bias) -> None:
        self.allow(bias_V)

    def allow(self, bias_V: Bias, before: int = AFTER_ALL, steps: int = LONGEST_SHIFT) -> int:
        """Allow notes at places in this step that are `before` another, and shifts of at most `steps`.

        Returns the place that nothing in this step may pass: AFTER_ALL, or that of a key that must be let go now.
        """
        bias_V.fill(-np.inf)
        if self.end is not None and self.now >= self.end:
            if down := self.struck.keys() | self.kept:
                bias_V[NOTE_OFF + min(down)] = 0
            return -1
        earliest = next(iter(self.struck.values()), self.now)
        if self.now - earliest >= self.longest_held:
            due = min(key for key, step in self.struck.items() if self.now - step >= self.longest_held)
            stop = min(due + 1, before)
            low = min(max(self.place, 0), stop)
            bias_V[NOTE_OFF + low : NOTE_OFF + stop] = self._off[low:stop]
            return due
        while self._begun and self._begun[0] <= self.now - self.crowd:
            self._begun.popleft()
        crowded = len(self._begun) >= self.most_notes
        if not self.ready:
            if self.place < NOTE_OFF:
                stop = min(before, NOTE_OFF)
                low = min(max(self.place, 0), stop)
                bias_V[NOTE_OFF + low : NOTE_OFF + stop] = self._off[low:stop]
            steps = min(steps, LONGEST_SHIFT, self._last_note + self.longest_pause - self.now)
            steps = min(steps, earliest + self.longest_held - self.now)
            if self.end is not None:
                steps = min(steps, self.end - self.now)
            bias_V[TIME_SHIFT : TIME_SHIFT + max(0, steps)] = 0
            self._group(bias_V)
            if self.end is None and self._any and not self.struck and not self.kept:
                bias_V[END] = 0
        if crowded and not self.ready:
            return AFTER_ALL
        if self.in_force is not None:
            low, stop = self._lowest_on(), max(0, before - NOTE_OFF)
            bias_V[low:stop] = self._on[low:stop]
        if not self.ready and self.can_strike(before):
            bias_V[VELOCITY:BEGIN] = 0
        return AFTER_ALL

    def accept(self, id: int) -> None:
        if id < NOTE_OFF:
            self._strike(id)
        elif id < TIME_SHIFT:
            self._let_go(id - NOTE_OFF)
        elif id < VELOCITY:
            self.now += id - TIME_SHIFT + 1
            while self._soon and self._soon[0][0] <= self.now:
                self._free(self._soon.pop(0)[1])
            self.place, self.ready = -1, False
        elif id < BEGIN:
            self.in_force, self.ready = id, True

    def _group(self, bias_V: Bias) -> None:
        """Say which events get the probability of impossible NOTE_OFFs, and of shifts beyond the end."""
        self.groups[NOTE_OFF:VELOCITY] = LETTING_GO if self.struck or self.kept else 0
        for key in self.struck:
            if self.now - self._last[key] < self.settled:
                self.groups[NOTE_OFF + key] = 0
            elif bias_V[NOTE_OFF + key] == 0:
                self.groups[TIME_SHIFT:VELOCITY] = 0
        if self.end is None or not self._any:  # music that has no note yet begins rather than ends
            return
        left = self.end - self.now
        if left > 1 or self.groups[TIME_SHIFT] == 0:  # the one shift that is left may get both
            self.groups[TIME_SHIFT + left - 1 : VELOCITY] = LATER

    def _lowest_on(self) -> int:
        """The lowest pitch that may still be struck in this step."""
        return max(LOWEST_KEY, self.place - NOTE_OFF + 1)

    def _strike(self, pitch: int) -> None:
        self.struck.pop(pitch, None)
        self.struck[pitch] = self._last[pitch] = self._last_note = self.now
        self._begun.append(self.now)
        self._down[pitch] += 1
        self._on[pitch], self._off[pitch] = -np.inf, 0
        self.place, self.ready, self._any = NOTE_OFF + pitch, False, True

    def _let_go(self, pitch: int) -> None:
        self.place, self.ready = pitch, False
        if self._down[pitch]:
            self._down[pitch] -= 1
        if not self._down[pitch]:
            self.struck.pop(pitch, None)
            self.kept.discard(pitch)
            self._off[pitch] = -np.inf
            self._free(pitch)

    def _free(self, pitch: int) -> None:
        """Allow a key of the piano to be struck, if it is up and not barred, as soon as it may be struck again."""
        if self._down[pitch] or pitch in self._barred or not LOWEST_KEY <= pitch <= HIGHEST_KEY:
            return
        if (again := self._last[pitch] + self.again) <= self.now:
            self._on[pitch] = 0
        else:
            self._soon = sorted([*self._soon, (again, pitch)])


class Timed:
    """No grammar: any event may follow any other until the time is over."""

    groups: ClassVar[None] = None

    patience: ClassVar[int] = 100
    """Events in a row without any time between them: more than ten fingers can play in one moment."""

    def __init__(self, prompt: Sequence[int], end: int) -> None:
        """End an answer to any prompt by the event that reaches `end` steps, or earlier if time does not advance."""
        self.left, self.waited = end, 0

    @property
    def over(self) -> bool:
        return self.left <= 0 or self.waited >= self.patience

    def weigh(self, bias_V: Bias) -> None:
        bias_V[:BEGIN], bias_V[BEGIN:] = 0, -np.inf

    def accept(self, id: int) -> None:
        self.waited += 1
        if TIME_SHIFT <= id < VELOCITY:
            self.left, self.waited = self.left - (id - TIME_SHIFT + 1), 0
