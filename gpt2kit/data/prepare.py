"""Encodes records to ids on disk, a few thousand at a time. Memory holds those; hashes of all rows, to find duplicates
and leaks, are in temporary files."""

from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from gpt2kit.data.hashes import contains, text_hash, text_hashes
from gpt2kit.data.layouts import Layout, Stream
from gpt2kit.data.report import PassedOver, SplitReport
from gpt2kit.data.split_hashes import SplitHashes
from gpt2kit.data.store import IdRow, StoreWriter

RECORDS_A_BATCH = 4096
CHARACTERS_A_BATCH = 1 << 20
"""Documents of any length, or their parts, per batch."""

BETWEEN = 0xFFFFFFFF
"""Not an id: it separates a prompt from its target when both are hashed."""

Item = TypeVar("Item", bound="Readable")
Encoded = TypeVar("Encoded", contravariant=True)
IdRows = Sequence[IdRow]


class Readable(Protocol):
    """The methods that writing a split needs of a record."""

    @property
    def key(self) -> str: ...
    @property
    def problem(self) -> str: ...
    @property
    def skipped(self) -> Mapping[str, int]: ...


class Sized(Protocol):
    """The methods that writing a split needs of a vocabulary."""

    @property
    def size(self) -> int: ...


class Encoder(Protocol[Encoded]):
    """The methods that writing a split needs of a task."""

    @property
    def vocabulary(self) -> Sized: ...
    @property
    def layout(self) -> Layout: ...
    def encode(self, records: Sequence[Encoded]) -> IdRows: ...
    def stored(self, record: Encoded) -> Mapping[str, str] | None: ...


class SplitWriter(Generic[Item]):
    """Writes the records of one split; rows are cut to fit into a `window`; without one they may have any length.

    While a batch is being encoded, the caller continues reading.
    """

    def __init__(
        self,
        store: StoreWriter,
        task: Encoder[Item],
        window: int | None,
        training_keys: NDArray[np.uint64] | None,
        executor: ThreadPoolExecutor,
    ) -> None:
        self.store, self.task, self.window, self.training_keys = store, task, window, training_keys
        self.layout = task.layout
        self.executor = executor
        self._encoding: tuple[list[Item], Future[IdRows]] | None = None
        self.trains = store.split == "train"
        self.report = SplitReport()
        self._waiting: list[Item] = []
        self._weight = 0
        self.hashes = SplitHashes(store.folder)

    def add(self, record: Item) -> None:
        """Write a record, perhaps later; one that has a problem is counted."""
        self.report.read += 1
        if record.problem:
            self.report.drop(record.problem, record)
            return
        self._waiting.append(record)
        self._weight += self.layout.weight(record)
        if len(self._waiting) == RECORDS_A_BATCH or self._weight >= CHARACTERS_A_BATCH:
            self._encode()

    def pass_over(self, record: Item) -> None:
        """Count a record that belongs to another split."""
        self.report.read += 1
        self.report.drop("in another split of the corpus", record)

    def finish(self) -> None:
        """Write the remaining records and complete the report."""
        self._encode()
        self._write()
        report, store = self.report, self.store
        report.rows, report.tokens, report.prompt_tokens = store.rows, store.tokens, store.prompt_tokens
        self.hashes.count_duplicates(report)
        self.training_keys = None

    def _encode(self) -> None:
        """Start to encode the waiting records after the previous ones are written."""
        self._write()
        batch, self._waiting, self._weight = self._waiting, [], 0
        self._encoding = (batch, self.executor.submit(self._ids, batch))
        self._look(batch)

    def _ids(self, batch: list[Item]) -> IdRows:
        """The rows of a batch; its records may be long, and while they are encoded a token takes many bytes."""
        rows: list[IdRow] = []
        start, size = 0, 0
        for end, record in enumerate(batch, 1):
            size += len(record.key)
            if size >= CHARACTERS_A_BATCH or end == len(batch):
                rows += [(_compact(prompt), _compact(target)) for prompt, target in self.task.encode(batch[start:end])]
                start, size = end, 0
        return rows

    def _look(self, batch: list[Item]) -> None:
        """Collect what is known of records without their ids."""
        texts = [record.key.strip() for record in batch]
        keys = text_hashes(map(str.encode, texts))
        if self.training_keys is not None:
            for index in np.flatnonzero(contains(self.training_keys, keys)):
                self.report.leaked += 1
                self.report.show("source also in training", batch[index].key)
        for record in batch:
            self.report.leave_out(record.skipped, record)
        self.hashes.look(texts, keys, [getattr(record, "mirror", "") for record in batch])
        if isinstance(self.layout, Stream) and self.layout.joined:
            self.hashes.look_at_lines(texts, counted=not self.trains)

    def _write(self) -> None:
        if self._encoding is None:
            return
        (batch, encoded), self._encoding = self._encoding, None
        rows = encoded.result()
        if self.trains:
            rows = self._learned(rows)
        else:
            self.store.add_texts(texts for record in batch if (texts := self.task.stored(record)) is not None)
        if self.window is not None:
            rows = fit_rows(batch, rows, self.layout, self.window, self.report)
            self.store.add(rows)
        else:
            self.store.add(rows, [repr(record) for record in batch])
        self.hashes.rows.append(np.array([row_hash(*row) for row in rows], dtype=np.uint64))

    def _learned(self, rows: IdRows) -> IdRows:
        learned = [(prompt, self.layout.learned(target)) for prompt, target in rows]
        lost = [len(before) - len(after) for (_, before), (_, after) in zip(rows, learned, strict=True)]
        if any(lost):
            self.report.leave_out({"targets shortened for training": sum(map(bool, lost))})
            self.report.leave_out({"tokens cut from targets for training": sum(lost)})
        return learned


def write_splits(
    folder: Path,
    splits: Iterable[str],
    records: Iterable[Item],
    split: Callable[[Item], str | None],
    task: Encoder[Item],
    window: int | None,
    training_keys: NDArray[np.uint64] | None = None,
) -> dict[str, SplitWriter[Item]]:
    """Write `splits`, and others that `split` names for a record; returns their writers, which hold the reports.

    A record without a split is counted in the first.
    """
    with ExitStack() as stack:
        executor = stack.enter_context(ThreadPoolExecutor(1))

        def writer(name: str) -> SplitWriter[Item]:
            store = stack.enter_context(StoreWriter(folder, name, task.vocabulary.size))
            return SplitWriter(store, task, window, training_keys, executor)

        writers = {name: writer(name) for name in splits}
        first = next(iter(writers.values()))
        for record in records:
            if isinstance(record.problem, PassedOver):
                first.report.leave_out({record.problem: 1})
                continue
            name = split(record)
            if name is None:
                first.pass_over(record)
                continue
            if name not in writers:
                writers[name] = writer(name)
            writers[name].add(record)
        for each in writers.values():
            each.finish()
    return writers


def fit_rows(records: Sequence[object], rows: IdRows, layout: Layout, window: int, report: SplitReport) -> IdRows:
    """IdRows that fit into the window: sources are cut, targets are not; a row with no source left is dropped."""
    fitting: list[tuple[Sequence[int], Sequence[int]]] = []
    for record, (prompt, target) in zip(records, rows, strict=True):
        room = window - len(target)
        length = layout.length(prompt)
        if room < min(length, 2):
            report.drop("target longer than the window", record)
            continue
        if length > room:
            whole, prompt = len(prompt), layout.shorten(list(prompt), room) if layout.cuts else prompt
            if layout.length(prompt) > room:  # control tokens are never cut
                report.drop("source longer than the window", record)
                continue
            report.cut += 1
            report.show("source cut to fit the window", record)
            report.cut_tokens += whole - len(prompt)
        fitting.append((prompt, target))
    return fitting


def row_hash(prompt: Sequence[int], target: Sequence[int]) -> int:
    """64 bits that are equal for equal rows."""
    return text_hash(b"".join(map(_bytes, (prompt, [BETWEEN], target))))


def _compact(ids: Sequence[int]) -> "array[int]":
    return ids if isinstance(ids, array) else array("I", ids)


def _bytes(ids: Sequence[int]) -> bytes:
    return _compact(ids).tobytes()
