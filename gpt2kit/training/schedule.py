"""The clock of a run: what its parts take, how fast it is, how long it will be, and how much of its budget is left."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from gpt2kit.config import TrainConfig, duration
from gpt2kit.training.distributed import ProcessGroup
from gpt2kit.training.plan import Costs, Plan, first_interval, steps_within

SMOOTHING = 0.95
"""Weight of the past in the speed that is shown."""

PLANS = 20
"""At least so often is a run with a budget planned anew, by its steps and by its time: a machine may become slow."""


def check_count(value: object) -> int:
    """A whole number that is not below 0. Raises ValueError for anything else."""
    if type(value) is not int or value < 0:
        raise ValueError(f"{value!r} is no count")
    return value


class Pace:
    """Steps are planned once, or with a budget of time again and again, by the main process's clock."""

    def __init__(
        self, config: TrainConfig, steps: int, validates: bool, group: ProcessGroup, clock: Callable[[], float]
    ) -> None:
        """`steps` are the planned ones where no budget decides."""
        self.config, self.validates, self.group, self.clock = config, validates, group, clock
        self.budget = duration(config.budget) if config.budget else None
        self.costs = Costs()
        self.spent = 0.0
        self._planned(Plan(steps), config.evaluate_every or math.ceil(steps / 10))
        self._speed = (0.0, 0.0, 0.0)

    def _planned(self, plan: Plan, evaluate_every: int) -> None:
        self.plan, self.evaluate_every = plan, evaluate_every
        self.save_every = self.config.save_every or evaluate_every

    def state(self) -> dict[str, Any]:
        """All that a resumed run needs to go on with what is left of its budget; JSON."""
        known = {"plan": asdict(self.plan), "costs": asdict(self.costs)}
        return known | {"evaluate_every": self.evaluate_every, "spent": self.elapsed()}

    def restore(self, state: dict[str, Any]) -> None:
        """Raises KeyError, TypeError or ValueError for what is no such state."""
        for number in (*state["plan"].values(), *state["costs"].values(), state["spent"]):
            if not (isinstance(number, int | float) and math.isfinite(number)):
                raise ValueError(f"{number!r} is no number")
        plan = {key: check_count(value) if key == "total" else value for key, value in state["plan"].items()}
        self._planned(Plan(**plan), max(1, check_count(state["evaluate_every"])))
        self.costs, self.spent = Costs(**state["costs"]), state["spent"]

    def start(self) -> None:
        """From here on time passes."""
        self.began = self.clock() - self.spent

    def elapsed(self) -> float:
        """Seconds spent on the run, earlier processes included."""
        return self.clock() - self.began

    def plan_first(self, step_seconds: float, validation_seconds: float, save_seconds: float) -> None:
        """Plan a run with a budget before its first step, by what was measured."""
        assert self.budget is not None
        self.costs = Costs(step_seconds, validation_seconds, save_seconds)
        every = self.evaluate_every
        if not self.config.evaluate_every:
            every = int(self.group.from_main(first_interval(self.budget, self.budget - self.elapsed(), self.costs)))
        self._planned(self.plan, every)
        self._plan(0)

    def _plan(self, step: int) -> None:
        assert self.budget is not None
        left = self.budget - self.elapsed()
        steps = steps_within(self.budget, left, self.costs, self.evaluate_every, self.save_every)
        self.plan = self.plan.replanned(step, int(self.group.from_main(steps)))
        self.mark(step)

    def end(self, step: int) -> None:
        """The run ends here, whatever was planned."""
        self.plan = Plan(step)

    def mark(self, step: int) -> None:
        """Steps are timed from here on."""
        self._mark, self._other = (self.clock(), step), 0.0

    def plan_again(self, step: int, validated: bool) -> None:
        """With a budget, now and then: plan what is left by what the last steps took."""
        if self.budget is None or step == self.plan.total:
            return
        steps, seconds = step - self._mark[1], self.clock() - self._mark[0]
        due = steps >= self.plan.total / PLANS or seconds >= self.budget / PLANS
        if self.group.from_main(validated or due):
            self.costs.learn(max(0.0, seconds - self._other), steps)
            self._plan(step)

    @contextmanager
    def validating(self) -> Iterator[None]:
        """Around a validation and whatever the caller does with it."""
        started = self.clock()
        yield
        self.costs.validation = self.clock() - started
        self._other += self.costs.validation

    @contextmanager
    def saving(self) -> Iterator[None]:
        started = self.clock()
        yield
        self.costs.save = self.clock() - started
        self._other += self.costs.save

    def stepped(self, seconds: float, tokens: float, flop: float) -> tuple[float, float]:
        """Take in a step; returns tokens and FLOP a second, smoothed."""
        now = (seconds, tokens, flop)
        self._speed = before = tuple(SMOOTHING * old + new for old, new in zip(self._speed, now, strict=True))  # type: ignore[assignment]  # three
        return (before[1] / before[0], before[2] / before[0]) if before[0] else (0.0, 0.0)

    def left(self, step: int, step_seconds: float) -> float:
        """Seconds to the end: of the budget, or what steps and, once one was seen, validations will take."""
        if self.budget is not None:
            return max(0.0, self.budget - self.elapsed())
        steps = self.plan.total - step
        validations = -(-steps // self.evaluate_every) if self.validates else 0
        return steps * step_seconds + validations * self.costs.validation
