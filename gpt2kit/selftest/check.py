"""The result of one check of a run."""

import math
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Check:
    """`passed` is None if it could not be checked; the remark says why."""

    name: str
    passed: bool | None
    figure: float | None = None
    """The measured value; NaN does not pass."""
    limit: float | None = None
    remark: str = ""

    @property
    def state(self) -> str:
        """The outcome in a word."""
        return {True: "ok", False: "failed", None: "skipped"}[self.passed]

    @property
    def measured(self) -> str:
        """The figure and its limit, such as "5.1e-07 <= 1.0e-03"; empty without a figure."""
        if self.figure is None or self.limit is None:
            return ""
        return f"{_number(self.figure)} {'<=' if self.passed else '>'} {_number(self.limit)}"

    def json(self) -> dict[str, Any]:
        figure = self.figure if self.figure is not None and math.isfinite(self.figure) else None
        values = {"name": self.name, "passed": self.passed, "figure": figure, "limit": self.limit}
        return values | {"remark": self.remark}


def _number(figure: float) -> str:
    return f"{figure:.0f}" if float(figure).is_integer() else f"{figure:.1e}"


def within(name: str, figure: float, limit: float, remark: str = "") -> Check:
    """A check that passes if the figure is at most the limit."""
    return Check(name, figure <= limit, float(figure), float(limit), remark)


def skipped(name: str, why: str) -> Check:
    return Check(name, None, remark=why)


def raised(name: str, error: Exception, tool: str = "") -> Check:
    """A check that failed since a tool raised an error; the remark is one line."""
    said = f"{type(error).__name__}: {' '.join(str(error).split())}"
    return Check(name, False, remark=f"{tool}: {said}" if tool else said)
