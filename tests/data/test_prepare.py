"""Records to ids: what is cut, what is dropped, what is counted; nothing vanishes in silence."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gpt2kit.data import hashes, prepare
from gpt2kit.data.layouts import Rows
from gpt2kit.data.prepare import IdRows, fit_rows, write_splits
from gpt2kit.data.report import WIDTH, Damage, SplitReport
from gpt2kit.data.store import Store

SEPARATOR, EOS = 1, 0


class Pair(tuple[str, str]):
    """A record of a source and a target."""

    @property
    def key(self) -> str:
        return self[0]

    @property
    def problem(self) -> str:
        return "" if self[0] else "no source"

    @property
    def skipped(self) -> dict[str, int]:
        return {"capitals": 1} if self[0].isupper() else {}


class Numbers:
    size = 1000


class LetterRows(Rows):
    def __init__(self, cuts: bool, longest: int) -> None:
        self.may_cut, self.longest = cuts, longest

    @property
    def cuts(self) -> bool:
        return self.may_cut

    def learned(self, target: Sequence[int]) -> Sequence[int]:
        return [*target[: self.longest - 1], EOS] if len(target) > self.longest else target

    def weight(self, record: object) -> int:
        return 1


class Letters:
    """A task whose ids are the letters' numbers: "abc" -> 97, 98, 99."""

    vocabulary = Numbers()

    def __init__(self, cuts: bool = True, longest: int = 1000) -> None:
        self.layout = LetterRows(cuts, longest)

    def encode(self, records: Sequence[tuple[str, str]]) -> IdRows:
        return [([*map(ord, source), SEPARATOR], [*map(ord, target), EOS]) for source, target in records]

    def stored(self, record: tuple[str, str]) -> dict[str, str] | None:
        return {"source": record[0]} if record[0].islower() else None


def text(ids: Sequence[int]) -> str:
    return "".join(map(chr, ids))


def fitted(pairs: list[tuple[str, str]], window: int) -> tuple[list[tuple[str, str]], SplitReport]:
    """The rows that fit, as text without separator and end, which are checked."""
    report = SplitReport()
    rows = fit_rows(pairs, Letters().encode(pairs), Letters().layout, window, report)
    for prompt, target in rows:
        assert len(prompt) + len(target) <= window
        assert prompt[-1] == SEPARATOR, "the separator is never cut"
        assert target[-1] == EOS, "the end is never cut"
    return [(text(prompt[:-1]), text(target[:-1])) for prompt, target in rows], report


def test_a_row_that_just_fits_is_left_alone() -> None:
    rows, report = fitted([("abc", "xy")], window=7)
    assert rows == [("abc", "xy")]
    assert (report.cut, report.dropped, report.examples) == (0, {}, {})


@pytest.mark.parametrize(("window", "source"), [(6, "ab"), (5, "a")])
def test_a_source_is_cut_at_its_end(window: int, source: str) -> None:
    rows, report = fitted([("abc", "xy")], window)
    assert rows == [(source, "xy")]
    assert (report.cut, report.cut_tokens) == (1, 3 - len(source))
    assert report.dropped == {}
    assert report.examples == {"source cut to fit the window": ["('abc', 'xy')"]}


@pytest.mark.parametrize("window", [4, 3, 2, 1])
def test_a_target_is_never_cut(window: int) -> None:
    """Where not one token of the source is left, the row is dropped and counted."""
    rows, report = fitted([("abc", "xy")], window)
    assert rows == []
    assert (report.cut, report.dropped) == (0, {"target longer than the window": 1})


def test_a_source_that_may_not_be_cut_is_dropped() -> None:
    report = SplitReport()
    pairs = [("abcdef", "xy"), ("a", "xy")]
    rows = fit_rows(pairs, Letters(cuts=False).encode(pairs), Letters(cuts=False).layout, 6, report)
    assert [text(prompt[:-1]) for prompt, _ in rows] == ["a"]
    assert (report.cut, report.dropped) == (0, {"source longer than the window": 1})


def test_long_targets_are_shortened_for_training_alone(tmp_path: Path) -> None:
    pairs = [("one", "abcdef"), ("two", "abcd"), ("three", "ab"), ("four", "abcdef")]
    written = write_splits(
        tmp_path,
        ("train", "val"),
        map(Pair, pairs),
        lambda pair: "val" if pair[0] == "four" else "train",
        Letters(longest=4),
        50,
    )
    targets = [text(Store(tmp_path, "train").row(index)[1][:-1]) for index in range(3)]
    assert targets == ["abc", "abc", "ab"]
    assert written["train"].report.left_out == {
        "targets shortened for training": 2,
        "tokens cut from targets for training": 4,
    }
    assert text(Store(tmp_path, "val").row(0)[1][:-1]) == "abcdef"
    assert written["val"].report.left_out == {}


def test_what_is_kept_of_records_outside_of_training(tmp_path: Path) -> None:
    split_of = {"one": "train", "two": "val", "TWO": "val", "three": "test"}
    pairs = [(source, "x") for source in split_of]
    write_splits(tmp_path, ("train", "val"), map(Pair, pairs), lambda pair: split_of[pair[0]], Letters(), 100)
    train, val, test = (Store(tmp_path, split) for split in ("train", "val", "test"))
    assert (train.has_texts, val.has_texts, test.has_texts) == (False, True, True)
    assert list(val.texts()) == [{"source": "two"}]
    assert list(test.texts()) == [{"source": "three"}]


def test_an_empty_source_needs_room_for_its_separator_alone() -> None:
    assert fitted([("", "xy")], window=4)[0] == [("", "xy")]
    assert fitted([("", "xy")], window=3)[0] == []


def written(
    folder: Path, split: str, pairs: list[tuple[str, str]], keys: NDArray[np.uint64] | None = None, window: int = 10
) -> tuple[SplitReport, NDArray[np.uint64], list[tuple[str, str]]]:
    """One split: report, keys, and its rows as text."""
    writers = write_splits(folder, [split], map(Pair, pairs), lambda pair: split, Letters(), window, keys)
    report, found = writers[split].report, writers[split].hashes.keys.sorted()
    store = Store(folder, split)
    rows = [store.row(index) for index in range(len(store))]
    assert (report.rows, report.tokens, report.prompt_tokens) == (store.rows, store.tokens, store.prompt_tokens)
    assert report.read == report.rows + sum(report.dropped.values())
    return report, found, [(text(prompt[:-1]), text(target[:-1])) for prompt, target in rows]


PAIRS = [("abc", "x"), ("", "y"), ("abc", "x"), ("abcdefghijkl", "x"), ("de", "z" * 20), ("abc", "other"), ("abc", "x")]


@pytest.fixture(params=[1, 2, 4096])
def records_a_batch(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prepare, "RECORDS_A_BATCH", request.param)
    monkeypatch.setattr(hashes, "AT_ONCE", request.param)


@pytest.mark.usefixtures("records_a_batch")
def test_everything_is_counted_whatever_the_batches_are(tmp_path: Path) -> None:
    report, keys, rows = written(tmp_path, "train", PAIRS)
    assert rows == [("abc", "x"), ("abc", "x"), ("abcdefg", "x"), ("abc", "other"), ("abc", "x")]
    assert report.read == 7
    assert report.dropped == {"no source": 1, "target longer than the window": 1}
    assert report.cut == 1
    assert report.duplicates == 2, "equal source and equal target"
    assert report.leaked == 0
    assert report.examples["no source"] == ["('', 'y')"]
    assert len(keys) == 3
    assert keys.tolist() == sorted(keys.tolist())


@pytest.mark.usefixtures("records_a_batch")
def test_leaks_into_another_split_are_counted_and_kept(tmp_path: Path) -> None:
    _, keys, _ = written(tmp_path, "train", PAIRS)
    report, _, rows = written(tmp_path, "val", [(" abc ", "new"), ("new", "x"), ("abc", "x")], keys)
    assert report.leaked == 2, "by their keys, spaces around them aside"
    assert report.examples["source also in training"] == ["' abc '", "'abc'"]
    assert len(rows) == 3


@pytest.mark.usefixtures("records_a_batch")
def test_sources_that_stand_in_training_in_another_form_are_counted(tmp_path: Path) -> None:
    pairs = [("Don't go!", "train"), ("...", "train"), ("other", "train")]
    pairs += [("don’t  GO", "val"), ("Don't go!", "val"), ("……", "val"), ("to go", "val"), ("other.", "val")]
    writers = write_splits(tmp_path, ("train", "val"), map(Pair, pairs), lambda pair: pair[1], Letters(), 99)
    writers["val"].hashes.compare(writers["train"].hashes, writers["val"].report)
    assert writers["val"].report.nearly_leaked == 2, "one is equal, and of marks alone nothing is set aside"


def test_a_target_that_continues_the_source_is_no_duplicate(tmp_path: Path) -> None:
    """The same ids with the border elsewhere are another row."""

    class NoSeparator(Letters):
        def encode(self, records: Sequence[tuple[str, str]]) -> IdRows:
            return [([*map(ord, source)], [*map(ord, target)]) for source, target in records]

    pairs = [("ab", "c"), ("a", "bc")]
    writers = write_splits(tmp_path, ["train"], map(Pair, pairs), lambda pair: "train", NoSeparator(), 10)
    assert writers["train"].report.duplicates == 0


def test_an_empty_corpus(tmp_path: Path) -> None:
    report, keys, rows = written(tmp_path, "train", [])
    assert rows == []
    assert keys.size == 0
    assert (report.read, report.rows, report.duplicates) == (0, 0, 0)


@pytest.mark.parametrize("characters", [1, 2, 16])
def test_one_pass_writes_every_split(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, characters: int) -> None:
    """Those that were asked for, even if they stay empty, and those that a record belongs to; of any length."""
    monkeypatch.setattr(prepare, "CHARACTERS_A_BATCH", characters)
    pairs = [("a" * 50, "x"), ("b", "y"), ("A", "z" * 90), ("a", "x"), ("", "x")]
    splits = {"a": "train", "b": "test", "A": "train", "": "val"}
    writers = write_splits(
        tmp_path, ["train", "val"], map(Pair, pairs), lambda pair: splits[pair[0][:1]], Letters(), None
    )
    assert {split: writer.report.rows for split, writer in writers.items()} == {"train": 3, "val": 0, "test": 1}
    assert {split: len(Store(tmp_path, split)) for split in writers} == {"train": 3, "val": 0, "test": 1}
    assert text(Store(tmp_path, "train").row(1)[1][:-1]) == "z" * 90
    assert writers["train"].report.left_out == {"capitals": 1}
    assert writers["val"].report.dropped == {"no source": 1}


def test_damage_is_counted_apart(tmp_path: Path) -> None:
    class Damaged(Pair):
        @property
        def problem(self) -> str:
            return Damage("cut short") if self[0] == "bad" else super().problem

    pairs = [("bad", "x"), ("", "x"), ("a", "b")]
    report = write_splits(tmp_path, ["train"], map(Damaged, pairs), lambda pair: "train", Letters(), 10)["train"].report
    assert report.dropped == {"cut short": 1, "no source": 1}
    assert report.damaged == 1


def test_examples_are_few_and_short() -> None:
    report = SplitReport()
    for number in range(8):
        report.drop("too long", f"{number}" * 500)
    assert report.dropped == {"too long": 8}
    shown = report.examples["too long"]
    assert [example[1] for example in shown] == list("01234")
    assert {len(example) for example in shown} == {WIDTH}
    assert report.json()["dropped"] == {"too long": 8}


def test_a_long_example_keeps_the_end_of_its_path() -> None:
    class Place:
        def __repr__(self) -> str:
            return f"/home/somebody{'/folder' * 40}/name of a performance"

    report = SplitReport()
    report.drop("too long", Place())
    (shown,) = report.examples["too long"]
    assert shown.startswith("/home/somebody/folder")
    assert shown.endswith("/folder/name of a performance")
    assert "…" in shown


def test_damage_is_listed_whole() -> None:
    report = SplitReport()
    for number in range(9):
        report.drop(Damage("cut short"), f"{number}" * 500)
    assert (report.damaged, report.dropped) == (9, {"cut short": 9})
    assert report.json()["examples"] == {"cut short": [repr(f"{number}" * 500) for number in range(9)]}
