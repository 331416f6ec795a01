"""An automaton of decoding that leans towards a wish."""

from collections.abc import Callable

from gpt2kit.decoding.grammar import Automaton, Groups
from gpt2kit.music.playing.grammar import Bias
from gpt2kit.music.playing.steering import Steering
from gpt2kit.music.stream.events import NOTE_OFF


class Steered:
    """Any automaton over events, with what steers its music. What it forces or forbids stays forced or forbidden."""

    def __init__(self, automaton: Automaton, steering: Steering, due: Callable[[], int | None] = lambda: None) -> None:
        """`due` says which id comes next of what is given: it is neither counted nor made likelier than new notes."""
        self.automaton, self.steering, self.due = automaton, steering, due

    @property
    def over(self) -> bool:
        return self.automaton.over

    @property
    def groups(self) -> Groups | None:
        return self.automaton.groups

    def weigh(self, bias_V: Bias) -> None:
        self.automaton.weigh(bias_V)
        due = self.due()
        before = 0.0 if due is None else float(bias_V[due])
        self.steering.lean(bias_V)
        if due is not None:
            bias_V[due] = before

    def accept(self, id: int) -> None:
        given = id < NOTE_OFF and id == self.due()
        self.automaton.accept(id)
        self.steering.accept(id, given)
