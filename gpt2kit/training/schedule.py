"""Decides when a run validates, saves and ends: planned once, or with a time budget repeatedly."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gpt2kit.config import TrainConfig, duration
from gpt2kit.training.distributed import ProcessGroup
from gpt2kit.training.plan import Costs, first_interval, steps_within
from gpt2kit.training.progress import Progress

PLANS = 20
"""A run with a budget is planned again at least this often, by its steps and by its time: a machine may become slow."""


class Schedule:
    """Keeps the plan, the costs and the time of a run's progress up to date; the main process's clock decides."""

    def __init__(
        self, config: TrainConfig, progress: Progress, validates: bool, group: ProcessGroup, clock: Callable[[], float]
    ) -> None:
        """The clock starts now."""
        self.config, self.progress, self.validates, self.group, self.clock = config, progress, validates, group, clock
        self.budget = duration(config.budget) if config.budget else None
        self.began = clock() - progress.spent
        self.mark()

    @property
    def save_every(self) -> int:
        return self.config.save_every or self.progress.evaluate_every

    def elapsed(self) -> float:
        """Seconds spent on the run, including earlier processes."""
        return self.clock() - self.began

    def plan_first(self, step_seconds: float, validation_seconds: float, save_seconds: float) -> None:
        """Plan a run with a budget before its first step, from measurements."""
        assert self.budget is not None
        costs = self.progress.costs = Costs(step_seconds, validation_seconds, save_seconds)
        if not self.config.evaluate_every:
            every = first_interval(self.budget, self.budget - self.elapsed(), costs)
            self.progress.evaluate_every = int(self.group.from_main(every))
        self._plan()

    def _plan(self) -> None:
        assert self.budget is not None
        left, progress = self.budget - self.elapsed(), self.progress
        steps = steps_within(self.budget, left, progress.costs, progress.evaluate_every, self.save_every)
        progress.plan = progress.plan.replanned(progress.step, int(self.group.from_main(steps)))
        self.mark()

    def mark(self) -> None:
        """Start timing steps."""
        self._marked, self._other = (self.clock(), self.progress.step), 0.0

    def plan_again(self, validated: bool) -> None:
        """With a budget, now and then: plan the rest from the duration of the last steps."""
        if self.budget is None or self.progress.step == self.progress.steps:
            return
        seconds, steps = self.clock() - self._marked[0], self.progress.step - self._marked[1]
        due = steps >= self.progress.steps / PLANS or seconds >= self.budget / PLANS
        if self.group.from_main(validated or due):
            self.progress.costs.learn(max(0.0, seconds - self._other), steps)
            self._plan()

    @contextmanager
    def validating(self) -> Iterator[None]:
        """Times a validation and the caller's handling of it."""
        started = self.clock()
        yield
        self.progress.costs.validation = self.clock() - started
        self._other += self.progress.costs.validation

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Times a save, which records the time spent until now."""
        started = self.clock()
        self.progress.spent = started - self.began
        yield
        self.progress.costs.save = self.clock() - started
        self._other += self.progress.costs.save

    def seconds_left(self, step_seconds: float) -> float:
        """Seconds to the end: of the budget, or for the remaining steps and, once one was measured, validations."""
        if self.budget is not None:
            return max(0.0, self.budget - self.elapsed())
        steps = self.progress.steps - self.progress.step
        validations = -(-steps // self.progress.evaluate_every) if self.validates else 0
        return steps * step_seconds + validations * self.progress.costs.validation
