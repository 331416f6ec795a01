"""The progress of a run: the contents of its state file apart from weights and moments."""

import math
from dataclasses import asdict, dataclass, field
from typing import Any

from gpt2kit.config import LENGTH, TrainConfig
from gpt2kit.training.plan import Costs, Plan


@dataclass
class Progress:
    """The counters of a run. The loop and its schedule change them as the run proceeds."""

    plan: Plan
    evaluate_every: int
    """Steps between validations."""
    processes: int = 1
    step: int = 0
    """Optimiser steps completed."""
    best: float = math.inf
    """The lowest loss of a whole validation."""
    waited: int = 0
    """Validations since the lowest loss."""
    accumulate: int | None = None
    """Micro-batches of each process; None until it is known what fits into memory."""
    costs: Costs = field(default_factory=Costs)
    spent: float = 0.0
    """Seconds, including those of earlier processes."""
    length: dict[str, Any] | None = None
    """The knobs that the plan was made for (`TrainConfig.length`); None in the states of older versions."""

    @classmethod
    def first(cls, config: TrainConfig, epoch: int, processes: int) -> "Progress":
        """Before the first step; `epoch` is the number of batches in one."""
        steps = config.steps or max(1, config.least_steps, round(config.epochs * epoch))
        every = config.evaluate_every or math.ceil(steps / 10)
        return cls(Plan(steps), every, processes, length=config.length)

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run, as currently planned."""
        return self.plan.total

    def validated(self, loss: float) -> bool:
        """Count a whole validation; returns whether its loss is the lowest so far."""
        lower = loss < self.best
        if lower:
            self.best = loss
        return self.validated_in_part(lower)

    def validated_in_part(self, lower: bool) -> bool:
        """Count a validation that was cut short, and return `lower`: whether its loss counts as the lowest so far."""
        self.waited = 0 if lower else self.waited + 1
        return lower

    def end(self) -> None:
        """End the run at this step, whatever the plan."""
        self.plan = Plan(self.step)

    def to_json(self) -> dict[str, Any]:
        return {
            "step": self.step,
            "best": None if math.isinf(self.best) else self.best,  # JSON has no infinity
            "waited": self.waited,
            "pace": {
                "plan": asdict(self.plan),
                "costs": asdict(self.costs),
                "evaluate_every": self.evaluate_every,
                "spent": self.spent,
            },
            "length": self.length,
            "processes": self.processes,
            "accumulate": self.accumulate,
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> "Progress":
        """Raises ValueError for anything that `to_json` does not return."""
        try:
            pace, best, accumulate = value["pace"], value["best"], value["accumulate"]
            length = value.get("length")
            if not (length is None or (isinstance(length, dict) and length.keys() == set(LENGTH))):
                raise ValueError(f"{length!r} is not a length")
            for number in (*pace["plan"].values(), *pace["costs"].values(), pace["spent"]):
                if not (isinstance(number, int | float) and math.isfinite(number)):
                    raise ValueError(f"{number!r} is not a number")
            _count(pace["plan"]["total"])
            return cls(
                plan=Plan(**pace["plan"]),
                evaluate_every=max(1, _count(pace["evaluate_every"])),
                processes=_count(value["processes"]),
                step=_count(value["step"]),
                best=math.inf if best is None else float(best),
                waited=int(value.get("waited", 0)),  # missing in older states
                accumulate=None if accumulate is None else max(1, _count(accumulate)),
                costs=Costs(**pace["costs"]),
                spent=pace["spent"],
                length=length,
            )
        except (KeyError, TypeError, AttributeError, OverflowError) as error:
            raise ValueError(repr(error)) from None


def _count(value: object) -> int:
    """A whole number of at least 0. Raises ValueError for anything else."""
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is not a count")
    return value
