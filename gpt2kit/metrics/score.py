"""One figure of an evaluation."""

from typing import NamedTuple


class Score(NamedTuple):
    """A figure, and all that must be known to compare it with another."""

    name: str
    value: float
    signature: str
    digits: int = 2
    interval: tuple[float, float] | None = None
    """The bounds within which it lies with 95% confidence, over examples like these."""
    system: str = ""
    """What made the outputs, where that is not the model: a baseline."""
