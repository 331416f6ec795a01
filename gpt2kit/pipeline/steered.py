"""An automaton of decoding that leans towards a wish."""

from gpt2kit.decoding.grammar import Automaton
from gpt2kit.music.grammar import Bias
from gpt2kit.music.steering import Steering


class Steered:
    """Any automaton over events, with what steers its music. What it forces or forbids stays forced or forbidden."""

    def __init__(self, automaton: Automaton, steering: Steering) -> None:
        self.automaton, self.steering = automaton, steering

    @property
    def over(self) -> bool:
        return self.automaton.over

    def weigh(self, bias_V: Bias) -> None:
        self.automaton.weigh(bias_V)
        self.steering.lean(bias_V)

    def accept(self, id: int) -> None:
        self.automaton.accept(id)
        self.steering.accept(id)
