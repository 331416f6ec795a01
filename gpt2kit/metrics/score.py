"""One figure of an evaluation."""

from typing import NamedTuple


class Score(NamedTuple):
    """A figure, and the information needed to compare it with another."""

    name: str
    value: float
    signature: str
    digits: int = 2
    interval: tuple[float, float] | None = None
    """The bounds of its 95% confidence interval, over examples like these."""
    system: str = ""
    """The system that made the outputs, if it is not the model: a baseline."""
