"""Which columns of a table are read, and which are left out."""

from pathlib import Path

import pytest

from gpt2kit.data.articles import select_articles
from gpt2kit.data.columns.selection import Selection, select
from gpt2kit.data.texts import select_text


def write(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_the_columns_of_a_table(tmp_path: Path) -> None:
    table = write(tmp_path / "a.csv", ",text,stars\n0,one,5\n")
    (found,) = select(table, lambda row, where: {"text": "text"})
    assert found == Selection(table, {"text": "text"}, ["", "stars"])
    assert found.lines() == [f"{table}: columns text=text; left out: (unnamed), stars"]
    assert found.json() == {"table": table, "taken": {"text": "text"}, "left_out": ["", "stars"], "remarks": ()}
    assert select(write(tmp_path / "b.csv", "text\n"), lambda row, where: {"text": "text"}) == []


def test_a_column_that_is_no_text(tmp_path: Path) -> None:
    table = write(tmp_path / "a.csv", "text,body\n1,one\n2,two\n3,three\n")
    (found,) = select_text([table])
    assert found.remarks == (
        "column 'text' looks like numbers, as of an index; name another one if it is not the text",
    )
    assert select_text([table], "body")[0].remarks == ()


def test_texts(tmp_path: Path) -> None:
    table = write(tmp_path / "a.jsonl", '{"id": 1, "body": "one", "n": 2}\n')
    assert select_text([table]) == [Selection(table, {"text": "body"}, ["id", "n"])]
    assert select_text([table], "body") == [Selection(table, {"text": "body"}, ["id", "n"])]
    headerless = write(tmp_path / "b.tsv", "one\ttwo\n")
    assert select_text([headerless], "1") == [Selection(headerless, {"text": "1"}, ["0"])]
    assert select_text([write(tmp_path / "c.txt", "text")]) == []


@pytest.mark.parametrize(
    ("columns", "taken", "left_out"),
    [
        ((), {"title": "title", "document": "document", "summary": "summary"}, ["id"]),
        (("document", "title"), {"document": "document", "summary": "title"}, ["id", "summary"]),
    ],
)
def test_articles(tmp_path: Path, columns: tuple[str, ...], taken: dict[str, str], left_out: list[str]) -> None:
    table = write(tmp_path / "a.csv", "id,title,document,summary\n1,a,b,c\n")
    assert select_articles(table, columns) == [Selection(table, taken, left_out)]
    assert select_articles("dump.xml") == []
