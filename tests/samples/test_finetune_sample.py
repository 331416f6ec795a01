"""The labelled passages: what the program chooses, ten lines, and nothing of the held-out ones in them."""

import csv
from collections import Counter
from pathlib import Path

import pytest

from gpt2kit.samples.finetune import choosing

FOLDER = Path(choosing.__file__).parent


def rows(name: str) -> list[choosing.Passage]:
    with (FOLDER / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        header, *found = csv.reader(file)
    assert tuple(header) == choosing.Passage._fields
    return [choosing.Passage(*row) for row in found]


def test_ten_lines_of_five_labels() -> None:
    assert len(rows("train")) == 10
    assert set(Counter(label for _, label in rows("train")).values()) == {2}
    counts = Counter(label for _, label in rows("heldout"))
    assert counts.keys() == set(choosing.LABELS.values())
    assert sum(counts.values()) == 71


def test_passages_are_short_and_new() -> None:
    learned = {text for text, _ in rows("train")}
    for text, _ in rows("heldout"):
        assert text not in learned
        assert "==" not in text
        assert text.endswith(".")
        assert 5 < len(text.split()) < 60


def test_the_program_chooses_these(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "__file__", str(tmp_path / "choosing.py"))
    choosing.main()
    for name in ("train.csv", "heldout.csv"):
        assert (tmp_path / name).read_bytes() == (FOLDER / name).read_bytes()
