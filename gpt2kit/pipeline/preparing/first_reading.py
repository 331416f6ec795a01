"""The first reading of the training corpus: what is held out, and what the task learns, such as a tokenizer."""

from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any

from gpt2kit.data.splits import Division
from gpt2kit.data.vocabulary_sample import WHOLE, beginnings
from gpt2kit.pipeline.preparing.plan import Plan
from gpt2kit.pipeline.preparing.work import counted, only
from gpt2kit.tasks.base import Task
from gpt2kit.tasks.record import Record

Records = Iterator[Record[Any, Any]]
Found = tuple[Task[Any, Any], Division[Record[Any, Any]] | None]


def first_reading(plan: Plan, folder: Path, progress: Callable[[str, int], None]) -> Found:
    """The task as fitted to the training corpus, with its files in a folder, and what is held out of the corpus if none
    is given to validate on.

    Of a corpus in parts with more than `WHOLE` bytes the task learns from the beginnings of the parts. All of it is
    read if its records have labels, which the task has to know, or reverses, which may be held out.
    """
    task, corpus = plan.task, plan.corpora["train"]
    division = None if "val" in plan.corpora else Division[Record[Any, Any]](task.held_out, folder)
    split = division.split if division else only("train")

    def told(number: int) -> None:
        progress("fit", number)

    def trained_on(records: Records) -> Records:
        return (record for record in records if split(record) == "train" and not record.problem)

    first = next((record for record in task.read(corpus) if not record.problem), None) if _is_large(plan) else None
    if first is None or first.label:
        found = counted(task.read(corpus), told)
        usable = division.usable(found) if division else trained_on(found)
        fitted = task.fit(corpus, usable, folder, plan.window)
        if division:
            division.read_rest(usable)
        return fitted, division
    if division and first.mirror:
        for _ in division.usable(counted(task.read(corpus), told)):
            pass
    parts = [trained_on(chain.from_iterable(shard.read() for shard in part)) for part in plan.training_parts]
    with beginnings(parts, _characters, folder, getattr(task, "vocab", 0)) as records:
        return task.fit(corpus, counted(records, told), folder, plan.window), division


def _is_large(plan: Plan) -> bool:
    return len(plan.training_parts) > 1 and plan.training_bytes > WHOLE


def _characters(record: Record[Any, Any]) -> int:
    return len(f"{record.source or ''}{record.target}")
