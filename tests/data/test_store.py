"""Prepared ids on disk: what is written is read, and a damaged folder is known."""

import hashlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import BinaryIO

import numpy as np
import pytest

from gpt2kit.data.store import Store, StoreWriter
from gpt2kit.errors import DataError, MachineError

ROWS = [([1, 2], [3]), ([4], [5, 6, 7]), ([], [8]), ([9, 9, 9], [])]
Write = Callable[..., Store]


def test_rows_come_back(store_of: Write) -> None:
    store = store_of(ROWS)
    assert [store.row(index) for index in range(len(store))] == ROWS
    assert store.lengths().tolist() == [3, 4, 1, 3]
    assert (store.rows, store.tokens, store.prompt_tokens) == (4, 11, 6)


def test_rows_written_in_parts_are_the_same(tmp_path: Path) -> None:
    with StoreWriter(tmp_path, "train", 10) as writer:
        writer.add(ROWS[:1])
        writer.add([])
        writer.add(iter(ROWS[1:]))
    store = Store(tmp_path, "train")
    assert [store.row(index) for index in range(len(store))] == ROWS


def test_splits_do_not_touch_each_other(store_of: Write) -> None:
    train, val = store_of(ROWS), store_of(ROWS[:1], "val")
    assert (len(train), len(val)) == (4, 1)


@pytest.mark.parametrize(("vocab", "bytes_an_id"), [(65_535, 2), (65_536, 2), (65_537, 4)])
def test_ids_take_two_bytes_while_they_fit(store_of: Write, tmp_path: Path, vocab: int, bytes_an_id: int) -> None:
    rows = [([0], [vocab - 1])]
    store = store_of(rows, vocab=vocab)
    assert store.ids.itemsize == bytes_an_id
    assert (tmp_path / "train.ids").stat().st_size == 2 * bytes_an_id
    assert store.row(0) == rows[0]


def test_an_id_beyond_the_vocabulary_does_not_wrap_around(tmp_path: Path) -> None:
    with pytest.raises(OverflowError), StoreWriter(tmp_path, "train", 65_536) as writer:
        writer.add([([65_536], [0])])
    assert not (tmp_path / "train.json").exists()


def test_an_empty_split(store_of: Write) -> None:
    store = store_of([])
    assert len(store) == store.tokens == 0
    assert store.lengths().tolist() == []


def test_ids_stay_on_disk(store_of: Write) -> None:
    store = store_of(ROWS)
    assert all(isinstance(part, np.memmap) for part in (store.ids, store.ends, store.prompts))
    assert not store.ids.flags.writeable


def test_a_failure_leaves_no_counts(tmp_path: Path) -> None:
    def interrupted() -> Iterator[tuple[list[int], list[int]]]:
        yield from ROWS
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), StoreWriter(tmp_path, "train", 10) as writer:
        writer.add(interrupted())
    with pytest.raises(DataError, match=r"train\.json is missing"):
        Store(tmp_path, "train")


@pytest.mark.parametrize("kind", ["ids", "ends", "prompts"])
@pytest.mark.parametrize("damage", ["missing", "truncated", "longer"])
def test_a_damaged_file_is_known(store_of: Write, tmp_path: Path, kind: str, damage: str) -> None:
    store_of(ROWS)
    path = tmp_path / f"train.{kind}"
    raw = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(raw[:-1] if damage == "truncated" else raw + b"\0")
    with pytest.raises(DataError, match=rf"train\.{kind} is .*; expected {len(raw)} bytes: prepare the data again"):
        Store(tmp_path, "train")


@pytest.mark.parametrize(
    "changes",
    [
        *({"rows": None}, {"tokens": "many"}, {"dtype": "uint17"}, {"prompt_tokens": []}, {"tokens": 1e400}),
        *({"dtype": "object"}, {"dtype": "float64"}, {"dtype": ["uint16"]}),
    ],
)
def test_damaged_counts_are_known(store_of: Write, tmp_path: Path, changes: dict[str, object]) -> None:
    store_of(ROWS)
    path = tmp_path / "train.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))
    with pytest.raises(DataError, match=r"train\.json is damaged"):
        Store(tmp_path, "train")


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("ends", [3, 2, 8, 11]),
        ("ends", [3, 5, 8, 10]),
        ("ends", [-1, 5, 8, 11]),
        ("ends", [0, 2**63 - 1, -(2**63), 11]),
        ("prompts", [2, 99, 0, 1]),
    ],
)
def test_rows_that_cannot_be(store_of: Write, tmp_path: Path, kind: str, values: list[int]) -> None:
    """As many bytes as there should be, and other ones."""
    store_of(ROWS)
    path = tmp_path / f"train.{kind}"
    wrong = np.array(values, np.int64 if kind == "ends" else np.uint32).tobytes()
    assert len(wrong) == path.stat().st_size
    path.write_bytes(wrong)
    with pytest.raises(DataError, match=r"train\.ends and \.prompts contradict each other: prepare the data again"):
        Store(tmp_path, "train")


@pytest.mark.parametrize("count", range(6))
def test_the_first_rows_alone(store_of: Write, count: int) -> None:
    """They are what a store of these rows would be; the whole stays as it is, and so do its ids on disk."""
    whole = store_of(ROWS)
    part, expected = whole.first(count), store_of(ROWS[:count], "expected")
    assert len(part) == min(count, 4)
    assert [part.row(index) for index in range(len(part))] == ROWS[:count]
    assert (part.tokens, part.prompt_tokens) == (expected.tokens, expected.prompt_tokens)
    for found, wanted in [(part.ids, expected.ids), (part.ends, expected.ends), (part.prompts, expected.prompts)]:
        assert found.tolist() == wanted.tolist()
    assert part.lengths().tolist() == expected.lengths().tolist()
    assert isinstance(part.ids, np.memmap) or not count
    assert [whole.row(index) for index in range(len(whole))] == ROWS
    assert (whole.tokens, whole.prompt_tokens) == (11, 6)


def test_a_digest_says_which_data_it_is(tmp_path: Path) -> None:
    def digest(name: str, rows: list[tuple[list[int], list[int]]], vocab: int = 100) -> str:
        (tmp_path / name).mkdir()
        with StoreWriter(tmp_path / name, "val", vocab) as writer:
            writer.add(rows)
        return Store(tmp_path / name, "val").digest()

    rows = [([1, 2], [3]), ([4], [5, 6])]
    expected = hashlib.blake2b(np.arange(1, 7, dtype="<u2").tobytes()).hexdigest()[:8]
    assert digest("one", rows) == digest("same", rows) == expected
    assert digest("order", rows[::-1]) != expected
    assert digest("changed", [([1, 2], [3]), ([4], [5, 7])]) != expected
    assert digest("more", [*rows, ([1], [1])]) != expected
    assert Store(tmp_path / "more", "val").first(2).digest() == expected
    assert digest("empty", []) == hashlib.blake2b().hexdigest()[:8]


TEXTS = [{"body": "été"}, {"body": ""}]


def with_texts(folder: Path) -> Path:
    """A split with the records it was made of; returns the file that has them."""
    with StoreWriter(folder, "val", 10) as writer:
        writer.add(ROWS[:2])
        writer.add_texts(TEXTS)
    return folder / "val.texts"


def test_texts_come_back(tmp_path: Path) -> None:
    with_texts(tmp_path)
    store = Store(tmp_path, "val")
    assert (store.has_texts, list(store.texts())) == (True, TEXTS)


@pytest.mark.parametrize("damage", ["missing", "truncated", "longer"])
def test_damaged_texts_are_known(tmp_path: Path, damage: str) -> None:
    path = with_texts(tmp_path)
    raw = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(raw[:-16] if damage == "truncated" else raw + b"\0")
    with pytest.raises(DataError, match=rf"val\.texts is .*; expected {len(raw)} bytes: prepare the data again"):
        Store(tmp_path, "val")


@pytest.mark.parametrize(
    "line",
    [b'{"body": 3}    ', b'["body", "\xc3\xa9t"]', b'{"body": "\xff\xffe"}', b"[" * 15],
    ids=["type", "list", "bytes", "end"],
)
def test_a_damaged_record_is_told(tmp_path: Path, line: bytes) -> None:
    path = with_texts(tmp_path)
    first, rest = path.read_bytes().split(b"\n", 1)
    path.write_bytes(line[: len(first)].ljust(len(first)) + b"\n" + rest)
    with pytest.raises(DataError, match=r"val\.texts:1 is damaged"):
        list(Store(tmp_path, "val").texts())


def test_a_full_disk(tmp_path: Path) -> None:
    """Told as the machine's fault, wherever the writer stands, and no file stays open."""
    opened: dict[str, BinaryIO] = {}

    def full(content: bytes) -> int:
        raise OSError(28, "No space left on device")

    def write() -> None:
        with StoreWriter(tmp_path, "train", 10) as writer:
            opened.update(writer.files)
            writer.files["ends"] = SimpleNamespace(write=full, close=opened["ends"].close)  # type: ignore[assignment]  # of a file what is used
            writer.add(ROWS)

    with pytest.raises(MachineError, match=r"train\.ends: cannot be written: No space left"):
        write()
    assert all(file.closed for file in opened.values())
    assert not (tmp_path / "train.json").exists()


def test_a_folder_from_before_texts_were_counted(tmp_path: Path) -> None:
    path = with_texts(tmp_path)
    counts = json.loads((tmp_path / "val.json").read_text(encoding="utf-8"))
    del counts["text_bytes"]
    (tmp_path / "val.json").write_text(json.dumps(counts), encoding="utf-8")
    assert list(Store(tmp_path, "val").texts()) == TEXTS
    path.unlink()
    assert not Store(tmp_path, "val").has_texts


def test_frequencies(store_of: Write) -> None:
    """Of all ids of a small split, and of parts spread over a large one."""
    store = store_of([([3], [5, 5, 0])] * 3, vocab=7)
    assert store.frequencies(7) == [3, 0, 0, 3, 0, 6, 0]
    store.ids = np.repeat(np.arange(7, dtype=np.uint16), 1 << 20)
    found = store.frequencies(7)
    assert sum(found) <= 65 << 16 < len(store.ids)
    assert min(found) > 0.8 * max(found)
