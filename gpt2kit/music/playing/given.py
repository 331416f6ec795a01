"""The grammar of music in which some events are given: they come exactly at their times, the model adds the others.

The stream is what `encode` would write of both: within a step, given and new notes are in one order. What announces
given notes is inserted as in training: at the beginning and after each TIME_SHIFT, what is due.
"""

from collections import deque
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from gpt2kit.music.playing.grammar import LATER, LETTING_GO, Bias, EventGrammar, Groups
from gpt2kit.music.playing.wait import keep_waiting
from gpt2kit.music.stream.announcements import Announced
from gpt2kit.music.stream.events import BEGIN, END, LONGEST_SHIFT, NOTE_OFF, TIME_SHIFT, VELOCITY

WAITING = 4
"""The group, in addition to those of `EventGrammar`, of shifts to before the next given event. LATER has events after
that one, and itself."""

TOGETHER = 3
"""Steps within which a key is not struck by the user and by the model: one stroke would double the other."""

Scheduled = tuple[int, Sequence[int]]
"""A step after the beginning of the answer, and the ids that are given there."""


def schedule(ids: ArrayLike) -> list[Scheduled]:
    """The events of a stream by their steps, without its shifts."""
    now, found = 0, dict[int, list[int]]()
    for id in np.asarray(ids, np.int64).tolist():
        if TIME_SHIFT <= id < VELOCITY:
            now += id - TIME_SHIFT + 1
        else:
            found.setdefault(now, []).append(id)
    return list(found.items())


class _Note(NamedTuple):
    """A given NOTE_ON or NOTE_OFF."""

    place: int
    """Its place in the step: NOTE_OFFs are at 0 to 127, NOTE_ONs at 128 to 255."""
    velocity: int | None
    """The VELOCITY that a NOTE_ON needs; None for any."""

    @property
    def id(self) -> int:
        return self.place ^ NOTE_OFF

    @property
    def is_on(self) -> bool:
        return self.place >= NOTE_OFF


class _Step(NamedTuple):
    marks: list[int]
    """Ids that are not events: they come first, in their order."""
    notes: list[_Note]


class GivenGrammar:
    """A grammar with given events.

    A given note is let go when its NOTE_OFF is given; the model can neither end it nor strike its key meanwhile. Nor
    does it strike the key of a note that is announced: it wants that note, which comes by itself. A new note on a key
    that is to be struck is let go first, and was not struck just before. A VELOCITY may be that of an announced note:
    then no new note follows it. Ids beyond the events are inserted as they are.
    """

    def __init__(
        self,
        grammar: EventGrammar,
        given: Iterable[Scheduled] = (),
        announced: Iterable[Announced] = (),
        wait: int = 0,
        new_until: int | None = None,
        struck: Iterable[tuple[int, int]] = (),
        lead: int = 0,
        patient: bool = False,
    ) -> None:
        """`grammar` is at the beginning of an answer. Given notes must begin before its end, where all are let go.

        A NOTE_OFF that is given for a key of the prompt keeps that key down until then. Of `announced`, in order of
        time, each is inserted when the clock has reached its step. Before the step `wait` nothing happens, as between
        the last event of a prompt and a gap. With `new_until`, the model strikes no key from that step on, and the
        answer ends when it has let go all of its keys. `struck` are the steps, of 0 or less, and the keys of given
        notes in the prompt. Given notes that are struck within `lead` steps have been announced.

        What the model wants and comes by itself, an announced note or the end of a given one, makes it wait a little.
        If `patient`, it waits for the next given event: with a tune, which has many, it would otherwise play far too
        many notes, but in a gap too few.
        """
        self.grammar, self.wait, self._lead, self._patient = grammar, wait, lead, patient
        self._announced = deque(announced)
        self.new_until = new_until
        self._steps: dict[int, _Step] = {}
        """What is still to come, by step, in order."""
        self._strokes: dict[int, list[int]] = {}
        """The keys of given notes, by step."""
        for step, key in struck:
            self._strokes.setdefault(step, []).append(key)
        velocity, keys = None, set[int]()
        for step, ids in sorted(given, key=lambda each: each[0]):
            if step < 0:
                raise ValueError(f"given events are at steps of 0 or more, not {step}")
            marks, notes = self._steps.setdefault(step, _Step([], []))
            for id in ids:
                if VELOCITY <= id < BEGIN:
                    velocity = id
                elif id < NOTE_OFF:
                    if grammar.end is not None and step >= grammar.end:
                        raise ValueError(f"a note is given at step {step}, and the music ends at {grammar.end}")
                    notes.append(_Note(NOTE_OFF + id, velocity))
                    self._strokes.setdefault(step, []).append(id)
                    keys.add(id)
                elif id < TIME_SHIFT:
                    notes.append(_Note(id - NOTE_OFF, None))
                    if id - NOTE_OFF in grammar.struck and id - NOTE_OFF not in keys:
                        grammar.keep(id - NOTE_OFF)
                else:
                    marks.append(id)
        self._now = _Step([], [])
        self.otherwise: int | None = None
        """The id that leads to the next given event, for a model that wants something after that event."""
        self._later: list[slice] = []
        """The impossible ids of what would come after it, or comes by itself."""
        self._awaited: list[int] = []
        """The keys of announced notes that are still to be struck."""
        self._arrive()

    @property
    def over(self) -> bool:
        return self.grammar.over or (self._is_closed and not self.grammar.struck)

    @property
    def due(self) -> int | None:
        """The id that comes next of what is given at this step, now or after new notes; None if there is nothing."""
        if self._now.marks:
            return self._now.marks[0]
        if not self._now.notes:
            return None
        note = self._now.notes[0]
        return note.id if note.velocity in (None, self.grammar.in_force) else note.velocity

    @property
    def _is_closed(self) -> bool:
        return self.new_until is not None and self.grammar.now >= self.new_until

    @property
    def groups(self) -> Groups | None:
        """Those of the grammar. In addition, what the model wants after the next given event leaves its probability to
        that event, or else new notes would fill the time to it; what comes by itself leaves it to waiting."""
        groups = self.grammar.groups.copy()
        if not self._patient or self.otherwise is not None:
            groups[self._coming] = LATER if self._patient else WAITING
        if not self._patient:
            if groups[TIME_SHIFT] == LETTING_GO:  # NOTE_OFFs that are impossible mean shifts
                offs = groups[NOTE_OFF:TIME_SHIFT]
                offs[offs == LETTING_GO] = WAITING
            groups[TIME_SHIFT:VELOCITY] = WAITING
        if self.otherwise is not None:
            for ids in self._later:
                groups[ids] = LATER
            groups[self.otherwise] = LATER
        return groups

    def weigh(self, bias_V: Bias) -> None:
        self.otherwise = None
        if self._now.marks:
            bias_V.fill(-np.inf)
            bias_V[self._now.marks[0]] = 0
        elif self._now.notes:
            self._weigh_up_to(self._now.notes[0], bias_V)
        else:
            following = next(iter(self._steps), None)
            steps = LONGEST_SHIFT if following is None else following - self.grammar.now
            self.grammar.allow(bias_V, steps=steps)
            if self._is_closed:
                self._forbid_new(bias_V)
                if not bias_V.max() > -np.inf:  # a pause is too long, and no key may end it
                    bias_V[NOTE_OFF + min(self.grammar.struck)] = 0
            self._await(bias_V)
            if self.grammar.now < self.wait:
                keep_waiting(bias_V, self.wait - self.grammar.now)
            elif following is not None and steps <= LONGEST_SHIFT:
                arrival, wanted = TIME_SHIFT - 1 + steps, list[slice]()
                if self.grammar.ready and self._awaited:  # the VELOCITY was that of a note which comes by itself
                    arrival = arrival if self._patient else TIME_SHIFT
                    wanted = [slice(key, key + 1) for key in self._awaited]
                    bias_V[arrival] = 0
                if bias_V[arrival] > -np.inf:
                    self.otherwise, self._later = arrival, [slice(arrival + 1, VELOCITY), *wanted]
        if self._steps or self._now.notes or self.new_until is not None:
            bias_V[END] = -np.inf

    def accept(self, id: int) -> None:
        marks, notes = self._now
        if marks:
            marks.pop(0)
            return
        self.grammar.accept(id)
        if notes and id == notes[0].id:
            if notes.pop(0).is_on:
                self.grammar.keep(id)
        elif TIME_SHIFT <= id < VELOCITY:
            self._arrive()

    def _weigh_up_to(self, note: _Note, bias_V: Bias) -> None:
        """Allow a given note and what may come before it in its step."""
        grammar = self.grammar
        due = grammar.allow(bias_V, before=note.place, steps=0)
        if self._is_closed:
            self._forbid_new(bias_V)
        if due < note.place:
            return
        self._await(bias_V)
        if note.velocity in (None, grammar.in_force):
            bias_V[note.id] = 0
        elif not (grammar.ready and grammar.can_strike(note.place)) or self._lead:
            bias_V[note.velocity] = 0
        if grammar.ready and not self._lead:
            return
        self.otherwise = self.due
        after = [slice(note.id + 1, NOTE_OFF)] if note.is_on else [slice(0, NOTE_OFF), slice(note.id + 1, TIME_SHIFT)]
        self._later = after
        if bias_V[note.id] == -np.inf:
            self._later.append(slice(note.id, note.id + 1))  # with another velocity
        if not grammar.ready:
            self._later.append(slice(TIME_SHIFT, VELOCITY))
            if not grammar.can_strike(note.place):
                self._later.append(slice(VELOCITY, BEGIN))

    @property
    def _coming(self) -> list[int]:
        """What comes by itself: given notes that are about to be struck, and the ends of those that sound."""
        return [*self._awaited, *(NOTE_OFF + key for key in self.grammar.kept)]

    def _await(self, bias_V: Bias) -> None:
        """Do not strike the keys of given notes that are about to come."""
        bias_V[self._awaited] = -np.inf

    @staticmethod
    def _forbid_new(bias_V: Bias) -> None:
        bias_V[:NOTE_OFF] = bias_V[VELOCITY : END + 1] = -np.inf

    def _arrive(self) -> None:
        """Take what is given at this step."""
        grammar = self.grammar
        near = range(grammar.now - TOGETHER, grammar.now + TOGETHER + 1)
        grammar.bar({key for step in near for key in self._strokes.get(step, ())})
        soon = range(grammar.now + 1, grammar.now + self._lead + 1)
        self._awaited = sorted({key for step in soon for key in self._strokes.get(step, ())})
        marks, notes = self._steps.pop(grammar.now, _Step([], []))
        if grammar.end is not None and grammar.now >= grammar.end:
            return  # there, the grammar itself lets go all keys
        while self._announced and self._announced[0][0] <= grammar.now:
            marks += self._announced.popleft()[1]
        notes = [note for note in notes if note.is_on or note.place in grammar.kept]
        released = {note.place for note in notes}
        taken = [note.place - NOTE_OFF for note in notes if note.is_on]
        notes += [_Note(key, None) for key in dict.fromkeys(taken) if key in grammar.struck and key not in released]
        self._now = _Step(marks, sorted(notes, key=lambda note: note.place))
