"""Prepared ids on disk, memory-mapped: a corpus larger than memory reads like a small one.

SPLIT.ids       the rows, one after the other: prompt, then target; uint16, or uint32 beyond 65,536 ids
SPLIT.ends      where each row ends in SPLIT.ids; int64
SPLIT.prompts   number of prompt ids of each row; uint32; where rows are documents, 0 means that the row
                continues the document of the previous one
SPLIT.names     the name of each row, one per line; only where rows are documents, or parts of one
SPLIT.texts     records as they were read, as JSON lines; only where ids lose information, and not for train
SPLIT.json      the counts and the digests of the files, which detect a damaged folder

A split that was written in parts has files of each, as in SPLIT-00000.ids; each is as that of a whole split, and
SPLIT.json lists them with their counts, in the order in which they are read as one.
"""

import hashlib
import json
from array import array
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from gpt2kit import files
from gpt2kit.data.joined import Joined
from gpt2kit.errors import DataError, counted

IdRow = tuple[Sequence[int], Sequence[int]]
"""The ids of a prompt and of its target."""

KINDS = ("ids", "ends", "prompts", "names", "texts")
"""The endings of the files of a split, but for that with its counts."""

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


TOTALS = ("rows", "tokens", "prompt_tokens", "text_bytes")


@dataclass(frozen=True)
class StorePart:
    """The counts of files that were written together: a whole split, or consecutive rows of it."""

    name: str
    """What the names of its files begin with."""
    rows: int
    tokens: int
    prompt_tokens: int
    text_bytes: int
    digests: Mapping[str, str]
    """By the endings of the files; folders of older versions have none."""

    @classmethod
    def of(cls, name: str, counts: Mapping[str, Any]) -> "StorePart":
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ValueError(f"{name} is not in this folder")
        rows, tokens, prompt_tokens, text_bytes = (int(counts[total]) for total in TOTALS)
        return cls(name, rows, tokens, prompt_tokens, text_bytes, dict(counts.get("digests", {})))


def joined_counts(parts: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """The counts of a split in parts, given those of each by its name, in order: the content of SPLIT.json."""
    (dtype,) = {counts["dtype"] for counts in parts.values()}
    listed = [{"part": name} | {key: counts[key] for key in (*TOTALS, "digests")} for name, counts in parts.items()]
    return {key: sum(part[key] for part in listed) for key in TOTALS} | {"dtype": dtype, "parts": listed}


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
            whole, self.dtype = StorePart.of(split, counts), DTYPES[counts["dtype"]]
            listed = counts.get("parts")
            self.parts = [whole] if listed is None else [StorePart.of(str(each["part"]), each) for each in listed]
        except (KeyError, TypeError, ValueError, OverflowError) as error:
            raise DataError(f"{folder / split}.json is damaged ({error!r}): prepare the data again") from None
        self.folder, self.split = folder, split
        self.rows, self.tokens, self.prompt_tokens = whole.rows, whole.tokens, whole.prompt_tokens
        self.text_bytes = whole.text_bytes
        for total in TOTALS:
            if getattr(whole, total) != sum(getattr(part, total) for part in self.parts):
                raise DataError(f"{folder / split}.json is damaged: {total}; prepare the data again")
        for part in self.parts:
            self._check(part)
        token_counts, row_counts = ([getattr(part, key) for part in self.parts] for key in ("tokens", "rows"))
        begins = [sum(token_counts[:number]) for number in range(len(self.parts))]
        self.ids: NDArray[Any] = self._array("ids", self.dtype, token_counts)
        self.ends: NDArray[np.int64] = self._array("ends", np.dtype(np.int64), row_counts, begins)
        """Where each row ends in the ids."""
        self.prompts: NDArray[np.uint32] = self._array("prompts", np.dtype(np.uint32), row_counts)

    @property
    def digests(self) -> dict[str, str]:
        """The digests of all files, by what their names have after that of the split."""
        return {
            f"{part.name[len(self.split) :]}.{kind}".lstrip("."): digest
            for part in self.parts
            for kind, digest in part.digests.items()
        }

    def _path(self, part: StorePart, kind: str) -> Path:
        return self.folder / f"{part.name}.{kind}"

    def _check(self, part: StorePart) -> None:
        sizes = {"ids": part.tokens * self.dtype.itemsize, "ends": 8 * part.rows, "prompts": 4 * part.rows}
        for kind, size in (sizes | ({"texts": part.text_bytes} if part.text_bytes else {})).items():
            path = self._path(part, kind)
            found = path.stat().st_size if path.is_file() else None
            if found != size:
                state = "missing" if found is None else f"{found} bytes long"
                raise DataError(f"{path} is {state}; expected {size} bytes: prepare the data again")
        if not self._fits(part):
            path = self.folder / part.name
            raise DataError(f"{path}.ends and .prompts contradict each other: prepare the data again")

    def _array(self, kind: str, dtype: np.dtype[Any], counts: Sequence[int], added: Sequence[int] = ()) -> NDArray[Any]:
        if len(self.parts) == 1:
            return self._map(self.parts[0], kind, dtype, counts[0])
        joined = Joined([self._path(part, kind) for part in self.parts], dtype, counts, added)
        return cast(NDArray[Any], joined)  # it does what an array does, as far as we ask

    def _map(self, part: StorePart, kind: str, dtype: np.dtype[Any], count: int) -> NDArray[Any]:
        return np.memmap(self._path(part, kind), dtype, "r", shape=(count,)) if count else np.empty(0, dtype)

    def _fits(self, part: StorePart) -> bool:
        """Whether every row lies within the ids, after the previous one, and every prompt within its row."""
        tokens = 0
        for prompts, lengths in self._sizes(part):
            if (prompts > lengths).any() or lengths.min() < 0 or lengths.max() > part.tokens:
                return False
            tokens += int(lengths.sum())
        return tokens == part.tokens

    def verify(self) -> None:
        """Raises DataError if a file is not as it was written. It reads all of them, about a second for each GB: done
        before training on a split and before scoring it. Folders of older versions have no digests."""
        expected_of = {self._path(part, kind): each for part in self.parts for kind, each in part.digests.items()}
        for path, expected in expected_of.items():
            try:
                with path.open("rb") as file:
                    found = hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
            except OSError as error:
                raise DataError(f"{path} cannot be read: {error.strerror}; prepare the data again") from None
            if found != expected:
                raise DataError(f"{path} is damaged: it is not as prepare wrote it; prepare the data again")
        if self.prompt_tokens != sum(int(prompts.sum()) for prompts, _ in self.row_sizes()):
            raise DataError(f"{self.folder / self.split}.json is damaged: prompt_tokens; prepare the data again")

    def check_ids(self, vocab_size: int) -> None:
        """Raises DataError for an id outside the vocabulary, on which a model would fail far from here, and if `verify`
        does."""
        self.verify()
        for part in self.parts:
            ids = self._map(part, "ids", self.dtype, part.tokens)
            for start in range(0, part.tokens, SCANNED_IDS):
                largest = int(ids[start : start + SCANNED_IDS].max())
                if largest >= vocab_size:
                    raise DataError(
                        f"{self._path(part, 'ids')} contains the id {largest}, but the tokenizer's ids end at "
                        f"{vocab_size - 1}: prepare the data again"
                    )

    def __len__(self) -> int:
        return self.rows

    def row_sizes(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """The number of prompt tokens and of all tokens of each row as prepare wrote it, some rows at a time.

        The files are read: pages of a memory-mapped one would count as memory of this process.
        """
        for part in self.parts:
            yield from self._sizes(part)

    def _sizes(self, part: StorePart) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        last = 0
        with self._path(part, "ends").open("rb") as ends_file, self._path(part, "prompts").open("rb") as prompts_file:
            for start in range(0, part.rows, SCANNED_ROWS):
                count = min(SCANNED_ROWS, part.rows - start)
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

    def places_of(self, id: int) -> NDArray[np.int64]:
        """Where an id is."""
        starts = range(0, self.tokens, SCANNED_IDS)
        found = (np.flatnonzero(self.ids[start : start + SCANNED_IDS] == id) + start for start in starts)
        return np.concatenate([np.empty(0, np.int64), *found])

    def digest(self) -> str:
        """The version of the data, for fingerprints: the first 8 hex digits of BLAKE2b of all ids in order."""
        found = hashlib.blake2b()
        for start in range(0, self.tokens, SCANNED_IDS):
            found.update(self.ids[start : start + SCANNED_IDS].data)
        return found.hexdigest()[:8]

    @property
    def has_names(self) -> bool:
        """Whether rows have names."""
        return any(self._path(part, "names").is_file() for part in self.parts)

    def names(self) -> list[str]:
        """The name of each row. Raises DataError when names and rows differ in number."""
        found: list[str] = []
        for part in self.parts:
            path = self._path(part, "names")
            content = path.read_bytes() if path.is_file() else b""
            names = content.decode("utf-8", "replace").splitlines()
            if len(names) < min(part.rows, self.rows - len(found)):
                raise DataError(
                    f"{path} has names of {len(names)} of {counted(part.rows, 'document')}: prepare the data again"
                )
            found += names[: part.rows]
        return found[: self.rows]

    @property
    def has_texts(self) -> bool:
        """Whether records contain more than their ids."""
        return self.text_bytes > 0

    def texts(self) -> Iterator[dict[str, str]]:
        """The records as they were read, in order. Raises DataError for a damaged one."""
        for part in (each for each in self.parts if each.text_bytes):
            path = self._path(part, "texts")
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
        begins = np.flatnonzero(self.prompts[1:] > 0) + 1
        return self.first(self.rows if count > len(begins) else int(begins[count - 1]))

    def first(self, rows: int) -> "Store":
        """Only the first rows."""
        part = copy(self)
        part.rows = min(rows, self.rows)
        part.tokens = int(self.ends[part.rows - 1]) if part.rows else 0
        part.ids = self.ids.first(part.tokens) if isinstance(self.ids, Joined) else self.ids[: part.tokens]
        part.ends, part.prompts = self.ends[: part.rows], self.prompts[: part.rows]
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
