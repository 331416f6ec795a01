"""The work on one part of a corpus: its records become rows of the splits that they belong to."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import chain, count
from pathlib import Path
from typing import Any

from gpt2kit import files
from gpt2kit.data.hashes import sorted_in
from gpt2kit.data.prepare import SplitWriter, write_splits
from gpt2kit.data.report import SplitReport
from gpt2kit.data.splits import Division
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError
from gpt2kit.pipeline.preparing.parts import part_of, shards_of
from gpt2kit.runs.task_folder import TaskFolder
from gpt2kit.tasks.base import Task
from gpt2kit.tasks.record import Proposed, Record, Shard

TASK, DIVISION, PLAN, KEYS, REPORTS = "task", "division", "plan.json", "keys", "reports.json"
"""In the folder that keeps parts: the fitted task with a folder of what is held out, what the parts are, and the hashes
of the training sources; in that of a part: the reports of its splits, whose hashes are there, too."""


def ignore(*_: object) -> None:
    """A progress callback that does nothing."""


Writers = dict[str, SplitWriter[Record[Any, Any]]]


@dataclass(frozen=True)
class Work:
    """What every part of the corpora is prepared with."""

    task: Task[Any, Any]
    """Fitted, with its tokenizer."""
    division: Division[Record[Any, Any]] | None
    """What is held out of the training corpus, if no other one is validated on."""
    longest: int | None
    """Tokens of a row."""
    corpora: Mapping[str, Sequence[str]]
    """The files of each corpus, by the split that it is for."""
    parts: Mapping[str, Sequence[int]]
    """The number of shards in each part."""

    @cached_property
    def shards(self) -> dict[str, list[Shard]]:
        return {name: shards_of(self.task, files) for name, files in self.corpora.items()}

    @classmethod
    def load(cls, folder: Path) -> "Work":
        """The work on the parts that are kept in a folder."""
        plan, task = files.read_json(folder / PLAN), TaskFolder.open(folder / TASK).task
        division: Division[Record[Any, Any]] | None = None
        if (folder / TASK / DIVISION).is_dir():
            division = Division.load(task.held_out, folder / TASK / DIVISION)
        return cls(task, division, plan["longest"], plan["corpora"], plan["parts"])

    def write(
        self, name: str, number: int, folder: Path, training_keys: Any = None, progress: Callable[[int], None] = ignore
    ) -> Writers:
        """Write one part of the corpus of a split to a folder, whose files are called by their splits."""
        counts = self.parts[name]
        if len(counts) == 1:  # as the task reads it, file by file or not
            records = self.task.read(self.corpora[name])
        else:
            shards = part_of(self.shards[name], counts, number)
            records = chain.from_iterable(shard.read() for shard in shards)
        records, splits, split = counted(records, progress), [name], only(name)
        if name == "train" and self.division:
            records, splits, split = self.division.checked(records), ["train", "val"], self.division.split
        return write_splits(folder, splits, records, split, self.task, self.longest, training_keys)


def only(split: str) -> Callable[[Record[Any, Any]], str | None]:
    """All records belong to one split, except those for which the corpus itself names another."""
    return lambda record: split if isinstance(record.split, Proposed) or record.split in ("", split) else None


def counted(records: Iterator[Record[Any, Any]], progress: Callable[[int], None]) -> Iterator[Record[Any, Any]]:
    """The records, whose number is told now and then, and at the end."""
    number = 0
    for number, record in zip(count(1), records, strict=False):
        if number % 1000 == 0:
            progress(number)
        yield record
    progress(number)


def place_of(folder: Path, name: str, number: int) -> Path:
    """The folder of one part in the folder that keeps parts."""
    return folder / name / f"{number:05}"


_work = lru_cache(1)(Work.load)


def prepare_part(folder: str, name: str, number: int, progress: Callable[[int], None] = ignore) -> int:
    """Write one part to its place in the folder that keeps them, where it appears when it is complete; returns the
    number of records."""
    kept = Path(folder)
    keys = None if name == "train" else sorted_in(kept / KEYS)
    with files.new_folder(place_of(kept, name, number), overwrite=True) as place:
        writers = _work(kept.absolute()).write(name, number, place, keys, progress)
        for split, writer in writers.items():
            writer.hashes.save(place / split)
            writer.hashes.close()
        files.write_json(place / REPORTS, {split: writer.report.saved() for split, writer in writers.items()})
    return sum(writer.report.read for writer in writers.values())


def reports_in(place: Path) -> dict[str, SplitReport] | None:
    """The reports of a part by its splits; None if it is not there, or no longer whole."""
    try:
        found = {split: SplitReport.restored(each) for split, each in files.read_json(place / REPORTS).items()}
        for split in found:
            Store(place, split)
    except DataError:
        return None
    return found
