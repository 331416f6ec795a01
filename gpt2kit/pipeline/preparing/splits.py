"""From a plan to the splits that its corpora make, at once or in parts."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from gpt2kit import files
from gpt2kit.data.split_hashes import SplitHashes
from gpt2kit.pipeline.preparing.first_reading import first_reading
from gpt2kit.pipeline.preparing.plan import Plan
from gpt2kit.pipeline.preparing.processes import Crew
from gpt2kit.pipeline.preparing.work import DIVISION, KEYS, PLAN, TASK, Work, place_of, reports_in
from gpt2kit.pipeline.preparing.written import Written, compare
from gpt2kit.runs.task_folder import save_task
from gpt2kit.tasks.base import Task

Progress = Callable[[str, int], None]
"""(what is read, records so far)."""

Fitted = tuple[Task[Any, Any], dict[str, Written]]
"""The fitted task, and each split with its complete report."""


def at_once(plan: Plan, folder: Path, progress: Progress) -> Fitted:
    """The splits of corpora of one part each, whose files are in a folder, as is the task."""
    task, division = first_reading(plan, folder, progress)
    work = Work(task, division, plan.longest, plan.corpora, plan.parts)
    splits: dict[str, Written] = {}
    keys = None
    for name in _train_first(plan):
        if name != "train" and keys is None:
            keys = splits["train"].hashes.keys.sorted()
        writers = work.write(name, 0, folder, keys, partial(progress, name))
        splits |= {split: Written(split, each.hashes, each.report, [folder]) for split, each in writers.items()}
    keys = None  # 8 bytes for each record of train
    compare(splits)
    return task, splits


def in_parts(plan: Plan, kept: Path, crew: Crew, progress: Progress, say: Callable[[str], None]) -> Fitted:
    """The splits of corpora in parts, which are below the folder `kept`; those that are there already are used."""
    if not (kept / TASK).is_dir():
        with files.new_folder(kept / TASK, overwrite=False) as folder:
            task, division = first_reading(plan, folder, progress)
            save_task(folder, plan.name, task)
            if division:
                division.save(folder / DIVISION)
    files.write_json(kept / PLAN, {"corpora": plan.corpora, "longest": plan.longest, "parts": plan.parts})
    splits: dict[str, Written] = {}
    for name in _train_first(plan):
        if name != "train":
            splits["train"].hashes.keys.write_sorted(kept / KEYS)
        _prepare_missing(plan, name, kept, crew, progress, say)
        splits |= _written(name, len(plan.parts[name]), kept)
    compare(splits)
    return Work.load(kept).task, splits


def _train_first(plan: Plan) -> list[str]:
    """The corpora: the others are compared with the sources of train."""
    return sorted(plan.corpora, key=lambda name: name != "train")


def _prepare_missing(
    plan: Plan, name: str, kept: Path, crew: Crew, progress: Progress, say: Callable[[str], None]
) -> None:
    numbers = range(len(plan.parts[name]))
    reports = {number: found for number in numbers if (found := reports_in(place_of(kept, name, number))) is not None}
    done = sum(report.read for each in reports.values() for report in each.values())
    if reports:
        say(f"{name}: going on with {len(reports):,} of {len(numbers):,} parts, which are in {kept}")
    jobs = [(str(kept), name, number) for number in numbers if number not in reports]

    def told(number: int) -> None:
        progress(name, done + number)

    for records in crew.outcomes(jobs, told):
        done += records
        progress(name, done)


def _written(name: str, parts: int, kept: Path) -> dict[str, Written]:
    """The splits of the records of one corpus."""
    splits: dict[str, Written] = {}
    for number in range(parts):
        place = place_of(kept, name, number)
        for split, report in (reports_in(place) or {}).items():
            splits.setdefault(split, Written(split, SplitHashes(kept))).add(place, report)
    return splits
