"""Hashes in parts and in a file give the same answers as all of them in memory."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from gpt2kit.data import hashes
from gpt2kit.data.hashes import Hashes, contains

U64 = NDArray[np.uint64]


def drawn(seed: int, count: int, different: int) -> U64:
    """Some of the same different hashes for any seed, all of which have leading bits of their own."""
    known = np.random.default_rng(0).integers(0, 2**64, different, dtype=np.uint64)
    return known[np.random.default_rng(seed).integers(different, size=count)]


def kept(folder: Path, values: U64, batch: int = 7) -> Hashes:
    found = Hashes(folder)
    for start in range(0, len(values), batch):
        found.append(values[start : start + batch])
    return found


EQUAL = np.full(50, 3, np.uint64)
CASES = {
    "none": (drawn(1, 0, 9), drawn(2, 5, 9)),
    "few": (drawn(1, 4, 9), drawn(2, 5, 9)),
    "one part's": (drawn(1, 8, 40), drawn(2, 8, 40)),
    "many": (drawn(1, 500, 400), drawn(2, 90, 400)),
    "more of the others": (drawn(1, 20, 400), drawn(2, 700, 400)),
    "others of which none is there": (drawn(1, 70, 400), drawn(2, 0, 400)),
    "equal": (np.concatenate([EQUAL, drawn(1, 30, 20)]), np.concatenate([drawn(2, 30, 20), EQUAL])),
    "in one part": (np.arange(100, dtype=np.uint64), np.arange(0, 200, 3, dtype=np.uint64)),
}


@pytest.mark.parametrize("at_once", [1, 8, 64, 1 << 18])
@pytest.mark.parametrize("case", CASES)
def test_the_answers_are_those_of_numpy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str, at_once: int
) -> None:
    monkeypatch.setattr(hashes, "AT_ONCE", at_once)
    values, others = CASES[case]
    ours, theirs = kept(tmp_path, values), kept(tmp_path, others, 100)
    assert len(ours) == len(values)
    assert [*map(len, ours.blocks())] == [len(values[n : n + at_once]) for n in range(0, len(values), at_once)]
    assert np.concatenate([np.empty(0, np.uint64), *ours.blocks()]).tolist() == values.tolist()
    assert ours.distinct() == len(set(values.tolist()))
    assert ours.sorted().tolist() == sorted(set(values.tolist()))
    assert ours.within(theirs).tolist() == np.isin(values, others).tolist()
    assert ours.shared(theirs).tolist() == sorted(set(values.tolist()) & set(others.tolist()))
    assert list(tmp_path.iterdir()) == [], "the files have no names"
    ours.close()
    theirs.close()


def test_hashes_are_added_one_by_one_and_together(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashes, "AT_ONCE", 4)
    found = Hashes(tmp_path)
    for number in range(2**64 - 10, 2**64):
        found.add(number)
    assert found.distinct() == 10
    found.append(np.arange(3, dtype=np.uint64))
    found.add(0)
    assert [*map(len, found.blocks())] == [4, 4, 4, 2]
    assert found.sorted().tolist() == [0, 1, 2, *range(2**64 - 10, 2**64)]
    found.close()
    assert (len(found), list(found.blocks())) == (0, [])


def test_few_hashes_need_no_file(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    found = kept(missing, drawn(1, 500, 100))
    assert found.within(kept(missing, drawn(2, 50, 100))).sum() > 0
    assert found.distinct() <= 100


def test_contains() -> None:
    known = np.array([2, 4, 4, 9], np.uint64)
    assert contains(known, np.array([9, 1, 4, 10, 2, 3], np.uint64)).tolist() == [True, False, True, False, True, False]
    assert contains(known[:0], known).tolist() == [False] * 4
