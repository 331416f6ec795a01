"""A corpus whose hashes do not fit into memory together is prepared like one whose hashes do."""

import json
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit import recipe
from gpt2kit.data import hashes, store
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError

PAIRS = [(f"sentence number {n % 150} is here", f"la phrase {n % 190} est ici") for n in range(400)]
"""Sentences with several translations; the last 20 pairs and others are there twice."""


def two_directions(folder: Path) -> list[str]:
    there = [*PAIRS, *PAIRS[-20:]]
    (folder / "t.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in there), encoding="utf-8")
    (folder / "rev.tsv").write_text("".join(f"{b}\t{a}\n" for a, b in reversed(there[100:])), encoding="utf-8")
    return [f"fr={folder / 't.tsv'}", f"en={folder / 'rev.tsv'}"]


def validation(folder: Path) -> list[str]:
    new = [(f"a new sentence {n}", f"une nouvelle phrase {n}") for n in range(40)]
    near = [(a.upper(), b) for a, b in PAIRS[:30]]
    pairs = [*new, *near, *PAIRS[50:70], *((b, a) for a, b in PAIRS[130:150])]
    (folder / "v.tsv").write_text("".join(f"{a}\t{b}\n" for a, b in pairs), encoding="utf-8")
    return [f"fr={folder / 'v.tsv'}"]


def documents(folder: Path) -> list[str]:
    lines = [f"This is line number {n} of a text that is long enough." for n in range(600)]
    (folder / "a.txt").write_text("\n".join(lines), encoding="utf-8")
    return [str(folder / "a.txt")]


def parts_of_documents(folder: Path) -> list[str]:
    lines = [f"This is line number {n} of a text that is long enough." for n in range(100, 700)]
    for number in range(7):
        part = lines[number * 85 + 3 : number * 85 + 88]
        (folder / f"part{number}.txt").write_text("\n".join(part), encoding="utf-8")
    return [str(folder / f"part{number}.txt") for number in range(7)]


CORPORA = {
    "two directions": ("translate", lambda folder: {"train": two_directions(folder)}),
    "a corpus to validate on": (
        "translate",
        lambda folder: {"train": two_directions(folder), "val": validation(folder), "test": validation(folder)},
    ),
    "documents": ("lm", lambda folder: {"train": documents(folder), "val": parts_of_documents(folder)}),
}


def prepared(task: str, corpora: dict[str, Any], folder: Path) -> dict[str, bytes]:
    """The files of a prepared folder."""
    gpt2kit.prepare(recipe.load(task, ["task.vocab=300", "task.held_out=0.2"]), corpora, folder)
    assert [path.name for path in folder.parent.iterdir() if path.name.startswith(".")] == []
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.mark.parametrize("case", CORPORA)
def test_hashes_in_files_give_the_same_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, case: str) -> None:
    task, corpora = CORPORA[case]
    words = corpora(tmp_path)
    usual = prepared(task, words, tmp_path / "usual")
    monkeypatch.setattr(hashes, "AT_ONCE", 16)
    monkeypatch.setattr(store, "SCANNED_ROWS", 16)
    found = prepared(task, words, tmp_path / "parts")
    assert found == usual
    report = json.loads(found["prepare.json"])["splits"]
    for split in report:
        rows = Store(tmp_path / "parts", split)
        different = {(tuple(prompt), tuple(target)) for prompt, target in map(rows.row, range(len(rows)))}
        assert report[split]["duplicates"] == len(rows) - len(different)
    if case == "documents":
        assert report["val"]["leaks"] == {"parts of documents of which most lines are in train": 6}
    else:
        assert report["train"]["duplicates"] > 20
    if case == "a corpus to validate on":
        assert (report["val"]["leaked"], report["val"]["nearly_leaked"], len(report["val"]["leaks"])) == (40, 30, 4)


def test_nothing_is_left_of_a_corpus_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hashes, "AT_ONCE", 16)
    words = two_directions(tmp_path)
    with (tmp_path / "rev.tsv").open("ab") as file:
        file.write(b"caf\xe9\tcoffee\n")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(DataError, match=r"rev\.tsv:321: byte 0xe9"):
        prepared("translate", {"train": words}, tmp_path / "out")
    assert sorted(tmp_path.iterdir()) == before
