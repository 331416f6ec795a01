"""prepare: every step from a corpus to a prepared folder. It does not import torch."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt2kit import overwriting
from gpt2kit.data.columns.selection import Selection
from gpt2kit.data.remote import shown
from gpt2kit.data.report import SplitReport
from gpt2kit.data.store import Store
from gpt2kit.data.vocabulary_sample import SAMPLE_FILE
from gpt2kit.errors import DataError, UserError, counted
from gpt2kit.files import read_json
from gpt2kit.pipeline.endings import readable
from gpt2kit.pipeline.preparing import parts
from gpt2kit.pipeline.preparing.kept import kept_folder
from gpt2kit.pipeline.preparing.plan import Plan
from gpt2kit.pipeline.preparing.processes import crew, serve
from gpt2kit.pipeline.preparing.splits import at_once, in_parts
from gpt2kit.pipeline.preparing.work import ignore, only
from gpt2kit.pipeline.preparing.written import Written
from gpt2kit.pipeline.ratios import beyond, fitting_ratio
from gpt2kit.recipe import Recipe
from gpt2kit.runs.kinds import PREPARED
from gpt2kit.runs.prepared import Prepared
from gpt2kit.tasks.base import Task, decode_row

if TYPE_CHECKING:
    from gpt2kit.training.distributed import ProcessGroup

__all__ = ["ignore", "inputs_of", "only", "prepare", "rendered"]


def prepare(
    recipe: Recipe,
    corpora: Mapping[str, Sequence[str]],
    out: str | Path,
    overwrite: bool = False,
    progress: Callable[[str, int], None] = ignore,
    *,
    processes: int = 1,
    group: "ProcessGroup | None" = None,
    say: Callable[[str], None] = ignore,
) -> dict[str, SplitReport]:
    """Read the corpora of each split, learn the tokenizer from train, write ids to `out`; returns the reports.

    Without a "val" corpus the task decides which part of train is held out, by default by a hash of each key. A failure
    leaves `out` unchanged. `overwrite` replaces prepared data, and nothing else.

    A corpus of many files is prepared in parts, which this number of `processes` share, or those of a `group`: all of
    these call this, and only the main one gets reports. What is written does not depend on their number. The parts that
    are complete are kept in a folder next to `out` until all are, so that the same call continues after an
    interruption; `say` gets lines about that. In a script, processes need `if __name__ == "__main__":` around the call.

    Memory holds a few thousand records, and for each row of a split that is not trained on a few bytes. The hashes of
    the training sources with which these are compared are memory-mapped, or with a corpus of one part 8 bytes for each
    record in memory; all else that grows with the corpus is in temporary files.
    """
    path, given = Path(out), {split: list(map(shown, words)) for split, words in corpora.items()}
    corpora = {split: recipe.task.expand(words) for split, words in given.items()}
    for word in chain.from_iterable(corpora.values()):
        if Path(word).is_fifo():
            raise UserError(
                f"{word}: a pipe can be read only once, and prepare reads a corpus twice; write it to a file"
            )
    inputs = inputs_of(recipe, corpora)
    overwriting.check_folder(path, overwrite, PREPARED, inputs)
    task = recipe.task.infer_task(corpora["train"])
    if group is not None and not group.is_main:
        serve(group)
        return {}
    plan = Plan.of(recipe, task, corpora)
    if processes > plan.most_parts:
        say(
            f"the corpus is {counted(plan.most_parts, 'part')}, which as many processes prepare: a part is whole files "
            f"of at least {parts.LEAST:,} bytes"
        )
    with crew(min(processes, plan.most_parts), group) as workers:
        if plan.most_parts == 1:
            with overwriting.new_folder(path, overwrite, PREPARED, inputs) as folder:
                fitted, splits = at_once(plan, folder, progress)
                return _completed(recipe, plan, given, fitted, splits, folder, folder)
        with kept_folder(path, plan.digest(), say) as kept:
            fitted, splits = in_parts(plan, kept, workers, progress, say)
            with overwriting.new_folder(path, overwrite, PREPARED, inputs) as folder:
                for file in (each for each in fitted.folder.iterdir() if each.is_file()):
                    shutil.copyfile(file, folder / file.name)
                reports = _completed(recipe, plan, given, fitted.opened(folder), splits, kept, folder)
                for written in splits.values():
                    written.move(folder)
            return reports


def _completed(
    recipe: Recipe,
    plan: Plan,
    given: Mapping[str, Sequence[str]],
    fitted: Task[Any, Any],
    splits: Mapping[str, Written],
    place: Path,
    folder: Path,
) -> dict[str, SplitReport]:
    """Write the report and the task to a folder; the splits are below a `place`."""
    reports = {split: written.report for split, written in splits.items()}
    if not reports["train"].rows:
        raise DataError(f"{' '.join(given['train'])}: nothing to train on ({reports['train'].reasons()})")
    ratio = _measured({split: written.store(place) for split, written in splits.items()}, fitted, recipe, reports)
    sample = folder / SAMPLE_FILE
    report = {
        "corpora": given,
        "files": {split: each.json() for split, each in plan.listings().items()},
        **({"parts": {split: len(written.places) for split, written in splits.items()}} if place != folder else {}),
        "window": plan.window,
        **({} if ratio is None else {"max_ratio": ratio}),
        **({"vocabulary": read_json(sample)} if sample.is_file() else {}),
        "columns": [selection.json() for selection in _selections(fitted, plan.corpora)],
        "splits": {s: r.json() for s, r in reports.items()},
    }
    Prepared.create(folder, plan.name, fitted, report)
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


def _measured(
    stores: Mapping[str, Store], task: Task[Any, Any], recipe: Recipe, reports: Mapping[str, SplitReport]
) -> float | None:
    """The ratio of targets to prompts; counts the targets that are longer than an answer may become. None for a task
    without answers."""
    if not task.layout.has_answers or task.layout.labels:
        return None
    ratio = fitting_ratio(stores["train"])
    for split, report in reports.items():
        report.beyond = beyond(stores[split], recipe.generate.fitted(ratio))
    return ratio


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
