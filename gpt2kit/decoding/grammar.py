"""The grammar of answers: a small automaton over ids for each row, which the decoding loop asks before each id.

Shapes: N all rows, V vocabulary.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gpt2kit.errors import UserError

Groups = NDArray[np.int64]

GROUPS = 5
"""The number of groups that ids may be in, 0 included."""


class Automaton(Protocol):
    """The grammar of one answer: it begins after the prompt and is told every id of the answer."""

    @property
    def over(self) -> bool:
        """Whether the answer is complete; then nothing is generated after it."""

    def weigh(self, bias_V: NDArray[np.float32]) -> None:
        """Write what is added to the logits of the next id: 0, -inf for an id that is impossible, or a wish.

        A single finite entry forces its id. The row holds what was written before; the ids of the model beyond the
        task's vocabulary have entries, too.
        """

    def accept(self, id: int) -> None:
        """The next id of the answer: one that `weigh` allowed, as long as it is asked."""

    @property
    def groups(self) -> Groups | None:
        """After `weigh`: the group of each id, below `GROUPS`, as in `sampling.within_groups`; None for no groups."""


MakeAutomaton = Callable[[Sequence[int]], Automaton | None]
"""The whole prompt -> the automaton of its answer, or None if any id may follow any other."""


class Grammars:
    """The automata of all rows of a batch, and what they have written."""

    def __init__(self, automata: Sequence[Automaton], vocab_size: int, banned: Sequence[int]) -> None:
        self.automata, self.banned = automata, list(banned)
        self.bias_NV = np.zeros((len(automata), vocab_size), np.float32)
        self.group_NV = np.zeros((len(automata), vocab_size), np.int64)
        self.has_groups = False
        self.made = [0] * len(automata)
        self.over = [self._over(row) for row in range(len(automata))]

    def accept(self, row: int, id: int) -> bool:
        """Tell a row's automaton its newest id; returns whether the answer is over."""
        self.automata[row].accept(id)
        self.made[row] += 1
        self.over[row] = self._over(row)
        return self.over[row]

    def _over(self, row: int) -> bool:
        """Whether a row is over; otherwise its bias is written."""
        automaton, bias_V = self.automata[row], self.bias_NV[row]
        if automaton.over:
            return True
        automaton.weigh(bias_V)
        if (groups := automaton.groups) is not None:
            self.group_NV[row, : len(groups)] = groups
            self.has_groups = True
        if self.banned:
            bias_V[self.banned] = -np.inf
        if not bias_V.max() > -np.inf:
            ban = " that generate.ban_ids does not ban" if self.banned else ""
            name = type(automaton).__name__
            raise UserError(f"the grammar {name} allows no id{ban} after {self.made[row]} ids")
        return False
