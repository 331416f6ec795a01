"""Records to ids on disk, a few thousand at a time; memory holds those and eight bytes a row to find duplicates by."""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from gpt2kit.data.report import SplitReport
from gpt2kit.data.store import StoreWriter

RECORDS_A_BATCH = 4096
DOCUMENTS_A_BATCH = 16
"""These may be long."""

Item = TypeVar("Item", contravariant=True)
Rows = list[tuple[list[int], list[int]]]


class Encoder(Protocol[Item]):
    """What writing a split needs of a task."""

    @property
    def vocab_size(self) -> int: ...
    def encode(self, records: Sequence[Item]) -> Rows: ...
    def shorten(self, prompt: list[int], room: int) -> list[int]: ...
    def problem(self, record: Item) -> str | None: ...
    def key(self, record: Item) -> str: ...


def write_split(
    folder: Path,
    split: str,
    records: Iterable[Item],
    task: Encoder[Item],
    window: int | None,
    training_keys: NDArray[np.uint64] | None,
    progress: Callable[[int], None],
) -> tuple[SplitReport, NDArray[np.uint64]]:
    """Write one split and report on it; also returns the sorted hashes of its keys, to look for leaks in others.

    Rows are made to fit into a `window`; without one they may have any length.
    """
    report = SplitReport()
    key_hashes: list[NDArray[np.uint64]] = []
    row_hashes: list[NDArray[np.int64]] = []
    with StoreWriter(folder, split, task.vocab_size) as writer:
        for batch in batches(usable(records, task, report), RECORDS_A_BATCH if window else DOCUMENTS_A_BATCH):
            keys = np.array([_hash(task.key(record).strip().encode()) for record in batch], dtype=np.uint64)
            if training_keys is not None:
                for index in np.flatnonzero(np.isin(keys, training_keys)):
                    report.leaked += 1
                    report.show("source also in training", task.key(batch[index]))
            rows = task.encode(batch)
            if window is not None:
                rows = fit_rows(batch, rows, task, window, report)
            writer.add(rows)
            key_hashes.append(keys)
            row_hashes.append(np.array([hash((*p, -1, *t)) for p, t in rows], dtype=np.int64))
            progress(report.read)
    report.rows, report.tokens, report.prompt_tokens = writer.rows, writer.tokens, writer.prompt_tokens
    if row_hashes:
        report.duplicates = report.rows - len(np.unique(np.concatenate(row_hashes)))
    return report, np.unique(np.concatenate(key_hashes)) if key_hashes else np.empty(0, np.uint64)


def usable(records: Iterable[Item], task: Encoder[Item], report: SplitReport) -> Iterator[Item]:
    """The records without a problem; the others are counted."""
    for record in records:
        report.read += 1
        problem = task.problem(record)
        if problem:
            report.drop(problem, record)
        else:
            yield record


def fit_rows(records: Sequence[Item], rows: Rows, task: Encoder[Item], window: int, report: SplitReport) -> Rows:
    """Rows that fit into the window: sources are cut, targets never; what then leaves no source at all is dropped."""
    fitting = []
    for record, (prompt, target) in zip(records, rows, strict=True):
        room = window - len(target)
        if room < min(len(prompt), 2):
            report.drop("target longer than the window", record)
            continue
        if len(prompt) > room:
            report.cut += 1
            report.show("source cut to fit the window", record)
            prompt = task.shorten(prompt, room)
        fitting.append((prompt, target))
    return fitting


def batches(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    iterator = iter(items)
    while batch := list(islice(iterator, size)):
        yield batch


def _hash(value: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(value, digest_size=8).digest(), "big")
