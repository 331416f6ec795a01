"""The number of steps of a run, and its position in the schedule; with a time budget the rest is planned repeatedly."""

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True)
class Plan:
    """A schedule that is at `progress` at step `anchor` and rises linearly to 1 at step `total`."""

    total: int
    anchor: int = 0
    progress: float = 0.0

    def progress_at(self, step: int) -> float:
        """Share of the schedule completed before a step; it rises without jumps and is 1 after the last."""
        return self.progress + (1 - self.progress) * (step - self.anchor) / max(1, self.total - self.anchor)

    def position(self, step: int) -> float:
        """The same in steps, as if all had the current length: 0 at the start, `total` at the end."""
        return float(step) if not self.anchor else self.progress_at(step) * self.total

    def replanned(self, step: int, left: int) -> "Plan":
        """The plan with `left` steps from `step` on; the completed share of the schedule does not change."""
        return Plan(step + left, step, self.progress_at(step))


@dataclass
class Costs:
    """Seconds that a step, a validation with its samples, and a save take."""

    step: float = 0.0
    validation: float = 0.0
    save: float = 0.0

    def learn(self, seconds: float, steps: int) -> None:
        """Add the measured seconds of some steps; a few of them change the mean only a little."""
        known = 4 if self.step else 0
        self.step = (known * self.step + seconds) / (known + steps)

    def bounded(self, validation: float) -> "Costs":
        """The costs if no validation may take more than some seconds."""
        return replace(self, validation=min(self.validation, validation))


OUTLIER = 3.0
"""A measurement counts at most N times the longer of the estimate and the measurement before."""


def believed(seconds: float, estimate: float, before: float) -> float:
    """A measured duration, shortened if it is an outlier; a second long one in a row is believed.

    A machine that was suspended or busy for a moment must not end a run: the steps that a plan gives up do not come
    back, as the learning rate has fallen by then.
    """
    return min(seconds, OUTLIER * max(estimate, before)) if max(estimate, before) else seconds


RESERVE = 0.01
"""Share of the whole budget, and of the remaining budget, that is not planned for: machines drift."""

VALIDATIONS, LARGEST_SHARE = 10, 0.2
"""Validations in a run, and the share of its time that they and the saves with them may take."""


def first_interval(budget: float, left: float, costs: Costs, needed: int = 0) -> int:
    """Steps between validations: ten validations, fewer if they would take more than a fifth of the time.

    The time is what is left of the budget, or more if `needed` steps take longer.
    """
    each = costs.validation + costs.save
    time = max(left, needed * costs.step / (1 - LARGEST_SHARE))
    count = max(1, min(VALIDATIONS, int(LARGEST_SHARE * time / each) if each else VALIDATIONS))
    steps = (_usable(budget, left, costs) - count * each) / costs.step
    return max(1, math.ceil(max(steps, needed) / count))


def least_interval(costs: Costs) -> float:
    """Steps between validations that take exactly their largest share of the time."""
    return (costs.validation + costs.save) * (1 - LARGEST_SHARE) / LARGEST_SHARE / costs.step


def steps_within(budget: float, left: float, costs: Costs, evaluate_every: int, save_every: int, step: int = 0) -> int:
    """Steps after `step` that fit into the remaining seconds of a budget, with their validations and saves.

    The result is 0 or less if not even one step fits. A validation and a save always follow the last step.
    """
    each = costs.step + costs.save / save_every
    seconds = _usable(budget, left, costs) - costs.validation - costs.save
    most = evaluate_every - step % evaluate_every  # with no validation before the last one
    found = int(seconds / each)
    while found > most:  # one more validation, unless the steps after it would be lost to it
        seconds -= costs.validation
        found = max(most, int(seconds / each))
        if found == most:
            break
        most += evaluate_every
    return found


def _usable(budget: float, left: float, costs: Costs) -> float:
    return left * (1 - RESERVE) - budget * RESERVE - costs.save  # saving the final weights
