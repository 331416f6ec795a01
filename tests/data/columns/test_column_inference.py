"""Columns whose values contradict what they are for are refused, with the option that settles it."""

from pathlib import Path
from typing import Any

import pytest

from gpt2kit.data.columns.selection import Selection
from gpt2kit.errors import DataError
from gpt2kit.tasks.finetune import Finetune

MOODS = ("happy", "sad")


def write_csv(path: Path, header: str, rows: list[str], ending: str = ".csv") -> str:
    path = path / f"table{ending}"
    path.write_text("".join(f"{line}\n" for line in (header, *rows) if line), encoding="utf-8")
    return str(path)


def numbered(row: str, count: int = 40) -> list[str]:
    """Rows of a pattern, in which N is the number of the row, and MOOD one of two words."""
    return [row.replace("N", str(n)).replace("MOOD", MOODS[n % 2]) for n in range(count)]


REFUSED: dict[str, tuple[str, list[str], str]] = {
    "scores": (
        "first,second,label",
        [f"a {n},b {n},{n % 51 / 10}" for n in range(120)],
        r"table.csv:2: column 'label': labels are numbers: scores are not learned \(different values in 120 rows: 51 "
        r"\(0.0, 0.1, .*; put classes into a column, .*--columns label=COLUMN",
    ),
    "scores by another name": (
        "sentence1,sentence2,score",
        [f"a {n},b {n},{n / 7:.2f}" for n in range(40)],
        "column 'score': labels are numbers: scores are not learned",
    ),
    "identifiers as labels": ("text,label", numbered("so good N,id-N"), "column 'label' has identifiers, not labels"),
    "numbers as labels": ("text,label", numbered("so good N,N"), "column 'label' has identifiers, not labels"),
    "an index as text": (
        "text,label,quote",
        numbered("N,MOOD,so it goes"),
        "'text' has numbers, such as '0', not texts",
    ),
    "identifiers as text": (
        "text,quote,label",
        numbered("t-N,so it goes N,MOOD"),
        "'text' has identifiers, such as 't-0', not texts; choose the column for 'text', as in --columns text=quote",
    ),
    "a label by no known name": (
        "id,text,mood",
        numbered("N,so it goes N,MOOD"),
        r"column 'mood' looks like a label of 'text': different values in 40 rows: 2 \(happy, sad\); to learn it, "
        r"--columns text=text,label=mood; to learn only how the text continues, --columns text=text$",
    ),
    "several of them": (
        "comment_text,toxic,rude",
        [f"so it goes {n},{n % 2},{n % 3 % 2}" for n in range(40)],
        r"text=comment_text,label=toxic; .* \(other columns like it: 'rude'\)",
    ),
    "no known name": (
        "quote,mood",
        numbered("so it goes N,MOOD"),
        r"cannot tell what the columns 'quote', 'mood' are for; .*; their values look like --columns "
        "text=quote,label=mood",
    ),
    "no header": (
        "",
        numbered("MOOD,so it goes N"),
        r"table.csv:2: the line before it, 'happy', 'so it goes 0', looks like data, .*--columns text=1,label=0$",
    ),
    "no header, and too few rows to tell": (
        "",
        ["good,so it goes", "bad,so it went"],
        r"cannot tell what the columns 'good', 'so it goes' are for; .*; if they are data, number the columns "
        "from 0, as in --columns text=1,label=0$",
    ),
    "no header, and equal values in the first row": (
        "",
        ["1,so it goes,1", "0,so it went,0"],
        "two columns are called '1': .*; rename one; or if the first line is not a header, give columns by number",
    ),
    "no header, with numbers first": (
        "",
        numbered("N,MOOD,so it goes N"),
        r"looks like data, .*, as in --columns text=2,label=1$",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_columns_that_are_asked_about(name: str, tmp_path: Path) -> None:
    header, rows, message = REFUSED[name]
    with pytest.raises(DataError, match=message):
        Finetune().infer_task([write_csv(tmp_path, header, rows)])


def selected(corpus: str, **settings: Any) -> tuple[Any, Selection]:
    """The task for a table, and what prepare says of its columns."""
    task: Any = Finetune(**settings).infer_task([corpus])
    (selection,) = task.select_columns([corpus])
    return task, selection


def test_what_the_user_names_is_taken(tmp_path: Path) -> None:
    corpus = write_csv(tmp_path, "id,text,mood", numbered("N,so it goes N,MOOD"))
    task, selection = selected(corpus, columns=("text=text",))
    assert task.kind == "text"
    assert selection.left_out == ["id", "mood"]
    assert selection.remarks == ["columns that look like labels are left out: 'mood'"]
    task, selection = selected(corpus, columns=("text=text", "label=mood"))
    assert (task.kind, selection.left_out, selection.remarks) == ("classification", ["id"], [])
    task, _ = selected(corpus, kind="text")
    assert task.kind == "text"
    task, _ = selected(corpus, columns=("text=id", "label=mood"))
    assert task.named == {"text": "id", "label": "mood"}


def test_labels_that_are_none(tmp_path: Path) -> None:
    labels = ["entailment", "neutral", "contradiction", "-", ""]
    corpus = write_csv(tmp_path, "premise,hypothesis,label", [f"a {n},b {n},{labels[n % 5]}" for n in range(20)])
    task, selection = selected(corpus)
    assert task.missing == ("-",)
    assert selection.remarks == ["label '-': read as no label; if it is a class: --set task.labels=-"]
    problems = [record.problem for record in task.read([corpus])]
    assert (problems.count("no label, written '-'"), problems.count("no label"), problems.count("")) == (4, 4, 12)
    task, selection = selected(corpus, labels=("-", "entailment", "neutral", "contradiction"))
    assert (task.missing, selection.remarks) == (
        (),
        ["label '-': learned as a class; if it means no label: --missing=-"],
    )
    task, _ = selected(corpus, missing=("neutral",))
    assert task.missing == ("neutral",)


def test_remarks_on_labels(tmp_path: Path) -> None:
    corpus = write_csv(tmp_path, "review,rating", [f"so it goes {n},{n % 10 / 2}" for n in range(60)])
    assert selected(corpus)[1].remarks == ["the labels are numbers; they are learned as classes, without their order"]
    corpus = write_csv(tmp_path, "text,label", [f"so it goes {n},{('Good', 'good', 'bad')[n % 3]}" for n in range(60)])
    assert selected(corpus)[1].remarks == [
        "labels that differ by case only: 'Good', 'good'; they are learned as different classes"
    ]
    corpus = write_csv(tmp_path, "message,sentiment", [f"so it goes {n},{n % 4 - 1}" for n in range(60)])
    task, selection = selected(corpus)
    assert task.missing == ()
    assert selection.remarks == ["label '-1': learned as a class; if it means no label: --missing=-1"]


def test_the_layout_is_named(tmp_path: Path) -> None:
    corpus = write_csv(tmp_path, "instruction,input,output,id", numbered("Do N.,so it goes,done N,N"))
    _, selection = selected(corpus)
    assert selection.taken == {"prompt": "instruction+input", "completion": "output"}
    assert (selection.left_out, selection.remarks) == (["id"], ["recognized as Alpaca"])
    _, selection = selected(corpus, columns=("prompt=instruction",))
    assert (selection.left_out, selection.remarks) == (["input", "id"], [])
    _, selection = selected(corpus, template="{instruction} {output}")
    assert selection.lines() == [f"{corpus}: columns prompt=instruction, completion=output; left out: input, id"]


@pytest.mark.parametrize("ending", [".csv", ".tsv"])
def test_a_header_among_the_rows(ending: str, tmp_path: Path) -> None:
    separator = {".csv": ",", ".tsv": "\t"}[ending]
    rows = [row.replace(",", separator) for row in (*numbered("so good N,MOOD", 3), "tweet,sentiment", "bad,sad")]
    corpus = [write_csv(tmp_path, f"tweet{separator}sentiment", rows, ending)]
    problems = [record.problem for record in Finetune().infer_task(corpus).read(corpus)]
    assert problems == ["", "", "", "the header again", ""]
    columns = ("text=0", "label=1")
    problems = [record.problem for record in Finetune(columns=columns).infer_task(corpus).read(corpus)]
    assert problems == ["the header again", "", "", "", "the header again", ""]


def test_a_first_row_that_may_be_a_header(tmp_path: Path) -> None:
    corpus = write_csv(tmp_path, "Kommentar,Wertung", numbered("so it goes N,MOOD"))
    _, selection = selected(corpus, columns=("text=0", "label=1"))
    remark = "label 'Wertung' occurs only in the first row; if that is a header, name the columns as it does"
    assert selection.remarks == [remark]
    _, selection = selected(corpus, columns=("text=Kommentar", "label=Wertung"))
    assert selection.remarks == []


def test_columns_without_a_name_and_other_labels(tmp_path: Path) -> None:
    corpus = write_csv(tmp_path, ",text,label,topic", [f"{n},so {n},{MOODS[n % 2]},{'xyz'[n % 3]}" for n in range(40)])
    _, selection = selected(corpus)
    assert selection.left_out == ["", "topic"]
    assert selection.remarks == ["columns that look like labels are left out: 'topic'"]
    joined = write_csv(
        tmp_path, "first,second,label", [f"a {n},b {n},{n / 7:.2f}" for n in range(40)] + ["first,second,label"]
    )
    with pytest.raises(DataError, match="scores are not learned"):
        Finetune().infer_task([joined])
