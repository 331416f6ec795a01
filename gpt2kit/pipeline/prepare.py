"""prepare: the straight line from a corpus to a prepared folder. It needs no torch, and does not wait for it."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from gpt2kit import files
from gpt2kit.data.prepare import write_splits
from gpt2kit.data.report import SplitReport
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError
from gpt2kit.recipe import Recipe
from gpt2kit.runs import folder as folders
from gpt2kit.tasks.base import Record, Task


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
    task, window = recipe.task.examined(corpora["train"]), recipe.model.n_positions
    longest = None if task.layout == "stream" else window
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
        for name in (name for name in writers if name != "train"):
            writers[name].compare(writers["train"])
        reports = {name: writer.report for name, writer in writers.items()}
        if not reports["train"].rows:
            raise DataError(f"{' '.join(corpora['train'])}: nothing to train on ({reports['train'].reasons()})")
        folders.save_task(folder, recipe.task_name, fitted)
        described = {"corpora": dict(corpora), "window": window, "splits": {s: r.json() for s, r in reports.items()}}
        files.write_json(folder / folders.REPORT_FILE, described)
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


EXAMPLES, EXAMPLE_TOKENS = 3, 120


def rendered(data: Path, task: Task[Any, Any]) -> list[str]:
    """The first examples of the training split as the model reads them, the middle of long ones left out."""
    store, half = Store(data, "train"), EXAMPLE_TOKENS // 2
    shown = []
    for index in range(min(EXAMPLES, len(store))):
        prompt, target = store.row(index)
        answer = str(task.decode_row(prompt, target)[1]) if task.layout == "examples" else task.render(target[:half])
        cut = (
            [task.render(prompt)]
            if len(prompt) <= EXAMPLE_TOKENS
            else map(task.render, (prompt[:half], prompt[-half:]))
        )
        shown.append(" … ".join(cut) + f" → {answer}" + " …" * (task.layout != "examples" and len(target) > half))
    return shown
