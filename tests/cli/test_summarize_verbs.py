"""Summaries from the command line: what is scored, what is answered, and what bad input gets for an answer."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpt2kit import pipeline, recipe
from gpt2kit.cli.app import run

Capture = pytest.CaptureFixture[str]
Examples = Callable[[str], Any]

DUMP = """<mediawiki><siteinfo /><page><title>Oak</title><ns>0</ns><revision><text>'''Oak''' is a tree.

== Growth ==
It grows slowly.</text></revision></page>
<page><title>Oaks</title><ns>0</ns><redirect title="Oak" /><revision><text>#REDIRECT [[Oak]]</text></revision></page>
<page><title>Maze</title><ns>0</ns><revision><text>{}</text></revision></page>
</mediawiki>
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory, examples: Examples) -> Path:
    """A run after one step; its prepared `data` and `corpus.jsonl` are beside it."""
    folder = tmp_path_factory.mktemp("summaries")
    summarize = examples("summarize")
    corpus = summarize.write_corpus(folder)
    tiny = recipe.load("summarize", [*summarize.TINY, "train.steps=1", "generate.max_new_tokens=4"])
    pipeline.prepare(tiny, {"train": corpus, "val": corpus}, folder / "data")
    list(pipeline.train(tiny, folder / "data", folder / "run"))
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
    assert run(["summarize", "evaluate", "--run", str(trained), "--pairs", "d.xml", "--json"]) == 5
    out, err = capsys.readouterr()
    found = json.loads(out)
    assert found["count"] == 1
    assert found["dropped"]["redirect"] == 1
    assert sum(found["dropped"].values()) == 2
    assert "d.xml: 1 dropped, redirect, such as d.xml:5 'Oaks'" in err
    assert (
        "d.xml: 1 dropped, markup cannot be parsed: more than 200 times '[' or the like is not closed, such as" in err
    )


def test_records_that_lack_a_side_are_not_scored(trained: Path, workplace: Path, capsys: Capture) -> None:
    """Those with a bad summary are; the limit counts what is scored."""
    rows = [("", "No body."), ("No lead.", " "), ("A b. C d. E f.", "C d."), ("Short.", "It is longer."), ("A b.", "B")]
    write_rows(workplace / "a.jsonl", *({"body": body, "lead": lead} for body, lead in rows))
    words = ["summarize", "evaluate", "--run", str(trained), "--pairs", "a.jsonl", "--json"]
    assert run([*words, "--limit", "2"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["count"] == 2
    assert json.loads(out)["dropped"] == {"no document": 1, "no summary": 1}
    assert "a.jsonl: 1 dropped, no document, such as a.jsonl:1 ''" in err
    assert run(words) == 0
    assert json.loads(capsys.readouterr().out)["count"] == 3


def test_nothing_to_score(trained: Path, workplace: Path, capsys: Capture) -> None:
    write_rows(workplace / "a.jsonl", {"body": "", "lead": "x"}, {"body": "", "lead": "y"})
    assert run(["summarize", "evaluate", "--run", str(trained), "--pairs", "a.jsonl", "--json"]) == 3
    message = json.loads(capsys.readouterr().err)["error"]["message"]
    assert message == "a.jsonl has no records to evaluate on (no document: 2)"


def test_predictions_name_their_records(trained: Path, workplace: Path, capsys: Capture) -> None:
    """Those of a prepared split by the corpus that it is from."""
    write_rows(workplace / "a.jsonl", {"body": "", "lead": "L"}, {"body": "B b.", "lead": "L"})
    words = ["summarize", "evaluate", "--run", str(trained), "--predictions", "p.jsonl", "--overwrite"]
    corpus = trained.parent / "corpus.jsonl"
    for more, ids in (["--pairs", "a.jsonl"], ["a.jsonl:2"]), ([], [f"{corpus}:{line}" for line in range(1, 5)]):
        assert run([*words, *more]) == 0
        rows = [json.loads(line) for line in (workplace / "p.jsonl").read_text(encoding="utf-8").splitlines()]
        assert [(row["n"], row["id"]) for row in rows] == list(enumerate(ids, 1))


def test_one_sentence_of_100_000_characters_is_scored(trained: Path, workplace: Path, capsys: Capture) -> None:
    write_rows(
        workplace / "a.jsonl", {"body": "山" * 100_000, "lead": "山。"}, {"body": "word " * 20_000, "lead": "A word."}
    )
    assert run(["summarize", "evaluate", "--run", str(trained), "--pairs", "a.jsonl", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["count"], found["truncated"]) == (2, 2)
    assert "|words:1000|" in found["scores"]["ROUGE-L"]["signature"]


def test_what_was_trained_on_is_not_scored_as_if_it_were_whole(trained: Path, capsys: Capture) -> None:
    assert run(["summarize", "evaluate", "--run", str(trained), "--split", "train", "--json"]) == 3
    message = json.loads(capsys.readouterr().err)["error"]["message"]
    assert message.startswith("corpus.jsonl:train cannot be scored on: only ids are kept of it, cut to the window")


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
    assert "which column is the document?" in json.loads(capsys.readouterr().err)["error"]["message"]


def test_pages_that_are_no_articles_are_not_answered(trained: Path, workplace: Path, capsys: Capture) -> None:
    """One that cannot be read is, with nothing."""
    for maze, titles in (("It ends. {{stub}}", ["Oak"]), ("[" * 300, ["Oak", "Maze"])):
        (workplace / "d.xml").write_text(DUMP.format(maze), encoding="utf-8")
        assert run(["summarize", "generate", "--run", str(trained), "--file", "d.xml", "--json"]) == 0
        answers = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
        assert [answer["input"] for answer in answers] == titles
    assert answers[1]["output"] == ""
