"""prepare: every step from a corpus to a prepared folder. It does not import torch."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from itertools import chain, count
from pathlib import Path
from typing import Any

from gpt2kit import overwriting
from gpt2kit.data.columns.selection import Selection
from gpt2kit.data.prepare import write_splits
from gpt2kit.data.remote import shown
from gpt2kit.data.report import SplitReport
from gpt2kit.data.splits import Division
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError, UserError
from gpt2kit.pipeline.corpus_files import listing
from gpt2kit.pipeline.endings import readable
from gpt2kit.pipeline.ratios import beyond, fitting_ratio
from gpt2kit.recipe import Recipe
from gpt2kit.runs.kinds import PREPARED
from gpt2kit.runs.prepared import Prepared
from gpt2kit.tasks.base import Task, decode_row
from gpt2kit.tasks.record import Proposed, Record


def ignore(*_: object) -> None:
    """A progress callback that does nothing."""


def prepare(
    recipe: Recipe,
    corpora: Mapping[str, Sequence[str]],
    out: str | Path,
    overwrite: bool = False,
    progress: Callable[[str, int], None] = ignore,
) -> dict[str, SplitReport]:
    """Read the corpora of each split, learn the tokenizer from train, write ids to `out`; returns the reports.

    Without a "val" corpus the task decides which part of train is held out, by default by a hash of each key. A failure
    leaves `out` unchanged. `overwrite` replaces prepared data, and nothing else.
    """
    given = {split: list(map(shown, words)) for split, words in corpora.items()}
    corpora = {split: recipe.task.expand(words) for split, words in given.items()}
    for word in chain.from_iterable(corpora.values()):
        if Path(word).is_fifo():
            raise UserError(
                f"{word}: a pipe can be read only once, and prepare reads a corpus twice; write it to a file"
            )
    files = {split: listing(words).json() for split, words in corpora.items()}
    task, window = recipe.task.infer_task(corpora["train"]), recipe.model.n_positions
    longest = task.layout.row_limit(window)
    with overwriting.new_folder(Path(out), overwrite, PREPARED, inputs_of(recipe, corpora)) as folder:
        division: Division[Record[Any, Any]] | None = None
        if "val" not in corpora:
            division = Division(task.held_out, folder)
        split = division.split if division else only("train")
        found = _counted(task, corpora["train"], "fit", progress)
        alone = (record for record in found if split(record) == "train" and not record.problem)
        usable = division.usable(found) if division else alone
        fitted = task.fit(corpora["train"], usable, folder, window)
        read = partial(_counted, fitted, progress=progress)
        names = ("train",) if "val" in corpora else ("train", "val")
        records = read(corpora["train"], "train")
        if division:
            division.read_rest(usable)
            records = division.checked(records)
        writers = write_splits(folder, names, records, split, fitted, longest)
        others = [name for name in corpora if name != "train"]
        keys = writers["train"].keys() if others else None
        for name in others:
            writers |= write_splits(folder, (name,), read(corpora[name], name), only(name), fitted, longest, keys)
        keys = None
        for name in (name for name in writers if name != "train"):
            writers[name].compare(writers["train"])
        for writer in writers.values():
            writer.close()
        reports = {name: writer.report for name, writer in writers.items()}
        if not reports["train"].rows:
            raise DataError(f"{' '.join(given['train'])}: nothing to train on ({reports['train'].reasons()})")
        ratio = _measured(folder, fitted, recipe, reports)
        report = {
            "corpora": given,
            "files": files,
            "window": window,
            **({} if ratio is None else {"max_ratio": ratio}),
            "columns": [selection.json() for selection in _selections(fitted, corpora)],
            "splits": {s: r.json() for s, r in reports.items()},
        }
        Prepared.create(folder, recipe.task_name, fitted, report)
    return reports


def _selections(task: Task[Any, Any], corpora: Mapping[str, Sequence[str]]) -> list[Selection]:
    """The columns of every table; of tables that are read alike, only the first."""
    found: list[Selection] = []
    for selection in chain.from_iterable(map(task.select_columns, corpora.values())):
        if not any(replace(selection, table=other.table) == other for other in found):
            found.append(selection)
    return found


def inputs_of(recipe: Recipe, corpora: Mapping[str, Sequence[str]]) -> list[str]:
    """The files and folders that prepare reads: they are never replaced."""
    words = [*(word for corpus in corpora.values() for word in corpus), str(getattr(recipe.task, "tokenizer", ""))]
    return [*words, *([str(recipe.file)] if recipe.file else [])]


def _measured(folder: Path, task: Task[Any, Any], recipe: Recipe, reports: Mapping[str, SplitReport]) -> float | None:
    """The ratio of targets to prompts; counts the targets that are longer than an answer may become. None for a task
    without answers."""
    if not task.layout.has_answers or task.layout.labels:
        return None
    ratio = fitting_ratio(Store(folder, "train"))
    for split, report in reports.items():
        report.beyond = beyond(Store(folder, split), recipe.generate.fitted(ratio))
    return ratio


def only(split: str) -> Callable[[Record[Any, Any]], str | None]:
    """All records belong to one split, except those for which the corpus itself names another."""
    return lambda record: split if isinstance(record.split, Proposed) or record.split in ("", split) else None


def _counted(
    task: Task[Any, Any], corpus: Sequence[str], phase: str, progress: Callable[[str, int], None]
) -> Iterator[Record[Any, Any]]:
    number = 0
    for number, record in zip(count(1), task.read(corpus), strict=False):
        if number % 1000 == 0:
            progress(phase, number)
        yield record
    progress(phase, number)


EXAMPLES, EXAMPLE_TOKENS, EXAMPLE_LINES = 3, 120, 6


def rendered(prepared: Prepared) -> list[str]:
    """The first examples of the training split as the model reads them; long ones lose their middle, or of those in
    lines all but the first."""
    task, store = prepared.task, prepared.store("train")
    half = EXAMPLE_TOKENS // 2
    labels = task.layout.labels

    def text(ids: Sequence[int]) -> str:
        return readable(ids, task.vocabulary)

    shown = []
    for index in range(min(EXAMPLES, len(store))):
        prompt, target = store.row(index)
        if lines := task.vocabulary.lines([*prompt, *target]):
            cut = [*map(str, lines[:EXAMPLE_LINES]), *(["…"] if len(lines) > EXAMPLE_LINES else [])]
            shown.append("\n".join(cut))
            continue
        answer = str(decode_row(task, prompt, target)[1]) if labels else text(target[:half])
        cut = [text(prompt)] if len(prompt) <= EXAMPLE_TOKENS else [*map(text, (prompt[:half], prompt[-half:]))]
        shown.append(" … ".join(cut) + f" → {answer}" + " …" * (not labels and len(target) > half))
    return shown
