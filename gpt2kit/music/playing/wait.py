"""The time between the last event of a prompt and the beginning of its continuation."""

import numpy as np

from gpt2kit.music.playing.grammar import Bias, EventGrammar, Groups, Timed
from gpt2kit.music.stream.events import LONGEST_SHIFT, TIME_SHIFT, VELOCITY


def keep_waiting(bias_V: Bias, left: int) -> None:
    """Allow only shifts by the steps that are `left`, or more."""
    least = TIME_SHIFT - 1 + min(left, LONGEST_SHIFT)
    bias_V[:least] = bias_V[VELOCITY:] = -np.inf
    if not bias_V.max() > -np.inf:  # the grammar wants a note, as after a long rest
        bias_V[least] = 0


class AfterWait:
    """A grammar of an answer in which nothing happens until a step: the first shift of the model goes there or beyond.

    If the prompt itself contained the shift up to that step, a note would nearly always follow there: in all training
    data, notes follow shifts of less than a second.
    """

    def __init__(self, grammar: EventGrammar | Timed, wait: int) -> None:
        self.grammar, self.left = grammar, wait

    @property
    def over(self) -> bool:
        return self.left <= 0 and self.grammar.over

    @property
    def groups(self) -> Groups | None:
        return self.grammar.groups

    def weigh(self, bias_V: Bias) -> None:
        self.grammar.weigh(bias_V)
        if self.left > 0:
            keep_waiting(bias_V, self.left)

    def accept(self, id: int) -> None:
        self.grammar.accept(id)
        if TIME_SHIFT <= id < VELOCITY:
            self.left -= id - TIME_SHIFT + 1
