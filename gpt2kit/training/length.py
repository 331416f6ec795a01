"""What happens to a run's schedule if it is resumed with another number of steps or another budget."""

from typing import Any

from gpt2kit.config import TrainConfig, duration
from gpt2kit.errors import UserError, counted
from gpt2kit.training import optim
from gpt2kit.training.events import Rescheduled
from gpt2kit.training.plan import Plan
from gpt2kit.training.progress import Progress


def check_effect(before: dict[str, Any], config: TrainConfig) -> None:
    """Raises UserError for a changed knob that another one overrides."""
    decides = "steps" if config.steps else "budget" if config.budget else ""
    idle = ("epochs", "least_steps", *(() if config.budget else ("budget_steps",))) if decides else ("budget_steps",)
    changed = next((key for key in idle if before[key] != config.length[key]), None)
    if changed is None:
        return
    value = getattr(config, changed)
    if not decides:
        raise UserError(f"train.{changed} = {value} has no effect without train.budget: leave it out")
    off = "train.steps=0" if decides == "steps" else "train.budget="
    raise UserError(
        f"train.{changed} = {value:g} has no effect, because train.{decides} = {getattr(config, decides)!r} decides: "
        f"change that instead, or add --set {off}"
    )


def follow(progress: Progress, wanted: Progress, config: TrainConfig) -> Plan:
    """Continue with the length of `wanted`, a plan for other settings; returns the plan until now.

    The learning rate is from now on that of a run which had this length from the start. With a budget, the number of
    steps is planned later. Raises UserError if the run is past that length already.
    """
    if config.budget:
        if duration(config.budget) <= progress.spent and config.budget_steps <= progress.step:
            raise UserError(
                f"train.budget = {config.budget!r} is over: the run has trained for {progress.spent:,.0f} seconds; "
                "give it more"
            )
    elif wanted.steps <= progress.step:
        key = "steps" if config.steps else "epochs"
        raise UserError(
            f"train.{key} = {getattr(config, key):g} means {counted(wanted.steps, 'step')}, and the run has taken "
            f"{progress.step:,}: give it more"
        )
    before, progress.plan, progress.length, progress.waited = progress.plan, wanted.plan, wanted.length, 0
    if not config.budget or config.evaluate_every:
        progress.evaluate_every = wanted.evaluate_every
    return before


def rescheduled(progress: Progress, before: Plan, config: TrainConfig, moments: bool) -> Rescheduled:
    """The event that a schedule was changed; `before` is the plan until then."""
    step, old = progress.step, before.total
    old_rate = optim.rate(min(before.position(step), old), old, config)
    rate = optim.rate(progress.plan.position(step), progress.steps, config)
    return Rescheduled(step, old, progress.steps, config.lr * old_rate, config.lr * rate, moments)
