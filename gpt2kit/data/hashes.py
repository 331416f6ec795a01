"""64-bit hashes of the rows of a corpus, however many: counted and compared with a bounded number of them in memory."""

import hashlib
import weakref
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

import numpy as np
from numpy.typing import NDArray

from gpt2kit import files

AT_ONCE = 1 << 18
"""Hashes in memory at a time, of each kind that is kept; the others are in a temporary file."""

U64 = NDArray[np.uint64]
Placed = tuple[U64, U64]
"""Hashes and, for each, its place in the order of the rows."""


class Hashes:
    """Hashes in the order in which they were appended.

    Up to `AT_ONCE` hashes stay in memory. More are in a temporary file in `folder`, which has no name where the system
    allows that, so that nothing is left of it however the process ends.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.at_once = folder, AT_ONCE
        self._recent = array("Q")
        self._written = 0
        self._file: IO[bytes] | None = None

    def __len__(self) -> int:
        return self._written + len(self._recent)

    def add(self, value: int) -> None:
        self._recent.append(value)
        self._limit()

    def append(self, values: U64) -> None:
        self._recent.frombytes(values.astype(np.uint64, copy=False).tobytes())
        self._limit()

    def close(self) -> None:
        """Drop the hashes, and the file if there is one."""
        self._recent, self._written = array("Q"), 0
        if self._file is not None:
            self._file.close()
            self._file = None

    def blocks(self) -> Iterator[U64]:
        """All hashes in order; every block but the last has `at_once` of them."""
        if self._file is not None:
            self._write()
            for start in range(0, self._written, self.at_once):
                yield _read(self._file, start, min(self.at_once, self._written - start))
        elif self._recent:
            yield np.array(self._recent, np.uint64)

    def sorted_blocks(self) -> Iterator[U64]:
        """All different hashes, sorted: the parts into which they are divided by their leading bits."""
        with Partitions(self, self._bits) as parts:
            yield from parts

    def sorted(self) -> U64:
        """All different hashes, sorted, in memory: 8 bytes for each hash."""
        found, count = np.empty(len(self), np.uint64), 0
        for block in self.sorted_blocks():
            found[count : count + len(block)] = block
            count += len(block)
        return found[:count]

    def write_sorted(self, path: Path) -> None:
        """Write all different hashes, sorted, to a file, for `sorted_in`."""
        with files.atomic(path) as temporary, temporary.open("wb") as file:
            for block in self.sorted_blocks():
                file.write(block.tobytes())

    def distinct(self) -> int:
        """The number of different hashes."""
        return sum(map(len, self.sorted_blocks()))

    def within(self, others: "Hashes") -> NDArray[np.bool_]:
        """For each hash in order, whether it is among the others: one byte each."""
        found = np.zeros(len(self), bool)
        bits = max(self._bits, others._bits)
        with Partitions(self, bits) as asked, Partitions(others, bits) as known:
            for part, among in enumerate(known):
                for values, places in asked.read(part):
                    found[places] = contains(among, values)
        return found

    def shared(self, others: "Hashes") -> U64:
        """The different hashes that are also among the others, sorted, in memory."""
        bits = max(self._bits, others._bits)
        with Partitions(self, bits) as ours, Partitions(others, bits) as theirs:
            return np.concatenate(
                [np.intersect1d(*parts, assume_unique=True) for parts in zip(ours, theirs, strict=True)]
            )

    @property
    def _bits(self) -> int:
        """The number of leading bits by which the hashes are divided into parts of about `at_once` or fewer."""
        return (max(0, len(self) - 1) // self.at_once).bit_length()

    def _limit(self) -> None:
        if len(self._recent) >= self.at_once:
            self._write()

    def _write(self) -> None:
        if self._file is None:
            self._file = _temporary(self, self.folder)
        with files.writing(self.folder):
            self._file.seek(8 * self._written)
            self._file.write(self._recent)
        self._written += len(self._recent)
        self._recent = array("Q")


class Partitions:
    """Hashes divided by their leading bits, so that equal ones are in one part; iterates over the sorted different
    hashes of each part.

    A part is as large as the number of hashes that begin with its bits: a multiple of `at_once` is possible if many are
    equal, and is read in blocks.
    """

    def __init__(self, hashes: Hashes, bits: int) -> None:
        self.hashes, self.shift, self.count = hashes, np.uint64(64 - bits), 1 << bits
        self._file: IO[bytes] | None = None

    def __enter__(self) -> "Partitions":
        if self.count > 1:
            self._file = _temporary(self, self.hashes.folder)
            sizes = np.zeros(self.count, np.int64)
            for block in self.hashes.blocks():
                sizes += np.bincount(self._of(block), minlength=self.count)
            self.ends = sizes.cumsum()
            self.starts = self.ends - sizes
            with files.writing(self.hashes.folder):
                self._divide(self._file)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def __iter__(self) -> Iterator[U64]:
        for part in range(self.count):
            found = np.empty(0, np.uint64)
            for values, _ in self.read(part):
                found = np.union1d(found, values) if len(found) else np.unique(values)
            yield found

    def read(self, part: int) -> Iterator[Placed]:
        """The hashes of a part with their places, in blocks."""
        if self._file is None:
            yield from ((block, np.arange(len(block), dtype=np.uint64)) for block in self.hashes.blocks())
            return
        start, end = int(self.starts[part]), int(self.ends[part])
        for first in range(start, end, self.hashes.at_once):
            pairs = _read(self._file, 2 * first, 2 * min(self.hashes.at_once, end - first)).reshape(-1, 2)
            yield pairs[:, 0], pairs[:, 1]

    def _of(self, block: U64) -> NDArray[np.int64]:
        """The number of the part of each hash."""
        return (block >> self.shift).astype(np.int64)

    def _divide(self, file: IO[bytes]) -> None:
        """Write each block's hashes after those of the same parts of the blocks before."""
        ends, place = self.starts.copy(), 0
        for block in self.hashes.blocks():
            parts = self._of(block)
            order = np.argsort(parts, kind="stable")
            pairs = np.stack([block[order], order.astype(np.uint64) + np.uint64(place)], axis=1)
            sizes = np.bincount(parts, minlength=self.count)
            start = 0
            for part in np.flatnonzero(sizes).tolist():
                size = int(sizes[part])
                file.seek(16 * int(ends[part]))
                file.write(pairs[start : start + size].tobytes())
                start += size
            ends += sizes
            place += len(block)


def sorted_in(path: Path) -> U64:
    """The hashes that `write_sorted` wrote, memory-mapped."""
    return np.memmap(path, np.uint64, "r") if path.stat().st_size else np.empty(0, np.uint64)


def text_hash(text: bytes) -> int:
    """64 bits that are equal for equal texts."""
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def text_hashes(texts: Iterable[bytes]) -> U64:
    return np.array([text_hash(text) for text in texts], dtype=np.uint64)


def contains(known: U64, values: U64) -> NDArray[np.bool_]:
    """For each value, whether it is among the known ones, which are sorted."""
    if not len(known):
        return np.zeros(len(values), bool)
    places = np.minimum(np.searchsorted(known, values), len(known) - 1)
    return known[places] == values


def _temporary(owner: object, folder: Path) -> IO[bytes]:
    """A temporary file, which is closed with its owner at the latest."""
    with files.writing(folder):
        file = TemporaryFile(dir=folder)  # noqa: SIM115  # closed by its owner
    weakref.finalize(owner, file.close)
    return file


def _read(file: IO[bytes], start: int, count: int) -> U64:
    file.seek(8 * start)
    return np.frombuffer(file.read(8 * count), np.uint64)
