"""Reading articles from tables: which columns are taken, and what an error says."""

import bz2
import gzip
import json
import lzma
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow
import pyarrow.parquet
import pytest

from gpt2kit.data.article import Article
from gpt2kit.data.articles import is_dump, read_articles, read_documents
from gpt2kit.data.lines import unpacked_name
from gpt2kit.data.sources import is_table, read_pairs
from gpt2kit.errors import DataError

PACK: dict[str, Callable[[bytes], bytes]] = {".gz": gzip.compress, ".xz": lzma.compress, ".bz2": bz2.compress}
ROW = {"title": "Heron", "body": "It stands in the pond.", "lead": "A bird."}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, str], str]:
    """`write(name, text)`: a file, packed as its name says."""

    def to_file(name: str, text: str) -> str:
        path = tmp_path / name
        path.write_bytes(PACK.get(path.suffix, bytes)(text.encode()))
        return str(path)

    return to_file


Write = Callable[[str, str], str]


def refusal(word: str, columns: tuple[str, ...] = ()) -> str:
    with pytest.raises(DataError) as caught:
        list(read_articles(word, columns))
    return str(caught.value)


@pytest.mark.parametrize("ending", ["jsonl", "json", "jsonl.gz", "jsonl.xz", "json.bz2"])
def test_json_lines(write: Write, ending: str) -> None:
    path = write(f"a.{ending}", "\n" + json.dumps(ROW) + "\n")
    assert list(read_articles(path)) == [
        Article("Heron", "It stands in the pond.", "A bird.", problem=None, name=f"{path}:2")
    ]


@pytest.mark.parametrize(
    ("document", "summary"),
    [
        ("body", "lead"),
        ("document", "summary"),
        ("article", "highlights"),
        ("text", "summary"),
        ("source", "target"),
    ],
)
@pytest.mark.parametrize("title", [{}, {"title": "Heron"}])
def test_well_known_columns(write: Write, document: str, summary: str, title: dict[str, str]) -> None:
    row = {"id": "7", summary: "short", **title, document: "long"}
    expected = (title.get("title", ""), "long", "short")
    for path in (
        write("a.jsonl", json.dumps(row)),
        write("a.csv", ",".join(row) + "\n" + ",".join(row.values())),
        write("a.tsv.bz2", "\t".join(row) + "\n" + "\t".join(row.values())),
    ):
        assert [article[:3] for article in read_articles(path)] == [expected]
        assert [article.id for article in read_articles(path)] == ["" if ".tsv" in path else "7"]


def test_named_columns(write: Write) -> None:
    path = write("a.jsonl", '{"headline": "H", "story": "S", "gist": "G", "body": "B", "lead": "L"}')
    assert next(read_articles(path, ("story", "gist")))[:3] == ("", "S", "G")
    assert next(read_articles(path, ("headline", "story", "gist")))[:3] == ("H", "S", "G")
    table = write("a.tsv", "H\tS\tG\n")
    assert next(read_articles(table, ("0", "1", "2"))) == Article("H", "S", "G", name=f"{table}:1")


@pytest.mark.parametrize("columns", [("body",), ("id", "title", "body", "lead")])
def test_a_wrong_number_of_columns(columns: tuple[str, ...]) -> None:
    with pytest.raises(
        DataError, match=rf"^expected 2 or 3 columns, found {len(columns)} .*--columns document,summary or"
    ):
        read_articles("a.jsonl", columns)


def test_columns_that_no_one_knows(write: Write) -> None:
    path = write("a.csv", "story,gist\nS,G\n")
    assert refusal(path) == (
        f"{path}:2: cannot tell which columns are document and summary: 'story', 'gist' include none of the usual "
        "pairs (body/lead, document/summary, article/highlights, text/summary, source/target); name them with "
        "--columns document,summary or --columns title,document,summary"
    )
    table = write("a.tsv", "story\tgist\nS\tG\n")
    assert refusal(table).startswith(f"{table}:1: cannot tell which columns are document and summary: ")


def test_a_missing_column(write: Write) -> None:
    path = write("a.jsonl", json.dumps(ROW) + '\n{"title": "Heron", "body": "x", "leed": "y"}\n')
    assert refusal(path) == f"{path}:2: no column 'lead'; the columns are 'title', 'body', 'leed'; did you mean 'leed'?"
    table = write("a.tsv", "title\tbody\tlead\nH\tB\tL\n")
    message = f"{table}:1: no column 'summary'; the columns are 'title', 'body', 'lead'"
    assert refusal(table, ("body", "summary")) == message
    message = f"{table}:1: expected at least 6 columns separated by tabs, found 3: 'title\\tbody\\tlead'"
    assert refusal(table, ("0", "5")) == message


@pytest.mark.parametrize("document", ["body", "document", "article", "text", "source"])
def test_documents_without_summaries(write: Write, document: str) -> None:
    row = {"id": "7", "title": "Heron", document: "long"}
    path = write("a.jsonl", json.dumps(row))
    assert list(read_documents(path)) == [Article("Heron", "long", "", name=f"{path}:1", id="7")]
    table = write("a.tsv", f"{document}\nlong\n")
    assert list(read_documents(table)) == [Article("", "long", "", name=f"{table}:2")]
    assert next(read_documents(path, ("title",)))[:3] == ("", "Heron", "")


def test_documents_are_those_of_the_articles(write: Write) -> None:
    """Where several well-known columns are there, those of a pair are meant."""
    path = write("a.jsonl", '{"body": "B", "text": "T", "summary": "S", "title": "H"}')
    assert next(read_articles(path))[:3] == ("H", "T", "S")
    assert next(read_documents(path))[:3] == ("H", "T", "")


def test_documents_that_no_one_knows(write: Write) -> None:
    path = write("a.csv", "story\nS\n")
    with pytest.raises(DataError) as caught:
        list(read_documents(path))
    assert str(caught.value) == (
        f"{path}:2: cannot tell which column is the document: none of 'story' is one of the usual names (body, "
        "document, article, text, source); name it with --columns document"
    )
    with pytest.raises(
        DataError, match=r"^expected 1 to 3 columns, found 4 .*; accepted: --columns document, --columns document,sum"
    ):
        read_documents(path, ("a", "b", "c", "d"))


def test_null_and_empty_values_are_empty_texts(write: Write) -> None:
    path = write("a.jsonl", '{"title": null, "body": "", "lead": "L"}\n{"title": "T", "body": "B", "lead": null}\n')
    assert [article[:3] for article in read_articles(path)] == [("", "", "L"), ("T", "B", "")]


def test_what_an_id_may_be(write: Write) -> None:
    ids = ["7", 7, 0, None, ["x"], ""]
    path = write("a.jsonl", "".join(json.dumps(ROW | {"id": id}) + "\n" for id in ids))
    assert [article.id for article in read_articles(path)] == ["7", "7", "0", "", "", ""]


def test_a_value_of_another_type(write: Write) -> None:
    path = write("a.jsonl", json.dumps(ROW) + "\n" + json.dumps(ROW | {"lead": ["A", "bird."]}))
    assert refusal(path) == f"{path}:2: column 'lead' contains ['A', 'bird.'] (list); a string or null is accepted"


def test_broken_json_names_its_line(write: Write) -> None:
    path = write("a.jsonl.bz2", (json.dumps(ROW) + "\n") * 6 + '{"title": "Heron", \n')
    articles = read_articles(path)
    assert len([next(articles) for _ in range(6)]) == 6
    with pytest.raises(DataError, match=r"a.jsonl.bz2:7: expected one JSON object per line, found "):
        next(articles)


@pytest.mark.parametrize("ending", [".gz", ".xz", ".bz2"])
def test_a_damaged_file(write: Write, tmp_path: Path, ending: str) -> None:
    rows = "".join(json.dumps(ROW | {"title": f"Heron {n * n}"}) + "\n" for n in range(3000))
    whole = Path(write(f"a.jsonl{ending}", rows)).read_bytes()
    path = tmp_path / f"bad.jsonl{ending}"
    for raw in (whole[:-100], whole[:-8] + bytes(8), b"plain text\n"):
        path.write_bytes(raw)
        assert refusal(str(path)).startswith(f"{path}: damaged, truncated or not compressed as its name says: ")


def test_pairs_too_come_from_bz2(write: Write) -> None:
    source, target = write("a.en.bz2", "one\n"), write("a.fr.bz2", "un\n")
    assert list(read_pairs([source, target])) == list(read_pairs([write("a.tsv.bz2", "one\tun\n")])) == [("one", "un")]


def test_parquet(tmp_path: Path) -> None:
    path = str(tmp_path / "a.parquet")
    pyarrow.parquet.write_table(pyarrow.table({"document": ["long", None], "summary": ["short", "s"]}), path)
    assert list(read_articles(path)) == [
        Article("", "long", "short", name=f"{path}: row 1"),
        Article("", "", "s", name=f"{path}: row 2"),
    ]


def test_long_and_foreign_texts_come_back_as_they_went_in(write: Write) -> None:
    body = "word " * 20_000 + "機械翻訳。\n二行目\u2028"
    path = write("a.jsonl", json.dumps(ROW | {"body": body, "lead": "鷺は鳥である。"}, ensure_ascii=False))
    assert next(read_articles(path))[1:3] == (body, "鷺は鳥である。")


@pytest.mark.parametrize("word", ["no/such.jsonl", "no/such.tsv", "no/such.parquet", "no/such.xml.bz2"])
def test_a_missing_file_is_told_when_called(word: str) -> None:
    with pytest.raises(DataError, match=f"^{word}: no such file$"):
        read_articles(word)


@pytest.mark.parametrize("word", ["a.txt", "a", "", "a.xml.zip", "a.jsonl.bak"])
def test_a_word_that_is_neither_table_nor_dump(word: str) -> None:
    with pytest.raises(
        DataError, match=r"cannot be read as articles; accepted: a table \(.tsv .csv .* dump .*, or a folder"
    ):
        read_articles(word)


def test_a_dump_has_no_columns() -> None:
    with pytest.raises(DataError, match=r"^a\.xml: a dump has no columns; --columns is for tables"):
        read_articles("a.xml", ("body", "lead"))


def test_endings() -> None:
    assert all(map(is_dump, ["a.xml", "a.XML.BZ2", "b/a.xml.gz", "a.b.xml.xz"]))
    assert not any(map(is_dump, ["a.xml.zip", "a.jsonl", "xml.bz2", "a.xml/b", "hf:a/b.xml"]))
    assert is_table("a.JSONL.BZ2")
    assert [unpacked_name(name) for name in ("a.en.bz2", "a.tsv.GZ", "a.xz.b", "a")] == ["a.en", "a.tsv", "a.xz.b", "a"]


def test_tables_need_no_parser_of_markup(write: Write) -> None:
    path = write("a.jsonl", json.dumps(ROW))
    code = (
        "import sys; from gpt2kit.data.articles import read_articles\n"
        f"print(len(list(read_articles({path!r}))))\n"
        "print(sorted({'mwparserfromhell', 'datasets', 'pyarrow', 'torch', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.stdout == "1\n[]\n", done.stderr


# Real data


def test_wikipedia(shared_data: Callable[[str], Path]) -> None:
    path = str(shared_data("wikipedia/val.jsonl.xz"))
    articles = list(read_articles(path))
    assert len(articles) == 500
    assert [article.name for article in articles] == [f"{path}:{number}" for number in range(1, 501)]
    assert all(article.title and article.body and article.lead and article.problem is None for article in articles)
    assert sum(article.body.startswith("== ") for article in articles) > 400


def test_scitldr(shared_data: Callable[[str], Path]) -> None:
    articles = list(read_articles(str(shared_data("scitldr/dev.jsonl.gz"))))
    assert len(articles) == 619
    assert all(article.title and len(article.body) > len(article.lead) > 0 for article in articles[:5])


def test_a_table_without_a_header_is_told_how_to_count(write: Write) -> None:
    path = write("a.csv", '"A long text, and its end.","A text."\n"Another long text, with an end.","More."\n')
    assert refusal(path).endswith("; without a header, count the columns from 0, as in --columns 0,1")
    assert [article.lead for article in read_articles(path, ("0", "1"))] == ["A text.", "More."]


def test_the_longest_texts_are_proposed(write: Write) -> None:
    path = write("a.csv", "title,abstract,main part\nOn it,So it goes.,So it goes and goes on.\n")
    with pytest.raises(DataError, match=r"; as in --columns 'main part,abstract'$"):
        list(read_articles(path))
