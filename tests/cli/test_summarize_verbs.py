"""Summaries from the command line: what is scored, what is answered, and what bad input gets for an answer."""

import bz2
import json
import lzma
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit import recipe
from gpt2kit.cli.app import run
from gpt2kit.data.store import Store

Capture = pytest.CaptureFixture[str]
Examples = Callable[[str], Any]

DUMP = """<mediawiki><siteinfo /><page><title>Oak</title><ns>0</ns><revision><text>'''Oak''' is a tree.

== Growth ==
It grows slowly.</text></revision></page>
<page><title>Oaks</title><ns>0</ns><redirect title="Oak" /><revision><text>#REDIRECT [[Oak]]</text></revision></page>
<page><title>Maze</title><ns>0</ns><revision><text>{}</text></revision></page>
</mediawiki>
"""


ROW = json.dumps({"title": "Oak", "body": "It grows slowly, and people make tables of it.", "lead": "A tree."}) + "\n"
ROWS = "".join(ROW.replace("Oak", f"Oak {number * number}") for number in range(2000)).encode()
WHOLE_DUMP = DUMP.format("It ends.").encode()

BAD = [
    ("a.jsonl", f'{ROW}{ROW}{{"body": "x", \n{ROW}'.encode(), "", "a.jsonl:3: expected one JSON object per line"),
    ("a.jsonl.xz", lzma.compress(ROWS)[:-100], "", "a.jsonl.xz: damaged, truncated or not compressed"),
    ("a.jsonl.bz2", bz2.compress(ROWS)[:-100], "", "a.jsonl.bz2: damaged, truncated or not compressed"),
    ("d.xml.bz2", bz2.compress(WHOLE_DUMP)[:-30], "", "d.xml.bz2: damaged, truncated or not compressed"),
    (
        "d.xml",
        WHOLE_DUMP[: WHOLE_DUMP.index(b"<page><title>Maze")],
        "",
        "d.xml:6: malformed or truncated XML: ",
    ),
    ("d.xml", WHOLE_DUMP.replace(b"</text>", b"</txt>"), "", "d.xml:4: malformed or truncated XML: "),
    (
        "a.jsonl",
        ROW.encode(),
        "body,leed",
        "a.jsonl:1: no column 'leed'; the columns are 'title', 'body', 'lead'; did you",
    ),
    (
        "a.jsonl",
        ROW.replace("It grows slowly, and people make tables of it.", "").encode(),
        "",
        "(no document: 1, such as",
    ),
    ("a.jsonl", ROW.encode().replace(b"tables", b"caf\xe9s"), "", "a.jsonl:1: byte 0xe9 at offset"),
]
"""What a file is called, what is in it, --columns, and what its error says."""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, examples: Examples) -> Path:
    """A run after one step; its prepared `data` and `corpus.jsonl` are beside it."""
    folder = tmp_path_factory.mktemp("summaries")
    summarize = examples("summarize")
    corpus = summarize.write_corpus(folder)
    tiny = recipe.load("summarize", [*summarize.TINY, "train.steps=1", "generate.max_new_tokens=4"])
    gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, folder / "data")
    list(gpt2kit.train(tiny, folder / "data", folder / "run"))
    return folder / "run"


@pytest.fixture
def workplace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write_rows(path: Path, *rows: dict[str, Any]) -> None:
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows), encoding="utf-8")


# evaluate


def test_what_is_no_article_is_not_scored(trained: Path, workplace: Path, capsys: Capture) -> None:
    """A page that cannot be read decides the exit code, after the result."""
    (workplace / "d.xml").write_text(DUMP.format("[" * 300), encoding="utf-8")
    assert run(["summarize", "evaluate", "--run", str(trained), "--on", "d.xml", "--json"]) == 5
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["count"] == 1
    assert found["dropped"]["redirect"] == 1
    assert sum(found["dropped"].values()) == 2
    assert "d.xml: 1 dropped, redirect, such as d.xml:5 'Oaks'" in err
    assert (
        "d.xml: 1 dropped, markup cannot be parsed: more than 200 nested openings such as '[' are not closed, such as"
        in err
    )


def test_records_that_lack_a_side_are_not_scored(trained: Path, workplace: Path, capsys: Capture) -> None:
    """Those with a bad summary are; the limit counts what is scored."""
    rows = [("", "No body."), ("No lead.", " "), ("A b. C d. E f.", "C d."), ("Short.", "It is longer."), ("A b.", "B")]
    write_rows(workplace / "a.jsonl", *({"body": body, "lead": lead} for body, lead in rows))
    words = ["summarize", "evaluate", "--run", str(trained), "--on", "a.jsonl", "--json"]
    assert run([*words, "--limit", "2"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["count"] == 2
    assert json.loads(out)["dropped"] == {"no document": 1, "no summary": 1}
    assert "a.jsonl: 1 dropped, no document, such as a.jsonl:1 ''" in err
    assert run(words) == 0
    assert json.loads(capsys.readouterr().out)["count"] == 3


def test_nothing_to_score(trained: Path, workplace: Path, capsys: Capture) -> None:
    write_rows(workplace / "a.jsonl", {"body": "", "lead": "x"}, {"body": "", "lead": "y"})
    assert run(["summarize", "evaluate", "--run", str(trained), "--on", "a.jsonl", "--json"]) == 3
    message = json.loads(capsys.readouterr().err)["error"]["message"]
    assert message == "a.jsonl has no records to evaluate on (no document: 2, such as a.jsonl:1 '')"


def test_predictions_name_their_records(trained: Path, workplace: Path, capsys: Capture) -> None:
    """Those of a prepared split by the corpus that it is from."""
    write_rows(workplace / "a.jsonl", {"body": "", "lead": "L"}, {"body": "B b.", "lead": "L"})
    words = ["summarize", "evaluate", "--run", str(trained), "--predictions", "p.jsonl", "--overwrite"]
    corpus = trained.parent / "corpus.jsonl"
    for more, ids in (["--on", "a.jsonl"], ["a.jsonl:2"]), ([], [f"{corpus}:{line}" for line in range(1, 5)]):
        assert run([*words, *more]) == 0
        rows = [json.loads(line) for line in (workplace / "p.jsonl").read_text(encoding="utf-8").splitlines()]
        assert [(row["n"], row["id"]) for row in rows] == list(enumerate(ids, 1))


def test_one_sentence_of_100_000_characters_is_scored(trained: Path, workplace: Path, capsys: Capture) -> None:
    write_rows(
        workplace / "a.jsonl", {"body": "山" * 100_000, "lead": "山。"}, {"body": "word " * 20_000, "lead": "A word."}
    )
    assert run(["summarize", "evaluate", "--run", str(trained), "--on", "a.jsonl", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["count"], found["truncated"]) == (2, 2)
    assert "|words:1000|" in found["scores"]["ROUGE-L"]["signature"]


def test_a_lead_longer_than_the_window_is_scored_whole(trained: Path, workplace: Path, capsys: Capture) -> None:
    """Nothing of it is learned from, and nothing of it is left out of the scores: the row has no ids, but its text."""
    lead = "word " * 500 + "end."
    write_rows(workplace / "a.jsonl", {"body": "other " * 1200, "lead": lead}, {"body": "B b. C c.", "lead": "L"})
    train = str(trained.parent / "corpus.jsonl")
    assert run(["summarize", "prepare", train, "--val", "a.jsonl", "--out", "data", "--tokenizer", str(trained)]) == 0
    assert "val: 1 dropped, target longer than the window" in capsys.readouterr().err
    assert len(Store(workplace / "data", "val")) == 1
    assert [record["summary"] for record in Store(workplace / "data", "val").texts()] == [lead, "L"]


def test_what_was_trained_on_is_not_scored_as_if_it_were_whole(trained: Path, capsys: Capture) -> None:
    assert run(["summarize", "evaluate", "--run", str(trained), "--split", "train", "--json"]) == 3
    message = json.loads(capsys.readouterr().err)["error"]["message"]
    assert message.startswith(
        "corpus.jsonl:train cannot be scored, because prepare kept only its ids, cut to the window"
    )


def test_texts_that_are_missing_are_not_made_up_from_ids(trained: Path, workplace: Path, capsys: Capture) -> None:
    texts = trained.parent / "data" / "val.texts"
    texts.rename(workplace / "val.texts")
    try:
        assert run(["summarize", "evaluate", "--run", str(trained), "--json"]) == 3
    finally:
        (workplace / "val.texts").rename(texts)
    assert "val.texts is missing" in json.loads(capsys.readouterr().err)["error"]["message"]


# generate


def test_documents_without_summaries_are_summarized(trained: Path, workplace: Path, capsys: Capture) -> None:
    write_rows(workplace / "a.jsonl", {"title": "Oak", "body": "It grows."}, {"title": "Elm", "body": "It too."})
    write_rows(workplace / "b.jsonl", {"story": "It grows."})
    words = ["summarize", "generate", "--run", str(trained), "--json", "--file"]
    assert run([*words, "a.jsonl"]) == 0
    assert [json.loads(line)["input"] for line in capsys.readouterr().out.splitlines()] == ["Oak", "Elm"]
    assert run([*words, "b.jsonl", "--columns", "story"]) == 0
    assert json.loads(capsys.readouterr().out)["input"] == "It grows."
    assert run([*words, "b.jsonl"]) == 3
    assert "cannot tell which column is the document" in json.loads(capsys.readouterr().err)["error"]["message"]


def test_pages_that_are_no_articles_are_not_answered(trained: Path, workplace: Path, capsys: Capture) -> None:
    """One that cannot be read is, with nothing."""
    for maze, titles in (("It ends. {{stub}}", ["Oak"]), ("[" * 300, ["Oak", "Maze"])):
        (workplace / "d.xml").write_text(DUMP.format(maze), encoding="utf-8")
        assert run(["summarize", "generate", "--run", str(trained), "--file", "d.xml", "--json"]) == 0
        answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [answer["input"] for answer in answers] == titles
    assert answers[1]["output"] == ""


# bad input


@pytest.mark.parametrize(("name", "content", "columns", "message"), BAD)
def test_a_bad_corpus_is_refused_and_nothing_is_lost(
    workplace: Path, trained: Path, capsys: Capture, name: str, content: bytes, columns: str, message: str
) -> None:
    """A prepared folder that was to be replaced stays as it was."""
    (workplace / name).write_bytes(content)
    shutil.copytree(trained.parent / "data", workplace / "data")
    before = {path: path.read_bytes() for path in workplace.rglob("*") if path.is_file()}
    more = ["--columns", columns] if columns else []
    commands = [
        ["prepare", name, "--out", "data", "--overwrite", "--set", "task.vocab=300", *more],
        ["evaluate", "--run", str(trained), "--on", name, *more],
    ]
    for command in commands:
        assert run(["summarize", *command, "--json"]) == 3
        out, err = capsys.readouterr()
        assert out == ""
        *before_it, last = err.splitlines()
        told = json.loads(last)
        assert [line.partition(":")[0] for line in before_it] == ["--overwrite replaces data"] * (
            command[0] == "prepare"
        )
        assert (told["ok"], told["error"]["code"]) == (False, 3)
        assert message in told["error"]["message"]
    assert {path: path.read_bytes() for path in workplace.rglob("*") if path.is_file()} == before


def test_bad_rows_among_good_ones_are_counted(workplace: Path, capsys: Capture) -> None:
    """Texts of any script are good ones; what HTML leaves in a text is text."""
    rows = [("", "L."), ("B b.", ""), ("A b. C d.", "C d."), ("B.", "Longer than it.")]
    rows += [
        ("这是一个很长的句子，讲的是一座山。", "这是山。"),
        ("<p>It &amp; more</p> " * 9, "A <b>p</b>."),
        ("word " * 20_000, "Go."),
    ]
    write_rows(workplace / "a.jsonl", *({"title": "T", "body": body, "lead": lead} for body, lead in rows))
    tiny = [word for key in ("task.vocab=600", "model.size=", "model.n_positions=128") for word in ("--set", key)]
    assert run(["summarize", "prepare", "a.jsonl", "--val", "a.jsonl", "--out", "data", "--json", *tiny]) == 0
    out, err = capsys.readouterr()
    found = json.loads(out)["val"]
    assert (found["read"], found["rows"], found["cut"]) == (7, 3, 1)
    assert found["dropped"] == {
        "no document": 1,
        "no summary": 1,
        "the summary is part of the document": 1,
        "the summary is longer than the document": 1,
    }
    assert "val: 1 dropped, no document, such as a.jsonl:1 'T'" in err
    kept = [json.loads(line) for line in (workplace / "data" / "val.texts").read_text(encoding="utf-8").splitlines()]
    assert [text["summary"] for text in kept] == ["这是山。", "A <b>p</b>.", "Go."]
