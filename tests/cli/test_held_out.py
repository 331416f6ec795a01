"""Splits as a user sees them: nothing that is held out is trained on, and whatever leaks is said."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.cli.app import run
from gpt2kit.runs.prepared import Prepared
from gpt2kit.tasks.base import decode_row

Capture = pytest.CaptureFixture[str]
Prepare = Callable[..., tuple[dict[str, Any], str]]


@pytest.fixture
def workplace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def prepare(workplace: Path, capsys: Capture) -> Prepare:
    """Prepare a corpus into `d`; returns the JSON and what is said."""

    def command(task: str, *words: str) -> tuple[dict[str, Any], str]:
        assert run([task, "prepare", *words, "--out", "d", "--set", "task.vocab=300", "--json"]) == 0
        out, err = capsys.readouterr()
        return json.loads(out), err

    return command


def rows_of(split: str) -> list[tuple[Any, Any]]:
    prepared = Prepared.open("d")
    store = prepared.store(split)
    return [decode_row(prepared.task, *store.row(index)) for index in range(len(store))]


def table(path: Path, rows: Sequence[Sequence[str]], separator: str = "\t") -> str:
    path.write_text("".join(separator.join(row) + "\n" for row in rows), encoding="utf-8")
    return path.name


PAIRS = [(f"sentence number {n} is here", f"la phrase {n} est ici") for n in range(400)]
REVERSED = [(target, source) for source, target in PAIRS]


def test_two_directions_in_one_model(workplace: Path, prepare: Prepare) -> None:
    there, back = table(workplace / "t.tsv", PAIRS), table(workplace / "rev.tsv", REVERSED[::-1])
    found, said = prepare("translate", f"fr={there}", f"en={back}", "--set", "task.held_out=0.1")
    assert found["train"]["rows"] + found["val"]["rows"] == 800
    assert found["val"]["rows"] > 80
    train, val = rows_of("train"), rows_of("val")
    assert {source.to for source, _ in val} == {"fr", "en"}
    trained = {text for source, target in train for text in (source.text, target)}
    assert not trained & {text for source, target in val for text in (source.text, target)}
    assert found["val"]["leaks"] == {}
    assert "other way round" not in said


def test_leaks_in_other_roles_are_said(workplace: Path, prepare: Prepare) -> None:
    there, back = table(workplace / "t.tsv", PAIRS[:200]), table(workplace / "rev.tsv", REVERSED[100:300])
    fr = table(workplace / "v.tsv", [*PAIRS[:2], *PAIRS[250:253], ("new", "nouveau")])
    en = table(workplace / "w.tsv", [*REVERSED[:4], (PAIRS[0][1], "another")])
    found, said = prepare("translate", f"fr={there}", f"en={back}", "--val", f"fr={fr}", f"en={en}")
    assert found["val"]["rows"] == 11
    assert found["val"]["leaked"] == 2
    assert found["val"]["leaks"] == {
        "pairs that are in train the other way round": 3 + 4,
        "sources that are targets in train": 3 + 5,
        "targets that are sources in train": 3 + 4,
        "targets that are also targets in train": 2,
    }
    assert "val: pairs that are in train the other way round: 7 of 11\n" in said
    assert "val: sources that are also in train: 2 of 11, such as 'sentence number 0 is here'" in said


def test_two_languages_of_one_source_have_no_such_leaks(workplace: Path, prepare: Prepare) -> None:
    german = [(source, f"der Satz {n} ist hier") for n, (source, _) in enumerate(PAIRS)]
    words = [f"fr={table(workplace / 't.tsv', PAIRS)}", f"de={table(workplace / 'u.tsv', german)}"]
    found, _ = prepare("translate", *words, "--set", "task.held_out=0.1")
    assert (found["train"]["rows"] + found["val"]["rows"], found["train"]["dropped"]) == (800, {})
    assert found["val"]["leaks"] == {}


@pytest.mark.parametrize("known", [False, True], ids=["a new tokenizer", "a known tokenizer"])
def test_the_only_row_of_a_class_is_trained_on(workplace: Path, prepare: Prepare, known: bool) -> None:
    labels = [("rare" if n == 0 else "ab"[n % 2], f"text number {n}") for n in range(60)]
    corpus = table(workplace / "a.csv", [("label", "text"), *labels], ",")
    words = ["--set", "task.held_out=0.999"]
    if known:
        prepare("lm", table(workplace / "a.txt", [("some text",)]))
        (workplace / "d").rename(workplace / "known")
        words += ["--tokenizer", "known"]
    found, said = prepare("finetune", corpus, *words)
    assert ("text number 0",) in [source for source, label in rows_of("train") if label == "rare"]
    assert {label for _, label in rows_of("train")} == {"a", "b", "rare"}
    assert found["val"]["dropped"] == {}
    assert "3 labels: a, b, rare" in said


@pytest.mark.parametrize(
    ("task", "train", "val"),
    [
        ("lm", ["a.txt"], ["b.txt", "c.txt"]),
        ("finetune", ["a.csv"], ["b.csv", "c.csv"]),
        ("translate", ["a.tsv"], ["b.tsv", "c.tsv"]),
        ("summarize", ["a.jsonl"], ["b.jsonl", "c.jsonl"]),
    ],
)
def test_all_words_after_val_are_the_validation_corpus(
    workplace: Path, prepare: Prepare, task: str, train: list[str], val: list[str]
) -> None:
    for name in train + val:
        content = {
            ".txt": f"text {name}",
            ".csv": f"text,label\none {name},x\ntwo {name},y\n",
            ".tsv": f"one {name}\tun {name}\n",
            ".jsonl": json.dumps({"document": f"A long text of {name}. It goes on.", "summary": f"Text {name}"}),
        }[Path(name).suffix]
        (workplace / name).write_text(content, encoding="utf-8")
    found, _ = prepare(task, *train, "--val", *val)
    assert found["val"]["rows"] == 2 * found["train"]["rows"]
    assert json.loads((workplace / "d" / "prepare.json").read_text())["corpora"] == {"train": train, "val": val}


@pytest.mark.parametrize("others", [[], ["b.txt"]], ids=["alone", "with another file"])
def test_a_text_that_is_trained_on_and_validated_on(workplace: Path, prepare: Prepare, others: list[str]) -> None:
    """Though it is divided into other parts when it is not the only file."""
    for name in ("a.txt", "b.txt", "c.txt"):
        lines = (f"{name} has the line number {n}, which is in no other file." for n in range(300))
        (workplace / name).write_text("\n".join(lines), encoding="utf-8")
    found, said = prepare("lm", "a.txt", *others, "--val", "a.txt")
    rows = found["val"]["rows"]
    if others:
        assert found["val"]["leaks"]["parts of documents of which most lines are in train"] > rows / 2
        assert "val: parts of documents of which most lines are in train: " in said
    else:
        assert found["val"]["leaked"] == rows
        assert f"val: sources that are also in train: {rows} of {rows}, such as" in said
    assert prepare("lm", "c.txt", "--val", "a.txt", "b.txt", "--overwrite")[0]["val"]["leaks"] == {}


def test_a_folder_of_json_lines_without_an_ending(workplace: Path, prepare: Prepare) -> None:
    """As wikiextractor writes it."""
    (workplace / "text" / "AA").mkdir(parents=True)
    for number in range(2):
        rows = [{"id": str(n), "title": f"Title {n}", "text": f"Article {number} {n}."} for n in range(3)]
        (workplace / "text" / "AA" / f"wiki_0{number}").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    found, said = prepare("lm", "text", "--val", "text/AA/wiki_01")
    assert (found["train"]["rows"], found["val"]["leaked"]) == (6, 3)
    assert "text/AA/wiki_00: read as JSON lines, by its contents" in said
    assert "columns text=text; left out: id, title" in said
