"""Decides when a run validates, saves and ends: planned once, or with a time budget repeatedly."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from gpt2kit.config import TrainConfig, duration
from gpt2kit.training.distributed import ProcessGroup
from gpt2kit.training.events import Extended
from gpt2kit.training.plan import LARGEST_SHARE, Costs, Plan, believed, first_interval, least_interval, steps_within
from gpt2kit.training.progress import Progress

PLANS = 20
"""A run with a budget is planned again at least this often, by its steps and by its time: a machine may become slow."""

FAR_TOO_FEW, FAR_TOO_FEW_LATER = 0.8, 0.6
"""Shares of the minimum number of steps: if a plan has time for fewer, the first or a later one, which a few slow steps
change, the run says that it will exceed its budget. Otherwise it says so when the budget is over."""


class Schedule:
    """Keeps the plan, the costs and the time of a run's progress up to date; the main process's clock decides."""

    def __init__(
        self, config: TrainConfig, progress: Progress, validates: bool, group: ProcessGroup, clock: Callable[[], float]
    ) -> None:
        """The clock starts now."""
        self.config, self.progress, self.validates, self.group, self.clock = config, progress, validates, group, clock
        self.budget = duration(config.budget) if config.budget else None
        self.began = clock() - progress.spent
        self._before = Costs()  # the last measurements, as they were
        self._handling = 0.0  # of a validation: the seconds after its loss is known, mostly for samples
        self._announced = False
        self._allowed = 0  # steps of the whole run that its budget allows
        self.mark()

    @property
    def save_every(self) -> int:
        return self.config.save_every or self.progress.evaluate_every

    @property
    def _at_minimum(self) -> bool:
        """Whether the plan has just the steps that the budget was chosen for, whatever time is left: the same on all
        processes."""
        return self.progress.steps <= self.config.budget_steps

    def elapsed(self) -> float:
        """Seconds spent on the run, including earlier processes."""
        return self.clock() - self.began

    def plan_first(
        self, step_seconds: float, validation_seconds: float, save_seconds: float, fresh: bool = False
    ) -> None:
        """Plan a run with a budget before its first step, or the first one with a budget, from measurements; `fresh` is
        that of `plan`."""
        assert self.budget is not None
        self.progress.costs = Costs(step_seconds, validation_seconds, save_seconds)
        if not self.config.evaluate_every:
            left, needed = self.budget - self.elapsed(), self.config.budget_steps
            every = first_interval(self.budget, left, self._planned(), needed)
            self.progress.evaluate_every = int(self.group.from_main(every))
        self.plan(fresh)

    def _planned(self) -> Costs:
        """The costs with a validation as short as the last one would be made."""
        assert self.budget is not None
        return self.progress.costs.bounded(LARGEST_SHARE * self.budget)

    def plan(self, fresh: bool = False) -> None:
        """Plan the steps that the remaining time allows, and at least those that the budget was chosen for.

        The completed share of the schedule does not change, unless the plan is `fresh`: then it is that of a run which
        had this budget from the start.

        Validations become rarer if they, with their samples and saves, take much longer than was known.
        """
        assert self.budget is not None
        left, progress = self.budget - self.elapsed(), self.progress
        costs, needed = self._planned(), max(0, self.config.budget_steps - progress.step)
        if not self.config.evaluate_every:
            longer = least_interval(costs) / progress.evaluate_every
            progress.evaluate_every *= int(self.group.from_main(max(1, round(longer))))
        allowed = steps_within(self.budget, left, costs, progress.evaluate_every, self.save_every, progress.step)
        allowed = max(0, int(self.group.from_main(allowed)))
        steps = max(1, allowed, needed)
        progress.plan = (Plan(progress.step + steps) if fresh else progress.plan).replanned(progress.step, steps)
        self._allowed = progress.step + allowed
        self.mark()

    def extension(self) -> Iterator[Extended]:
        """The event that the run needs more time than its budget, once, as soon as that is certain."""
        progress = self.progress
        if self.budget is None or self._announced or not self._at_minimum or progress.step == progress.steps:
            return
        share = FAR_TOO_FEW_LATER if progress.step else FAR_TOO_FEW
        if self._allowed < share * progress.steps or self.elapsed() >= self.budget:
            self._announced = True
            seconds = self._seconds_needed(progress.costs.step)
            yield Extended(progress.step, progress.steps, self._allowed, seconds, self.config.budget)

    def mark(self) -> None:
        """Start timing steps."""
        self._marked, self._at = (self.clock(), self.progress.step), self.clock()
        self._seconds = self._other = 0.0

    def plan_again(self, validated: bool) -> None:
        """With a budget, now and then: plan the rest from the duration of the last steps."""
        if self.budget is None or self.progress.step == self.progress.steps:
            return
        costs, now = self.progress.costs, self.clock()
        taken, self._at, self._other = max(0.0, now - self._at - self._other), now, 0.0
        self._seconds += believed(taken, costs.step, self._before.step)
        self._before.step = taken
        seconds, steps = now - self._marked[0], self.progress.step - self._marked[1]
        due = steps >= self.progress.steps / PLANS or seconds >= self.budget / PLANS or self.elapsed() >= self.budget
        if self.group.from_main(validated or due):
            costs.learn(self._seconds, steps)
            self.plan()

    def validation_ends(self) -> float | None:
        """When a validation has to end by the clock, so that samples and saves end within the budget; None for never.

        A run that may go past its budget, for its minimum number of steps, has no such time.
        """
        if self.budget is None or self._at_minimum:
            return None
        return self.began + self.budget - self._handling - 2 * self.progress.costs.save

    @contextmanager
    def validating(self) -> Iterator[Callable[[float], None]]:
        """Times a validation and the caller's handling of it; yields a function to call when the loss is known, with
        the share of the validation that was computed."""
        started, losses = self.clock(), [(self.clock(), 1.0)]
        yield lambda share: losses.append((self.clock(), share))
        ended, (computed, share) = self.clock(), losses[-1]
        whole = (computed - started) / share + ended - computed
        costs, before = self.progress.costs, self._before
        costs.validation, before.validation = believed(whole, costs.validation, before.validation), whole
        self._handling = min(ended - computed, costs.validation)
        self._other += ended - started

    @contextmanager
    def saving(self) -> Iterator[None]:
        """Times a save, which records the time spent until now."""
        started = self.clock()
        self.progress.spent = started - self.began
        yield
        seconds, costs = self.clock() - started, self.progress.costs
        costs.save, self._before.save = believed(seconds, costs.save, self._before.save), seconds
        self._other += seconds

    def seconds_left(self, step_seconds: float) -> float:
        """Seconds to the end: of the budget, or for the remaining steps and, once one was measured, validations."""
        if self.budget is not None and not self._at_minimum:
            return max(0.0, self.budget - self.elapsed())
        return self._seconds_needed(step_seconds)

    def _seconds_needed(self, step_seconds: float) -> float:
        steps = self.progress.steps - self.progress.step
        validations = -(-steps // self.progress.evaluate_every) if self.validates else 0
        return steps * step_seconds + validations * self.progress.costs.validation
