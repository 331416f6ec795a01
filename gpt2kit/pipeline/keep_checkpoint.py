"""Keeps the weights of a step as a checkpoint (`train.keep_checkpoints`)."""

from contextlib import nullcontext
from pathlib import Path
from typing import Any, TypeGuard

from gpt2kit.model import hf
from gpt2kit.runs import checkpoints
from gpt2kit.runs.folder import Run
from gpt2kit.tasks.base import Task
from gpt2kit.training import events, loop


def is_due(event: object, work: loop.Loop) -> TypeGuard[events.Validation | events.StepDone]:
    """Whether a checkpoint is kept now: after each validation; without a validation split whenever a state is saved."""
    if work.validation is not None or not isinstance(event, events.StepDone):
        return isinstance(event, events.Validation)
    every = work.config.save_every or work.progress.evaluate_every
    return event.step == event.steps or event.step % every == 0


def keep(step: int, work: loop.Loop, run: Run, task: Task[Any, Any], base: str) -> None:
    """Keep a checkpoint, and remove old ones. During a validation the model has the averaged weights already."""
    with work.learner.averaged() if work.validation is None else nullcontext():
        model = work.learner.full_model()  # all processes must take part
        if work.group.is_main:

            def save(folder: Path) -> None:
                eos, generate = task.vocabulary.eos, run.recipe.generate
                hf.save(folder, model, eos, base=base, step=step, generate=generate)

            checkpoints.save(run, step, save)
            checkpoints.remove_old(run, step, work.config.keep_checkpoints, run.log.best_step(step))
