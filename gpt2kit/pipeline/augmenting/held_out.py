"""The examples that must not be trained on, as validation or test has them."""

from dataclasses import dataclass, field
from typing import Any

from gpt2kit.data.bare import bare
from gpt2kit.pipeline.evaluation_sets import stored_records
from gpt2kit.runs.prepared import Prepared
from gpt2kit.tasks.base import Task
from gpt2kit.tasks.record import Record
from gpt2kit.tasks.text import TextPairs


@dataclass
class HeldOut:
    """The texts of the splits that are not trained on, without their case and punctuation."""

    sources: set[bytes] = field(default_factory=set)
    pairs: set[tuple[bytes, ...]] = field(default_factory=set)

    @classmethod
    def of(cls, prepared: Prepared) -> "HeldOut":
        found = cls()
        for split in prepared.report["splits"]:
            if split != "train":
                for record in stored_records(prepared, prepared.task, split)[1]:
                    source, pair = found._of(prepared.task, record)
                    found.sources.add(source)
                    found.pairs.add(pair)
        return found

    def problem(self, task: Task[Any, Any], record: Record[Any, Any]) -> str:
        """Why an example must not be trained on; empty if it may be."""
        source, pair = self._of(task, record)
        if source in self.sources:
            return "source is in val or test"
        return "pair is in val or test, the other way round" if pair in self.pairs else ""

    @staticmethod
    def _of(task: Task[Any, Any], record: Record[Any, Any]) -> tuple[bytes, tuple[bytes, ...]]:
        whole = task.text_of(record.source) if isinstance(task, TextPairs) else task.show(record.source)
        source = bare(whole)
        return source, tuple(sorted((source, bare(task.tell(record.target)))))
