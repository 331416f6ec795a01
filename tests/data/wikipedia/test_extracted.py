"""Articles as wikiextractor writes them: the first paragraph is the lead."""

import json
from pathlib import Path

import pytest

from gpt2kit.data.articles import ACCEPTED, SPLIT, has_articles, read_articles, read_documents, select_articles
from gpt2kit.data.shards import expand
from gpt2kit.data.wikipedia.extracted import whole_article
from gpt2kit.errors import DataError

ROW = {"id": "7", "url": "u", "title": "House", "text": "House\n\nA house is a home.\n\nIt has a door.\nIt has a roof."}


@pytest.mark.parametrize(
    ("text", "lead", "body"),
    [
        ("A house.\n\nIt has a door.\nA roof.", "A house.", "It has a door.\nA roof."),
        ("House\n\nA house.\n\nA door.", "A house.", "A door."),
        ("A house.\nA home.\n== Door ==\nRed.", "A house.\nA home.", "== Door ==\nRed."),
        ("A house.\nA home.\n## Door\nRed.", "A house.\nA home.", "## Door\nRed."),
        ("A house.\nA home.\n=Door=\nRed.", "A house.\nA home.", "=Door=\nRed."),
        ("A house.\n====\nA home.", "A house.", "====\nA home."),
        ("A house.", "A house.", ""),
        ("", "", ""),
    ],
)
def test_the_lead_is_the_first_paragraph_or_all_before_a_heading(text: str, lead: str, body: str) -> None:
    article = whole_article("House", text, "f:1")
    assert (article.lead, article.body) == (lead, body)


@pytest.mark.parametrize("name", ["wiki_00", "a.jsonl", "a.csv"])
def test_tables_of_whole_texts(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    if name == "a.csv":
        path.write_text('title,text\nHouse,"A house is a home.\n\nIt has a door.\nIt has a roof."\n', encoding="utf-8")
    else:
        path.write_text(json.dumps(ROW) + "\n", encoding="utf-8")
    (article,) = read_articles(str(path))
    assert (article.title, article.lead) == ("House", "A house is a home.")
    assert article.body == "It has a door.\nIt has a roof."
    (selection,) = select_articles(str(path))
    assert SPLIT in selection.remarks
    (document,) = read_documents(str(path))
    assert "A house is a home." in document.body


def test_text_and_summary_are_not_split(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(ROW | {"summary": "Short."}) + "\n", encoding="utf-8")
    (article,) = read_articles(str(path))
    assert (article.lead, article.body) == ("Short.", ROW["text"])


def test_files_of_documents_in_folders(tmp_path: Path) -> None:
    (tmp_path / "AA").mkdir()
    first, second = tmp_path / "AA" / "wiki_00", tmp_path / "AA" / "wiki_01"
    first.write_text(
        '<doc id="1" url="u" title="A &amp; B">\nA & B\n\nLead &lt;1&gt;.\n\nBody.\n\n</doc>\n'
        '<doc id="2" url="u" title="C">\nC\n\nLead.\n\nBody of C.\n</doc>\n',
        encoding="utf-8",
    )
    second.write_text(json.dumps(ROW) + "\n", encoding="utf-8")
    (tmp_path / "notes.txt").write_text("nothing\n", encoding="utf-8")
    assert expand(str(tmp_path), ACCEPTED, has_articles) == [str(first), str(second)]
    found = list(read_articles(str(first)))
    assert [(each.title, each.lead, each.body) for each in found] == [
        ("A & B", "Lead <1>.", "Body."),
        ("C", "Lead.", "Body of C."),
    ]
    assert found[1].name == f"{first}:9"
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no files to read in this folder; accepted: a table"):
        expand(str(tmp_path / "empty"), ACCEPTED, has_articles)


def test_a_file_that_is_cut_off_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "wiki_00"
    path.write_text('<doc id="1" url="u" title="A">\nA\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"wiki_00:1: the article 'A' has no </doc>"):
        list(read_articles(str(path)))
    path.write_text('<doc id="1" url="u" title="A">\nA\n</doc>\nmore\n', encoding="utf-8")
    with pytest.raises(DataError, match=r"wiki_00:4: expected <doc \.\.\.>"):
        list(read_articles(str(path)))
