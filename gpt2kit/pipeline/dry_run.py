"""`train --dry-run`: measures what a run would need on its own machine and data. Writes nothing."""

import shutil
import statistics
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from gpt2kit.config import duration
from gpt2kit.data.layouts import Ends
from gpt2kit.errors import DataError
from gpt2kit.pipeline.ratios import beyond
from gpt2kit.pipeline.start import first_model
from gpt2kit.pipeline.train import loop_of, task_to_train, verify
from gpt2kit.recipe import Recipe
from gpt2kit.runs.folder import Run
from gpt2kit.runs.prepared import Prepared
from gpt2kit.tasks.base import Task
from gpt2kit.training import compilation, distributed, loop, memory, plan
from gpt2kit.training.events import Extended

WIDTHS = 3
"""Batches of N widths are trained on repeatedly."""

SECONDS, FEWEST, MOST = 5.0, 2, 5
"""Approximate duration of a measurement in seconds; the fewest and the most repetitions."""


@dataclass(frozen=True)
class Cost:
    """Measured values in seconds and bytes."""

    step: float
    step_from: float
    step_to: float
    """The shortest and the longest of several measurements of `step`."""
    validation: float
    total: float
    """Seconds of the whole run: its steps, and its number of validations."""
    total_from: float
    total_to: float
    memory: int | None
    """Peak memory; None if the system does not report it."""
    disk: int
    """Peak disk space of the run's folder: while a state is saved, the previous one still exists."""
    disk_free: int
    extended: Extended | None
    """How far the run would go past a budget that has no time for `train.budget_steps`."""


@dataclass(frozen=True)
class Preflight:
    """What would be trained, on which data, and at what cost."""

    task: str
    parameters: int
    learning: int
    """Number of parameters to train."""
    device: str
    dtype: str
    compiles: bool
    """Whether training would use torch.compile; these measurements never do."""
    accumulate: int
    """Micro-batches of each process, as they fit into memory."""
    steps: int
    epochs: float
    epoch_tokens: int
    batches: int
    """Per epoch."""
    padding: float
    targets: int
    """Per epoch: tokens, or labelled examples, that carry loss."""
    target_unit: str
    """tokens, or labelled examples."""
    ends: Ends
    overlap: dict[str, dict[str, int]]
    """By split: rows, rows whose source is also in train, and rows whose source differs only in case, spaces and
    punctuation."""
    unknown: list[str]
    cut: int
    cut_tokens: int
    dropped: dict[str, int]
    beyond: dict[str, dict[str, int]]
    """By split: rows with targets longer than an answer may become, by the knob of [generate] with its value."""
    cost: Cost

    def json(self) -> dict[str, Any]:
        return asdict(self)


def preflight(recipe: Recipe, data: str | Path, run: str | Path, init: str | None = None) -> Preflight:
    """Check all that `train` would check, and time a few uncompiled steps; the weights are discarded.

    Raises what training would raise, and DataError if no token would carry loss.
    """
    eager = replace(recipe.train, compile="off")
    with distributed.join(eager.device) as group:
        prepared, folder = Prepared.open(data), Run(Path(run))
        task = task_to_train(recipe, prepared, fresh=not init)
        verify(prepared)
        model = first_model(recipe, task, init)
        work = loop_of(eager, task, prepared, model, folder, group)
        batches = work.batches
        targets = sum(batches.targets(rows) for rows in batches.epoch(0))
        if not targets:
            raise DataError(
                f"{data}: nothing to train on: no token of the training split is a target; prepare it with answers"
            )
        list(work.fit())
        cost = _cost(work, folder)
        splits = prepared.report["splits"]
        return Preflight(
            task=recipe.task_name,
            parameters=work.learner.parameters,
            learning=work.learner.learning,
            device=str(group.device),
            dtype=work.learner.dtype,
            compiles=compilation.wants_compile(recipe.train, group.device, work.flop),
            accumulate=work.progress.accumulate or 1,
            steps=work.progress.steps,
            epochs=work.progress.steps / len(batches),
            epoch_tokens=batches.epoch_tokens,
            batches=len(batches),
            padding=batches.padding,
            targets=targets,
            target_unit=task.layout.target_unit,
            ends=task.layout.ends(prepared.store("train"), task.vocabulary.eos),
            overlap={
                name: {key: split.get(key, 0) for key in ("rows", "leaked", "nearly_leaked")}
                for name, split in splits.items()
                if name != "train"
            },
            unknown=task.vocabulary.unknown(),
            cut=splits["train"]["cut"],
            cut_tokens=splits["train"]["cut_tokens"],
            dropped=splits["train"]["dropped"],
            beyond=_beyond(recipe, prepared, task) if task.layout.has_answers and not task.layout.labels else {},
            cost=cost,
        )


def _beyond(recipe: Recipe, prepared: Prepared, task: Task[Any, Any]) -> dict[str, dict[str, int]]:
    limits = recipe.generate.fitted(prepared.max_ratio)
    return {split: beyond(prepared.store(split), limits) for split in prepared.report["splits"]}


def _cost(work: loop.Loop, run: Run) -> Cost:
    """Measure steps until some seconds have passed; the plan of a run with a budget uses them."""
    began = time.perf_counter()
    first = work.measure(WIDTHS, times=1)  # prepares kernels, and measures one step
    left = SECONDS - (time.perf_counter() - began)
    times = max(FEWEST, min(MOST, int(left / max(1e-6, sum(first.steps) * WIDTHS + first.validation))))
    measured = work.measure(WIDTHS, times)
    steps = sorted(measured.steps)
    step, validation = statistics.median(steps), measured.validation
    extended = None
    if work.config.budget:
        schedule = work.schedule()
        schedule.plan_first(step, measured.validation, measured.save)
        extended = next(schedule.extension(), None)
        if extended is None:  # the last validation is cut at the end of the budget
            validation = min(validation, plan.LARGEST_SHARE * duration(work.config.budget))
    planned = work.progress.steps
    validations = 0 if work.validation is None else max(1, planned // work.progress.evaluate_every)
    other = validations * (validation + measured.save)
    held = 2 * 4 * (2 * work.learner.parameters + (2 + bool(work.learner.average)) * work.learner.learning)
    if kept := work.config.keep_checkpoints:  # the last ones, the best one, and one that is being written
        held += 4 * (kept + 2) * (work.learner.learning if work.config.lora else work.learner.parameters)
    folder = next(path for path in (run.path.absolute(), *run.path.absolute().parents) if path.exists())
    return Cost(
        step=step,
        step_from=steps[0],
        step_to=steps[-1],
        validation=validation,
        total=planned * step + other,
        total_from=planned * steps[0] + other,
        total_to=planned * steps[-1] + other,
        memory=memory.peak(work.group.device),
        disk=held,
        disk_free=shutil.disk_usage(folder).free,
        extended=extended,
    )
