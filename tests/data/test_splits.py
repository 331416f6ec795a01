"""What is held out: never one side of a pair that is in training the other way round, never all of a class."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from gpt2kit.data import hashes
from gpt2kit.data.sources import held_out
from gpt2kit.data.splits import DIVIDED, Division

SHARE = 0.3


@dataclass(frozen=True)
class Row:
    key: str
    mirror: str = ""
    label: str = ""
    split: str = ""
    problem: str = ""


@pytest.fixture(autouse=True, params=[8, hashes.AT_ONCE], ids=["with files", "in memory"])
def hashes_at_once(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Temporary files are made in the current folder, and nothing is left there."""
    monkeypatch.setattr(hashes, "AT_ONCE", request.param)
    monkeypatch.chdir(tmp_path)


def divide(rows: Sequence[Row]) -> tuple[list[Row], dict[str, list[Row]]]:
    """The records of the first reading, and those of the second by their splits."""
    division: Division[Row] = Division(SHARE, Path())
    first = list(division.usable(iter(rows)))
    found: dict[str, list[Row]] = {"train": [], "val": [], "dropped": []}
    for row in division.checked(rows):
        found["dropped" if row.problem else division.split(row)].append(row)
    return first, found


def two_ways(count: int) -> list[Row]:
    ways = [(f"source {n}", f"target {n}") for n in range(count)]
    return [Row(*pair) for pair in ways] + [Row(*pair[::-1]) for pair in reversed(ways)]


def test_a_pair_and_its_reverse_are_on_one_side() -> None:
    rows = two_ways(500)
    first, found = divide(rows)
    sides = {split: {(row.key, row.mirror) for row in found[split]} for split in ("train", "val")}
    for split, pairs in sides.items():
        assert {(target, source) for source, target in pairs} == pairs, split
    assert not found["dropped"], "no sentence has two translations"
    assert 0.4 < len(sides["val"]) / len(rows) < 0.6, "the share of each direction"
    trained = {text for row in found["train"] for text in (row.key, row.mirror)}
    assert not trained & {text for row in found["val"] for text in (row.key, row.mirror)}
    assert first == found["train"]


def test_equal_sources_of_two_directions_are_on_one_side() -> None:
    """With several translations of a sentence, what would be on both sides is left out, and said."""
    ways = [(f"source {n % 200}", f"target {n % 70}") for n in range(600)]
    rows = [Row(*pair) for pair in ways] + [Row(*pair[::-1]) for pair in ways]
    first, found = divide(rows)
    trained = {row.key for row in found["train"]}
    assert not trained & {row.key for row in found["val"]}
    assert not {(r.key, r.mirror) for r in found["train"]} & {(r.mirror, r.key) for r in found["val"]}
    assert found["dropped"]
    assert {row.problem for row in found["dropped"]} == {DIVIDED}
    assert all(held_out(row.mirror, SHARE) for row in found["dropped"])
    assert set(first) <= set(found["train"])


def test_one_source_into_two_languages_is_divided_by_the_source() -> None:
    """Corpora of several languages that are not the reverse of each other."""
    rows = [Row(f"source {n}", f"{language} {n}") for language in ("fr", "de") for n in range(300)]
    _, found = divide(rows)
    assert [row for row in rows if held_out(row.key, SHARE)] == found["val"]
    assert not found["dropped"]


def test_one_direction_is_divided_by_the_source_alone() -> None:
    rows = [Row(f"source {n % 100}") for n in range(300)]
    first, found = divide(rows)
    assert found["val"] == [row for row in rows if held_out(row.key, SHARE)]
    assert first == found["train"] == [row for row in rows if not held_out(row.key, SHARE)]


HELD = [f"text {n}" for n in range(100) if held_out(f"text {n}", SHARE)]
KEPT = [f"text {n}" for n in range(100) if not held_out(f"text {n}", SHARE)]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_class_that_would_be_held_out_whole_is_kept(count: int) -> None:
    rare = [Row(text, label="rare") for text in HELD[:count]]
    common = [Row(text, label="common") for text in (*HELD[count:], *KEPT)]
    for rows in (rare + common, common + rare):
        first, found = divide(rows)
        assert {row.key for row in found["train"]} == {*KEPT, *HELD[:count]}
        assert {row.key for row in found["val"]} == set(HELD[count:])
        assert set(first) == set(found["train"])


def test_a_class_with_a_row_in_training_is_divided_as_usual() -> None:
    rows = [Row(HELD[0], label="some"), Row(KEPT[0], label="some"), Row(HELD[1], label="some")]
    assert [row.key for row in divide(rows)[1]["val"]] == HELD[:2]


def test_records_with_a_problem_do_not_count() -> None:
    rows = [Row(HELD[0], label="rare"), Row(KEPT[0], label="rare", problem="empty text")]
    assert [row.key for row in divide(rows)[1]["train"]] == [HELD[0]]


def test_splits_that_the_corpus_names_stay() -> None:
    rows = [Row(HELD[0], split="train"), Row(KEPT[0], "mirror", split="val"), Row(HELD[1], label="rare", split="val")]
    found = divide(rows)[1]
    assert (found["train"], found["val"]) == (rows[:1], rows[1:])


def test_the_first_reading_is_finished_where_it_matters() -> None:
    for rows, wanted in (([Row("a"), Row("b")], 1), (two_ways(5), 0), ([Row(t, label=t) for t in KEPT[:5]], 0)):
        division: Division[Row] = Division(1e-9, Path())
        reading = iter(rows)
        division.read_rest(division.usable(reading))
        assert len(list(reading)) == wanted
