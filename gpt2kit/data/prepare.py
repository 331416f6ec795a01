"""Encodes records to ids on disk, a few thousand at a time. Memory holds those; hashes of all rows, to find duplicates
and leaks, are in temporary files."""

import hashlib
from array import array
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from gpt2kit.data.bare import bare
from gpt2kit.data.hashes import Hashes, contains
from gpt2kit.data.layouts import Layout, Stream
from gpt2kit.data.report import PassedOver, SplitReport
from gpt2kit.data.sampled_lines import mostly, sampled_lines
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
        self._keys, self._bare, self._mirrors, self._rows, self._lines = (Hashes(store.folder) for _ in range(5))
        self._lines_of = array("I")
        """The number of sampled lines of each text; of the training split only the lines are needed."""

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
        report.duplicates = report.rows - self._rows.distinct()
        self._rows.close()
        self.training_keys = None

    def close(self) -> None:
        """Drop the hashes, and the temporary files that they are in."""
        for hashes in (self._keys, self._bare, self._mirrors, self._rows, self._lines):
            hashes.close()

    def keys(self) -> NDArray[np.uint64]:
        """Sorted hashes of the records' keys, to find leaks into other splits."""
        return self._keys.sorted()

    def compare(self, training: "SplitWriter[Item]") -> None:
        """Count the rows whose source is also in the training split, but written differently."""
        exactly = self._keys.within(training._keys)
        self.report.nearly_leaked = int((self._bare.within(training._bare) & ~exactly).sum())
        if len(self._mirrors) and len(training._mirrors):
            self.report.leaks = self._shared_roles(training)
        if self._lines_of:
            most = mostly(self._lines.within(training._lines), np.array(self._lines_of))
            if copied := int((most & ~exactly).sum()):
                self.report.leaks["parts of documents of which most lines are in train"] = copied

    def _shared_roles(self, training: "SplitWriter[Item]") -> dict[str, int]:
        """The number of rows by the role that one of their sides has in the training split."""
        with (
            closing(_pairs(self._mirrors, self._keys)) as reverses,
            closing(_pairs(training._keys, training._mirrors)) as pairs,
        ):
            reversed_pairs = reverses.within(pairs)
        found = {
            "pairs that are in train the other way round": reversed_pairs,
            "sources that are targets in train": self._keys.within(training._mirrors),
            "targets that are sources in train": self._mirrors.within(training._keys),
            "targets that are also targets in train": self._mirrors.within(training._mirrors),
        }
        return {shared: int(rows.sum()) for shared, rows in found.items() if rows.any()}

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
        keys = np.array([_hash(text.encode()) for text in texts], dtype=np.uint64)
        if self.training_keys is not None:
            for index in np.flatnonzero(contains(self.training_keys, keys)):
                self.report.leaked += 1
                self.report.show("source also in training", batch[index].key)
        for record in batch:
            self.report.leave_out(record.skipped, record)
        self._keys.append(keys)
        mirrors = [getattr(record, "mirror", "") for record in batch]
        if any(mirrors):
            self._mirrors.append(np.array([_hash(text.strip().encode()) for text in mirrors], dtype=np.uint64))
        if isinstance(self.layout, Stream) and self.layout.joined:
            for lines in map(sampled_lines, texts):
                self._lines.append(lines)
                if not self.trains:
                    self._lines_of.append(len(lines))
        self._bare.append(np.array([_hash(bare(text)) for text in texts], dtype=np.uint64))

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
        self._rows.append(np.array([row_hash(*row) for row in rows], dtype=np.uint64))

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
    return _hash(b"".join(map(_bytes, (prompt, [BETWEEN], target))))


def _pairs(first: Hashes, second: Hashes) -> Hashes:
    """A hash of each pair of hashes, which depends on their order."""
    pairs = Hashes(first.folder)
    for one, other in zip(first.blocks(), second.blocks(), strict=True):
        pairs.append(one * np.uint64(0x9E3779B97F4A7C15) + other)
    return pairs


def _compact(ids: Sequence[int]) -> "array[int]":
    return ids if isinstance(ids, array) else array("I", ids)


def _bytes(ids: Sequence[int]) -> bytes:
    return _compact(ids).tobytes()


def _hash(value: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(value, digest_size=8).digest(), "big")
