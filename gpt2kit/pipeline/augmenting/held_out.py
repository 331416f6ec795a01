"""The examples that must not be trained on, as validation or test has them."""

from dataclasses import dataclass, field
from typing import Any

from gpt2kit.data.bare import END, bare
from gpt2kit.pipeline.evaluation_sets import stored_records
from gpt2kit.runs.prepared import Prepared
from gpt2kit.tasks.base import Task
from gpt2kit.tasks.record import Record
from gpt2kit.tasks.text import TextPairs

LEAST = 20
"""Bytes of a cut source by which the whole of it is recognized: many sentences begin with a word or two."""


@dataclass
class HeldOut:
    """The texts of the splits that are not trained on, without their case and punctuation."""

    sources: set[bytes] = field(default_factory=set)
    targets: set[bytes] = field(default_factory=set)
    pairs: set[tuple[bytes, ...]] = field(default_factory=set)
    beginnings: dict[int, set[bytes]] = field(default_factory=dict)
    """By their lengths, what is left of sources that prepare has cut, where only their ids were kept."""

    @classmethod
    def of(cls, prepared: Prepared) -> "HeldOut":
        found = cls()
        for split in prepared.report["splits"]:
            if split != "train":
                store = prepared.store(split)
                for place, record in enumerate(stored_records(prepared, prepared.task, split)[1]):
                    source, pair = found._of(prepared.task, record)
                    found.sources.add(source)
                    found.targets.add(bare(prepared.task.tell(record.target)))
                    found.pairs.add(pair)
                    if not store.has_texts and sum(map(len, store.row(place))) == prepared.window:
                        found._add_beginning(_beginning(_whole(prepared.task, record)))
        return found

    def _add_beginning(self, beginning: bytes) -> None:
        if len(beginning) >= LEAST:
            self.beginnings.setdefault(len(beginning), set()).add(beginning)

    def problem(self, task: Task[Any, Any], record: Record[Any, Any], given_target: bool = False) -> str:
        """Why an example must not be trained on; empty if it may be. `given_target`: the user gave its target, as an
        input to translate back, so that it may come from validation or test data."""
        source, pair = self._of(task, record)
        if source in self.sources:
            return "source is in val or test"
        if given_target and bare(task.tell(record.target)) in self.targets:
            return "target is in val or test"
        if self.beginnings:
            beginning = _beginning(_whole(task, record))
            if any(beginning[:length] in known for length, known in self.beginnings.items()):
                return "source begins as one in val or test that was cut"
        return "pair is in val or test, the other way round" if pair in self.pairs else ""

    @staticmethod
    def _of(task: Task[Any, Any], record: Record[Any, Any]) -> tuple[bytes, tuple[bytes, ...]]:
        source = bare(_whole(task, record))
        return source, tuple(sorted((source, bare(task.tell(record.target)))))


def _whole(task: Task[Any, Any], record: Record[Any, Any]) -> str:
    return task.text_of(record.source) if isinstance(task, TextPairs) else task.show(record.source)


def _beginning(text: str) -> bytes:
    """Without the replacement character that stands for half a character."""
    return bare(text.rstrip("\ufffd")[:END])
