"""Which runs may be resumed, with which settings, and what they record of it."""

import os
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpt2kit import digests, files, recipe
from gpt2kit.config import LENGTH, TrainConfig, duration
from gpt2kit.errors import DataError, UserError
from gpt2kit.recipe import Recipe
from gpt2kit.runs import places
from gpt2kit.runs.folder import CHECKPOINT, RECIPE_FILE, RUN_FILE, Run
from gpt2kit.runs.prepared import Prepared
from gpt2kit.tasks.base import Task

RECORDED = ("keep_state", "keep_checkpoints")
"""Knobs of [train] that a resumed run may change, from then on: they affect what it keeps, not the result."""

ELSEWHERE = ("device", "threads", "parallel", "checkpointing", "tensorboard", *RECORDED)
"""Knobs of [train] that a resumed run may change: they affect where it is computed, not the result."""


def is_complete(run: Run, resolved: Recipe) -> bool:
    """Whether the run is finished, and would not get longer."""
    return bool(run.record["finished"]) and run.recipe.train.length == resolved.train.length


def check_resumable(run: Run, prepared: Prepared, resolved: Recipe, task: Task[Any, Any]) -> None:
    """Raises if the run is finished and would not get longer, or would continue with other settings or data."""
    if is_complete(run, resolved):
        raise UserError(
            f"{run.path} is finished; to train it further, start a new run with --init {run.path}, or continue "
            f"this one with a longer schedule, such as --resume --set {_longer(resolved.train)}"
        )
    check_same(run, prepared, resolved, task)


def check_same(run: Run, prepared: Prepared, resolved: Recipe, task: Task[Any, Any]) -> None:
    """Raises if the run would continue with other settings or data than it was started with."""
    if CHECKPOINT in run.record:
        raise UserError(
            f"{run.path} is a checkpoint, without the state of its training: resume the run that it belongs to, or "
            f"start a new run with --init {run.path}"
        )
    before, now = (run.recorded_recipe or run.recipe).table(), resolved.table()
    sections = ("train",) if run.record["init"] else ("model", "train")  # with --init, the shape is not the recipe's
    free = (*ELSEWHERE, *LENGTH)
    knobs = [(part, key) for part in sections for key in now[part] if part != "train" or key not in free]
    knobs += [("task", key) for key in recipe.read_by("train", task)]
    changed = [f"{part}.{key}" for part, key in knobs if now[part][key] != before[part].get(key)]
    if changed:
        names = ", ".join(changed)
        raise UserError(f"{run.path} was started with other values of {names}, which --resume cannot change")
    if run.trained_on(prepared):
        return
    if run.data_path.is_dir() and not os.path.samefile(run.data_path, prepared.path):
        raise DataError(f"{run.path} was started on {run.data_path}; {prepared.path} has other data")
    raise DataError(
        f"{prepared.path} was prepared again after the training of {run.path} started: train from the start, "
        "with --overwrite"
    )


def check_init(run: Run, init: str) -> None:
    """Raises UserError unless the run was started from `init`, "" for random weights."""
    before = run.record["init"] or ""
    if run.moved_base or before == init:
        return
    if before and init and not run.record.get("init_of_hub"):
        before = str(places.found(before, run.path))
        if os.path.realpath(before) == os.path.realpath(init):
            return
    raise UserError(
        f"{run.path} was started from {before or 'random weights'}, not from {init or 'random weights'}: continue it "
        f"with {f'--init {before}' if before else 'no --init'}, or start another run with another --out"
    )


def record_resumed(run: Run, prepared: Prepared, resolved: Recipe) -> None:
    """Record how a resumed run continues: where its data and initial model are now, and its length.

    run.json is first: a run that is killed before the recipe is written is not finished, and keeps its old length.
    """
    places_now: dict[str, Any] = {"data": places.recorded(prepared.path, run.path)}
    if run.moved_base:
        local = Path(run.moved_base).is_dir()
        init = places.recorded(Path(run.moved_base), run.path) if local else run.moved_base
        places_now |= {"init": init, "init_of_hub": not local}
    kept = {key: getattr(resolved.train, key) for key in (*LENGTH, *RECORDED)}
    updated = replace(run.recipe, train=replace(run.recipe.train, **kept), generate=resolved.generate)
    text = updated.toml()
    if known := run.record.get("recipe"):  # both, as the process may be killed before the recipe is written
        places_now["recipe"] = list(dict.fromkeys([*known, *digests.of_recipe(text)]))
    if run.record != (now := run.record | places_now | {"finished": False}):
        run.record.update(now)
        files.write_json(run.path / RUN_FILE, run.record)
    if updated != run.recipe:
        files.write_text(run.path / RECIPE_FILE, text)
        run.__dict__.pop("recipe")  # it is read again


def _longer(train: TrainConfig) -> str:
    """A setting that would double the length of a run."""
    if train.budget:
        return f"train.budget={2 * duration(train.budget):.0f}s"
    return f"train.steps={2 * train.steps}" if train.steps else f"train.epochs={2 * train.epochs:g}"
