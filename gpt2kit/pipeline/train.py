"""train: every step from prepared data to a run."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from gpt2kit import files, overwriting
from gpt2kit.config import ModelConfig, TrainConfig, duration
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError, UserError
from gpt2kit.model import hf, hf_config, lora
from gpt2kit.model.attention_kinds import shape
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.pipeline.keep_checkpoint import is_due, keep
from gpt2kit.pipeline.sampled import sampled
from gpt2kit.pipeline.start import check_shape, first_model, inputs_of, keep_weights
from gpt2kit.recipe import Recipe, read_by
from gpt2kit.runs.card import write as card
from gpt2kit.runs.folder import METRICS_FILE, RECIPE_FILE, Run
from gpt2kit.runs.kinds import RUN
from gpt2kit.runs.prepared import Prepared
from gpt2kit.runs.resuming import check_init, check_resumable, check_same, is_complete, record_resumed
from gpt2kit.runs.task_folder import TASK_FILE
from gpt2kit.tasks.base import Task
from gpt2kit.training import distributed, events, loop, state
from gpt2kit.training.length import check_effect
from gpt2kit.training.tensorboard import Board


@dataclass(frozen=True)
class Samples:
    """Validation examples with the model's current outputs."""

    step: int
    rows: list[tuple[str, str, str]]
    """(source, output, target), as text."""


Event = events.Event | Samples
Resume = bool | Literal["auto"]


def train(
    recipe: Recipe,
    data: str | Path,
    run: str | Path,
    init: str | Path | None = None,
    resume: Resume = False,
    overwrite: bool = False,
    base: str | Path = "",
) -> Iterator[Event]:
    """Train on a prepared folder into a run folder, which is a Hugging Face GPT-2 checkpoint after the first save.

    `init` is a run, a GPT-2 folder or a Hub id to start from; `resume` continues a run that was stopped, or a finished
    one whose recipe now has more steps; "auto" continues a run if there is one and starts one if there is none, and of
    one that is complete there are no events. `base` is where the model is now that a resumed run was started from, if
    it was moved; `overwrite` replaces a run, and nothing else. Under torchrun every process calls this and sees the
    events; only the main process writes.
    """
    with distributed.join(recipe.train.device) as group:
        folder = Run(Path(run), moved_base=str(base))
        if resume == "auto":
            resume = bool(group.from_main(folder.is_there))
            if resume:
                check_init(folder, str(init or ""))
                if _is_complete(recipe, data, folder):
                    return
                if folder.generation_is_edited:
                    recipe = replace(recipe, generate=folder.recipe.generate)
                init = None
        yield from _train_in(group, recipe, data, folder, init, resume, overwrite)


def _is_complete(recipe: Recipe, data: str | Path, folder: Run) -> bool:
    """Whether nothing is left to do. Raises UserError if the run has other settings or data than are given."""
    if not is_complete(folder, recipe):
        return False
    prepared = Prepared.open(data)
    check_same(folder, prepared, recipe, task_to_train(recipe, prepared, fresh=False))
    return True


def _train_in(
    group: distributed.ProcessGroup,
    recipe: Recipe,
    data: str | Path,
    folder: Run,
    init: str | Path | None,
    resume: bool,
    overwrite: bool,
) -> Iterator[Event]:
    """The same in a group, which outlives everything here: `join` says why."""
    with ExitStack() as alone:
        prepared, start, length = Prepared.open(data), str(init) if init else None, recipe.train.length
        inputs = inputs_of(recipe, data, init)
        task = task_to_train(recipe, prepared, fresh=not (init or resume))
        saved = state.newest(folder.path) if resume else None
        if resume:
            check_resumable(folder, prepared, recipe, task)
            needs_init = recipe.train.lora or recipe.train.freeze or saved is None
            start = folder.init if needs_init else None
            check_shape(recipe, folder.recipe.model, str(folder.path))
            length = folder.recipe.train.length
            check_effect(length, recipe.train)
            recipe = replace(recipe, model=folder.recipe.model)
        elif group.is_main:
            overwriting.check_folder(folder.path, overwrite, RUN, inputs)
        if group.is_first_of_machine:
            verify(prepared)
        group.patient_barrier()
        if group.is_main and folder.path.is_dir():
            alone.enter_context(files.held(folder.path))
        torch.manual_seed(recipe.train.seed)
        stateless = resume and saved is None and folder.record["finished"]
        if stateless:
            model = _trained(folder, task, recipe, start)
        elif saved is not None:
            model = GPT2(*_as_before(folder, task))
            keep_weights(model, recipe.train, task, start)
        else:  # also for a run that was killed before its first save: it restarts from the same weights
            model = first_model(recipe, task, start)
        work = loop_of(recipe.train, task, prepared, model, folder, group)
        if resume and group.is_main:
            files.remove_leftovers(folder.path)
        elif group.is_main:
            with overwriting.new_folder(folder.path, overwrite, RUN, inputs) as new:
                Run.create(new, replace(recipe, model=model.config), prepared, task, start)
                hf_config.write(new, model, task.vocabulary.eos, generate=recipe.generate)
            alone.enter_context(files.held(folder.path))
        group.barrier()
        if stateless:
            step = _step_of_weights(folder)
            spent = duration(length["budget"]) if length["budget"] else 0.0
            work.restart(step, folder.log.lowest_loss(step), length, spent)
            work.save()  # so that the run is not started again if it is killed now
            work.states.wait()
        elif resume:
            work.resume(length)
        if resume and group.is_main:
            record_resumed(folder, prepared, recipe)
            work.threads.repeat(folder.log.threads_after(work.progress.step))
            folder.log.forget_after(work.progress.step)
        sampling = replace(recipe, generate=recipe.generate.fitted(prepared.max_ratio))
        yield from _logged(work, folder, task, prepared.store("val"), sampling, start or "")
        if group.is_main and work.progress.step == work.progress.steps:
            folder.finish()
            if not recipe.train.keep_state:
                state.remove(folder.path)
            card.write(folder)


def _trained(run: Run, task: Task[Any, Any], recipe: Recipe, init: str | None) -> GPT2:
    """The model of a finished run, to train it further."""
    _as_before(run, task)
    if run.weights == lora.ADAPTER:
        return hf.load_adapted(run.path, run.base_folder(), recipe.model.dropout)
    model = hf.load(run.path, recipe.model.dropout)
    keep_weights(model, recipe.train, task, init)
    return model


def _step_of_weights(run: Run) -> int:
    step = run.log.last_step() if run.weights_step is None else run.weights_step
    if step is None:
        raise DataError(
            f"{run.path} does not say which step its weights are from: start a new run with --init {run.path}"
        )
    return step


def task_to_train(recipe: Recipe, prepared: Prepared, fresh: bool) -> Task[Any, Any]:
    """The task of prepared data with the recipe's training knobs; `fresh` weights have no trained positions yet.

    Raises DataError for data of another task, UserError for rows that are too short for the recipe.
    """
    data, task, name = prepared.path, prepared.task, prepared.task_name
    if name != recipe.task_name:
        raise DataError(f"{data} was prepared for {name}, the recipe {recipe.name} is for {recipe.task_name}")
    task = replace(task, **{key: getattr(recipe.task, key) for key in read_by("train", task)})
    window = prepared.window
    limit = task.layout.row_limit(window)
    if limit is not None and fresh and recipe.model.n_positions > limit:
        raise UserError(
            f"{data} was prepared for a window of {window} tokens: nothing in it would teach the positions from "
            f"there to model.n_positions = {recipe.model.n_positions}; prepare it again with --set "
            f"model.n_positions={recipe.model.n_positions}, or train with {window}"
        )
    return task


def verify(prepared: Prepared) -> None:
    """Raises DataError for prepared data that is damaged; reads all of it."""
    prepared.check_copied()
    for store in [prepared.store(split) for split in ("train", "val")]:
        store.check_ids(prepared.task.vocabulary.size)


def loop_of(
    config: TrainConfig,
    task: Task[Any, Any],
    prepared: Prepared,
    model: GPT2,
    run: Run,
    group: distributed.ProcessGroup,
) -> loop.Loop:
    """The training loop; it validates if there is something to predict."""
    train, val = prepared.store("train"), prepared.store("val")
    validation = val if val.tokens > len(val) else None
    batching = task.layout.batching(model.config.n_positions, config.loss_on, config.window)
    return loop.Loop(model, train, validation, config, run.path, group, batching)


def _as_before(run: Run, task: Task[Any, Any]) -> tuple[ModelConfig, int, tuple[str, ...]]:
    """The shape of a run's model. Raises DataError where its files differ, before a model is built from a damaged
    file."""
    config, vocab_size, outputs = hf_config.read(run.path)
    shapes = [(*shape(c), c.dropout) for c in (config, run.recipe.model)]
    if shapes[0] != shapes[1] or (vocab_size, outputs) != (task.vocabulary.size, task.layout.labels):
        raise DataError(f"{hf_config.path_of(run.path)} says another model than {RECIPE_FILE} and {TASK_FILE}")
    return config, vocab_size, outputs


def _logged(
    work: loop.Loop, run: Run, task: Task[Any, Any], validation: Store, recipe: Recipe, init: str
) -> Iterator[Event]:
    """The run's events, interleaved with samples; the main process records the measurements."""
    is_main = work.group.is_main
    with ExitStack() as stack:
        log = stack.enter_context(files.appended(run.path / METRICS_FILE)) if is_main else None
        board = (
            stack.enter_context(Board(run.path, work.progress.step)) if is_main and recipe.train.tensorboard else None
        )
        base = str(Path(init).resolve()) if Path(init).is_dir() else init

        def save(model: GPT2) -> None:
            eos, step = task.vocabulary.eos, work.progress.step
            hf.save(run.path, model, eos, base=base, step=step, generate=recipe.generate)

        for event in work.run(save, outdated=run.has_weights_after(work.progress.step)):
            if log is not None and isinstance(event, events.StepDone | events.Validation):
                log(json.dumps(_metrics(event)))
            if board is not None and isinstance(event, events.StepDone | events.Validation):
                board.show(event)
            yield event  # after its line is in the log: the caller may take long, and be killed meanwhile
            if isinstance(event, events.Validation) and recipe.train.samples:
                model = work.learner.full_model()  # all processes must take part
                if is_main:
                    rows = sampled(model, task, validation, recipe)
                    run.keep_samples(f"after step {event.step:,}", rows)
                    yield Samples(event.step, rows)
            if is_main and isinstance(event, events.Validation):
                card.write(run)
            if recipe.train.keep_checkpoints and is_due(event, work):
                keep(event.step, work, run, task, base)


def _metrics(event: events.StepDone | events.Validation) -> dict[str, float | int]:
    if isinstance(event, events.Validation):
        part = {"validation_batches": event.batches} if event.batches < event.of else {}
        return {"step": event.step, "validation_loss": event.loss, "best": event.best, **part}
    return {
        "step": event.step,
        "epoch": round(event.epoch, 4),
        "loss": event.loss,
        "rate": event.rate,
        "tokens_per_second": round(event.tokens_per_second),
        "of_peak": round(event.of_peak, 4),
        **({} if event.threads is None else {"threads": event.threads}),
    }
