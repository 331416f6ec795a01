"""prepare and train: the straight lines between a task and the core. (generate is `engine.Engine`.)"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import torch

from gpt2kit import files, folders
from gpt2kit.config import TrainConfig
from gpt2kit.data.batches import Layout, RowLayout
from gpt2kit.data.hub import fetch
from gpt2kit.data.prepare import write_splits
from gpt2kit.data.report import SplitReport
from gpt2kit.data.store import Store
from gpt2kit.data.streams import StreamLayout
from gpt2kit.errors import DataError, UserError
from gpt2kit.generate.decode import answers, freeze
from gpt2kit.model import hf
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.recipe import Recipe, read_by
from gpt2kit.tasks.base import Record, Task
from gpt2kit.train import distributed, loop
from gpt2kit.train import events as kinds
from gpt2kit.train.state import STATE_FILE
from gpt2kit.train.tensorboard import Board

REPORT_FILE = "prepare.json"


def ignore(*_: object) -> None:
    """A progress callback for callers who do not look."""


def prepare(
    recipe: Recipe,
    corpora: Mapping[str, Sequence[str]],
    out: Path,
    overwrite: bool = False,
    progress: Callable[[str, int], None] = ignore,
) -> dict[str, SplitReport]:
    """Read the corpora of each split, learn the tokenizer from train, write ids to `out`; returns what was done.

    Without a "val" corpus the task says what of train is held out, by default by a hash of each key. A failure leaves
    `out` as it was.
    """
    task, window = recipe.task, recipe.model.n_positions
    longest = window if task.layout == "rows" else None
    split = only("train", task) if "val" in corpora else task.split
    read = partial(_counted, task, progress=progress)
    with files.new_folder(out, overwrite) as folder:
        usable = (r for r in read(corpora["train"], "fit") if split(r) == "train" and not task.problem(r))
        fitted = task.fit(corpora["train"], usable, folder, window)
        names = ("train",) if "val" in corpora else ("train", "val")
        writers = write_splits(folder, names, read(corpora["train"], "train"), split, fitted, longest)
        keys = writers["train"].keys()
        for name in (name for name in corpora if name != "train"):
            writers |= write_splits(folder, (name,), read(corpora[name], name), only(name, task), fitted, longest, keys)
        reports = {name: writer.report for name, writer in writers.items()}
        if not reports["train"].rows:
            raise DataError(f"{' '.join(corpora['train'])}: nothing to train on ({reports['train'].reasons()})")
        folders.save_task(folder, recipe.task_name, fitted)
        described = {"corpora": dict(corpora), "window": window, "splits": {s: r.json() for s, r in reports.items()}}
        files.write_json(folder / REPORT_FILE, described)
    return reports


def only(split: str, task: Task[Any, Any]) -> Callable[[Record[Any, Any]], str | None]:
    """All records belong to one split, but for those of which the corpus itself says another."""
    return lambda record: split if task.named_split(record) in (None, split) else None


def _counted(
    task: Task[Any, Any], corpus: Sequence[str], phase: str, progress: Callable[[str, int], None]
) -> Iterator[Record[Any, Any]]:
    number = 0
    for number, record in zip(count(1), task.read(corpus), strict=False):
        if number % 1000 == 0:
            progress(phase, number)
        yield record
    progress(phase, number)


@dataclass(frozen=True)
class Samples:
    """Validation examples with what the model makes of them now."""

    step: int
    rows: list[tuple[str, str, str]]
    """(source, output, target), as text."""


Event = kinds.Event | Samples


def train(
    recipe: Recipe,
    data: Path,
    run: Path,
    init: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
) -> Iterator[Event]:
    """Train on a prepared folder into a run folder, which is a Hugging Face GPT-2 checkpoint from the first save on.

    `init` is a run or a GPT-2 folder or a Hub id to start from; `resume` goes on with a run that was stopped. Under
    torchrun every process calls this and sees the events; the first one alone writes.
    """
    with distributed.join(recipe.train.device) as team:
        name, task = folders.load_task(data)
        if name != recipe.task_name:
            raise DataError(f"{data} was prepared for {name}, the recipe {recipe.name} is for {recipe.task_name}")
        task = replace(task, **{key: getattr(recipe.task, key) for key in read_by("train", task)})
        stores = {split: Store(data, split) for split in ("train", "val")}
        prepared = files.read_json(data / REPORT_FILE).get("window", 0)
        if task.layout == "rows" and not init and not resume and recipe.model.n_positions > prepared:
            raise UserError(
                f"{data} was prepared for a window of {prepared} tokens: nothing in it would teach the positions from "
                f"there to model.n_positions = {recipe.model.n_positions}; prepare it again with --set "
                f"model.n_positions={recipe.model.n_positions}, or train with {prepared}"
            )
        if resume:
            folders.check_resumable(run, data, recipe, task)
            init = folders.init_of(run)
            recipe = replace(recipe, model=folders.recipe_of(run).model)
        elif team.chief:
            files.refuse_existing(run, overwrite)
        torch.manual_seed(recipe.train.seed)
        if resume and (run / STATE_FILE).is_file():
            model = GPT2(*hf.read_config(run))
        else:  # also for a run that was killed before its first save: it starts again from the same weights
            model = _start_from(init, recipe, task) if init else GPT2(recipe.model, task.vocab_size)
        if resume and team.chief:
            files.remove_leftovers(run)
        elif team.chief:
            with files.new_folder(run, overwrite) as folder:
                folders.describe_run(folder, replace(recipe, model=model.config), data, name, task, init)
                hf.save_config(folder, model, task.eos)
        team.wait()
        validation = stores["val"] if len(stores["val"]) else None
        work = loop.Loop(
            model, stores["train"], validation, recipe.train, run, team, layout_of(task, model, recipe.train)
        )
        if resume:
            work.resume()
            if team.chief:
                folders.forget_after(run, work.step)
        yield from _logged(work, run, task, stores["val"], recipe)
        if team.chief and work.step == work.steps:
            folders.finish_run(run)
            (run / STATE_FILE).unlink(missing_ok=True)


def _logged(work: loop.Loop, run: Path, task: Task[Any, Any], validation: Store, recipe: Recipe) -> Iterator[Event]:
    """The run's events, with samples in between; what is measured is written down by the chief."""
    chief = work.team.chief
    with ExitStack() as stack:
        log = stack.enter_context((run / folders.METRICS_FILE).open("a", encoding="utf-8")) if chief else None
        board = stack.enter_context(Board(run, work.step)) if chief and recipe.train.tensorboard else None
        for event in work.run(lambda model: hf.save(run, model, task.eos)):
            yield event
            if log is not None and isinstance(event, kinds.Step | kinds.Validation):
                log.write(json.dumps(_metrics(event)) + "\n")
                log.flush()
            if board is not None and isinstance(event, kinds.Step | kinds.Validation):
                board.show(event)
            if isinstance(event, kinds.Validation) and recipe.train.samples:
                model = work.complete()  # all processes take part
                if chief:
                    yield Samples(event.step, _samples(model, task, validation, recipe))


def layout_of(task: Task[Any, Any], model: GPT2, config: TrainConfig | None = None) -> Layout:
    """How a task's ids become batches; `config` says what training makes of them."""
    config = config or TrainConfig()
    if task.layout == "stream":
        if config.loss_on != "answer":
            raise UserError(f"train.loss_on = {config.loss_on!r}: a stream has no prompts to learn; leave it out")
        return StreamLayout(model.config.n_positions, task.crop)
    return RowLayout(config.loss_on)


def _start_from(init: str, recipe: Recipe, task: Task[Any, Any]) -> GPT2:
    """A pretrained model whose vocabulary grows by the task's new tokens; ids of the old ones must mean the same."""
    folder = fetch(init)
    model = hf.load(folder, recipe.model.dropout)
    if not task.extends(folder):
        raise DataError(f"{init} has another tokenizer than the data: prepare it with --tokenizer {init}")
    hf.grow_vocabulary(model, task.vocab_size)
    return model


def _metrics(event: kinds.Step | kinds.Validation) -> dict[str, float | int]:
    if isinstance(event, kinds.Validation):
        return {"step": event.step, "validation_loss": event.loss}
    return {
        "step": event.step,
        "epoch": round(event.epoch, 4),
        "loss": event.loss,
        "rate": event.rate,
        "tokens_per_second": round(event.tokens_per_second),
        "of_peak": round(event.of_peak, 4),
    }


def _samples(model: GPT2, task: Task[Any, Any], store: Store, recipe: Recipe) -> list[tuple[str, str, str]]:
    count = min(recipe.train.samples, len(store))
    rows = [store.row(index * len(store) // count) for index in range(count)]  # spread over the split
    longest = min(recipe.generate.max_new_tokens, model.config.n_positions)
    config = replace(recipe.generate, beams=1, max_new_tokens=longest, roll=False)
    prompts = [prompt for prompt, _ in rows]
    found = {result.index: result for result in answers(freeze(model, config.dtype), prompts, config, task.eos)}
    outputs = [task.decode(found[index].answers[0].ids) for index in range(len(rows))]
    shown = zip(rows, outputs, strict=True)
    return [
        (task.show(task.decode_source(prompt)), str(output), str(task.decode(target)))
        for (prompt, target), output in shown
    ]
