"""Prepared ids on disk, one file per split, memory-mapped: a corpus larger than memory reads like a small one.

SPLIT.ids       the rows, one after the other: prompt, then target; uint16, or uint32 beyond 65,536 ids
SPLIT.ends      where each row ends in SPLIT.ids; int64
SPLIT.prompts   number of prompt ids of each row; uint32; where rows are documents, 0 means that the row
                continues the document of the previous one
SPLIT.names     the name of each row, one per line; only where rows are documents, or parts of one
SPLIT.texts     records as they were read, as JSON lines; only where ids lose information, and not for train
SPLIT.json      the counts and the digests of the files, which detect a damaged folder
"""

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from copy import copy
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from gpt2kit import files
from gpt2kit.errors import DataError, counted

IdRow = tuple[Sequence[int], Sequence[int]]
"""The ids of a prompt and of its target."""

SCANNED_IDS, SCANNED_ROWS = 1 << 24, 1 << 18
"""Ids, or rows, in memory at a time when all are scanned."""


def id_dtype(vocab_size: int) -> np.dtype[Any]:
    return np.dtype(np.uint16 if vocab_size <= 1 << 16 else np.uint32)


DTYPES = {name: np.dtype(name) for name in ("uint16", "uint32")}


class StoreWriter:
    """Appends rows to the files of one split; the counts are written last, after everything else is on disk."""

    def __init__(self, folder: Path, split: str, vocab_size: int) -> None:
        self.folder, self.split = folder, split
        self.dtype = id_dtype(vocab_size)
        self.files: dict[str, BinaryIO] = {}
        self.hashes: dict[str, hashlib.blake2b] = {}
        self.rows = self.tokens = self.prompt_tokens = self.text_bytes = 0

    def __enter__(self) -> "StoreWriter":
        for kind in ("ids", "ends", "prompts"):
            self._append(kind, b"")
        return self

    def _append(self, kind: str, content: bytes) -> None:
        path = self.folder / f"{self.split}.{kind}"
        with files.writing(path):
            if kind not in self.files:
                self.files[kind] = path.open("wb")
                self.hashes[kind] = hashlib.blake2b(digest_size=16)
            self.files[kind].write(content)
            self.hashes[kind].update(content)

    def add(self, rows: Iterable[IdRow], names: Sequence[str] = ()) -> None:
        """Append (prompt, target) rows, and their names if they have any."""
        rows = list(rows)
        prompts = np.array([len(prompt) for prompt, _ in rows], dtype=np.uint32)
        lengths = np.array([len(prompt) + len(target) for prompt, target in rows], dtype=np.int64)
        flat = array("I")
        for part in (part for row in rows for part in row):
            flat.extend(part)
        ids = np.frombuffer(flat, dtype=np.uintc)
        if len(ids) and ids.max() > np.iinfo(self.dtype).max:
            raise OverflowError(f"id {ids.max()} does not fit into {self.dtype.name}")
        self._append("ids", ids.astype(self.dtype).tobytes())
        self._append("ends", (self.tokens + lengths.cumsum()).tobytes())
        self._append("prompts", prompts.tobytes())
        if names:
            lines = "".join(f"{' '.join(name.splitlines())}\n" for name in names)
            self._append("names", lines.encode("utf-8", "backslashreplace"))
        self.rows += len(rows)
        self.tokens += int(lengths.sum())
        self.prompt_tokens += int(prompts.sum())

    def add_texts(self, records: Iterable[Mapping[str, str]]) -> None:
        """Append records as a reader yielded them."""
        for record in records:
            line = json.dumps(record, ensure_ascii=False).encode("utf-8", "backslashreplace") + b"\n"
            self._append("texts", line)
            self.text_bytes += len(line)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with files.writing(self.folder / self.split), ExitStack() as opened:
            for file in self.files.values():
                opened.callback(file.close)  # if closing one file fails, the others are closed all the same
        if kind is None:
            counts = {"rows": self.rows, "tokens": self.tokens, "prompt_tokens": self.prompt_tokens}
            counts["text_bytes"] = self.text_bytes
            found = {kind: each.hexdigest() for kind, each in self.hashes.items()}
            described = counts | {"dtype": self.dtype.name, "digests": found}
            files.write_json(self.folder / f"{self.split}.json", described)


class Store:
    """The rows of one split."""

    def __init__(self, folder: Path, split: str, counts: Mapping[str, Any] | None = None) -> None:
        """Open a split; `counts` is the content of SPLIT.json, if it has been read already.

        Raises DataError when a file is missing, differs in size from the counts, or does not fit the others.
        """
        counts = dict(files.read_json(folder / f"{split}.json") if counts is None else counts)
        texts = folder / f"{split}.texts"
        if "text_bytes" not in counts:  # an older folder, which lacks it
            counts["text_bytes"] = texts.stat().st_size if texts.is_file() else 0
        try:
            self.rows, self.tokens = int(counts["rows"]), int(counts["tokens"])
            self.prompt_tokens, dtype = int(counts["prompt_tokens"]), DTYPES[counts["dtype"]]
            self.text_bytes = int(counts["text_bytes"])
            self.digests: dict[str, str] = dict(counts.get("digests", {}))
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DataError(f"{folder / split}.json is damaged ({error!r}): prepare the data again") from None
        self.folder, self.split = folder, split
        self.ids = self._map(folder / f"{split}.ids", dtype, self.tokens)
        self.ends = self._map(folder / f"{split}.ends", np.dtype(np.int64), self.rows)
        self.prompts = self._map(folder / f"{split}.prompts", np.dtype(np.uint32), self.rows)
        if not self._fits():
            raise DataError(f"{folder / split}.ends and .prompts contradict each other: prepare the data again")
        if self.has_texts:
            self._check(texts, self.text_bytes)

    @staticmethod
    def _check(path: Path, size: int) -> None:
        found = path.stat().st_size if path.is_file() else None
        if found != size:
            state = "missing" if found is None else f"{found} bytes long"
            raise DataError(f"{path} is {state}; expected {size} bytes: prepare the data again")

    @classmethod
    def _map(cls, path: Path, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        cls._check(path, count * dtype.itemsize)
        return np.memmap(path, dtype, "r", shape=(count,)) if count else np.empty(0, dtype)

    def _fits(self) -> bool:
        """Whether every row lies within the ids, after the previous one, and every prompt within its row."""
        if not self.rows:
            return not self.tokens
        if int(self.ends[-1]) != self.tokens:
            return False
        sizes = self.row_sizes()
        return all(
            (prompts <= lengths).all() and 0 <= lengths.min() <= lengths.max() <= self.tokens
            for prompts, lengths in sizes
        )

    def verify(self) -> None:
        """Raises DataError if a file is not as it was written. It reads all of them, about a second for each GB: done
        before training on a split and before scoring it. Folders of older versions have no digests."""
        for kind, expected in self.digests.items():
            path = self.folder / f"{self.split}.{kind}"
            try:
                with path.open("rb") as file:
                    found = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
            except OSError as error:
                raise DataError(f"{path} cannot be read: {error.strerror}; prepare the data again") from None
            if found != expected:
                raise DataError(f"{path} is damaged: it is not as prepare wrote it; prepare the data again")
        if self.prompt_tokens != int(self.prompts.sum()):
            raise DataError(f"{self.folder / self.split}.json is damaged: prompt_tokens; prepare the data again")

    def check_ids(self, vocab_size: int) -> None:
        """Raises DataError for an id outside the vocabulary, on which a model would fail far from here, and if `verify`
        does."""
        self.verify()
        for start in range(0, self.tokens, SCANNED_IDS):
            largest = int(self.ids[start : start + SCANNED_IDS].max())
            if largest >= vocab_size:
                path = self.folder / f"{self.split}.ids"
                raise DataError(
                    f"{path} contains the id {largest}, but the tokenizer's ids end at {vocab_size - 1}: prepare the "
                    "data again"
                )

    def __len__(self) -> int:
        return self.rows

    def row_sizes(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """The number of prompt tokens and of all tokens of each row as prepare wrote it, some rows at a time.

        The files are read: pages of a memory-mapped one would count as memory of this process.
        """
        last = 0
        path = self.folder / self.split
        with open(f"{path}.ends", "rb") as ends_file, open(f"{path}.prompts", "rb") as prompts_file:
            for start in range(0, self.rows, SCANNED_ROWS):
                count = min(SCANNED_ROWS, self.rows - start)
                prompts = np.fromfile(prompts_file, np.uint32, count).astype(np.int64)
                ends = np.fromfile(ends_file, np.int64, count)
                yield prompts, np.diff(ends, prepend=last)
                last = int(ends[-1])

    def lengths(self) -> NDArray[np.int64]:
        """Tokens of every row."""
        return np.diff(self.ends, prepend=0)

    def document_ends(self) -> NDArray[np.int64]:
        """Where each document ends in the ids; a document may be several rows."""
        return self.ends[np.append(self.prompts[1:] > 0, np.ones(min(1, self.rows), dtype=bool))]

    def frequencies(self, size: int) -> list[int]:
        """The number of each of `size` ids, in at most 64 blocks of 65,536 ids, spread over the split."""
        found = np.zeros(size, np.int64)
        for start in range(0, len(self.ids), max(1 << 16, len(self.ids) // 64)):
            found += np.bincount(self.ids[start : start + (1 << 16)], minlength=size)
        counts: list[int] = found.tolist()
        return counts

    def digest(self) -> str:
        """The version of the data, for fingerprints: the first 8 hex digits of BLAKE2b of all ids in order."""
        return hashlib.blake2b(self.ids.data).hexdigest()[:8]

    def names(self) -> list[str]:
        """The name of each row. Raises DataError when names and rows differ in number."""
        path = self.folder / f"{self.split}.names"
        content = path.read_bytes() if path.is_file() else b""
        names = content.decode("utf-8", "replace").splitlines()[: self.rows]
        if len(names) != self.rows:
            raise DataError(
                f"{path} has names of {len(names)} of {counted(self.rows, 'document')}: prepare the data again"
            )
        return names

    @property
    def has_texts(self) -> bool:
        """Whether records contain more than their ids."""
        return self.text_bytes > 0

    def texts(self) -> Iterator[dict[str, str]]:
        """The records as they were read, in order. Raises DataError for a damaged one."""
        path = self.folder / f"{self.split}.texts"
        with path.open("rb") as lines:
            for number, line in enumerate(lines, 1):
                try:
                    record = json.loads(line)
                except (ValueError, RecursionError) as error:
                    raise DataError(f"{path}:{number} is damaged ({error}): prepare the data again") from None
                if not isinstance(record, dict) or not all(isinstance(text, str) for text in record.values()):
                    raise DataError(
                        f"{path}:{number} is damaged (not a JSON object of strings): prepare the data again"
                    )
                yield record

    def first_documents(self, count: int) -> "Store":
        """Only the first documents; each may be several rows."""
        begins = np.flatnonzero(np.asarray(self.prompts)[1:] > 0) + 1
        return self.first(self.rows if count > len(begins) else int(begins[count - 1]))

    def first(self, rows: int) -> "Store":
        """Only the first rows."""
        part = copy(self)
        part.rows = min(rows, self.rows)
        part.tokens = int(self.ends[part.rows - 1]) if part.rows else 0
        part.ids, part.ends, part.prompts = self.ids[: part.tokens], self.ends[: part.rows], self.prompts[: part.rows]
        part.prompt_tokens = int(part.prompts.sum())
        return part

    def without_prompts(self) -> "Store":
        """The same rows as answers from their second token on."""
        whole = copy(self)
        whole.prompts, whole.prompt_tokens = np.minimum(self.prompts, 1), min(self.prompt_tokens, self.rows)
        return whole

    def row(self, index: int) -> tuple[list[int], list[int]]:
        """(prompt, target) ids of one row."""
        end = int(self.ends[index])
        start = int(self.ends[index - 1]) if index else 0
        middle = start + int(self.prompts[index])
        return self.ids[start:middle].tolist(), self.ids[middle:end].tolist()
