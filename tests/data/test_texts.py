"""Documents of plain text: parts whose tokens are those of the whole, and what is no text."""

import gzip
from pathlib import Path

import pytest

from gpt2kit.data import texts
from gpt2kit.data.bpe import Bpe
from gpt2kit.data.shards import expand
from gpt2kit.data.texts import ACCEPTED, Part, is_text_or_table, read_texts
from gpt2kit.errors import DataError

WORDS = "  The robot must\n\n\n obey  the orders given\tit,\n   and don't   look\u00a0 back \n1234 \n"


@pytest.fixture
def small_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(texts, "PART", 7)
    monkeypatch.setattr(texts, "SHORTEST", 7)
    monkeypatch.setattr(texts, "LONGEST_WORD", 40)


def parts(path: Path | str, column: str = "") -> list[Part]:
    return list(read_texts(expand(str(path), ACCEPTED, is_text_or_table), column))


@pytest.mark.usefixtures("small_parts")
@pytest.mark.parametrize(
    "text", [WORDS * 5, "x" * 39 + " y", " " * 30 + "end", "a b" * 50, "\n\n\n", "a", "中文 日本語 " * 9]
)
def test_the_tokens_of_parts_are_those_of_the_whole(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text(text, encoding="utf-8", newline="")
    found = parts(path)
    assert "".join(part.text for part in found) == text
    assert [part.begins for part in found] == [True] + [False] * (len(found) - 1)
    assert [part.end for part in found] == sorted(part.end for part in found)
    assert found[-1].end == 1
    bpe = Bpe.train(iter([WORDS, text] * 3), 400, ())
    whole = bpe.encode([text])[0]
    assert [id for part in found for id in bpe.encode([part.text])[0]] == whole


@pytest.mark.usefixtures("small_parts")
def test_a_word_without_an_end_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("x" * 1000, encoding="utf-8")
    found = parts(path)
    assert "".join(part.text for part in found) == "x" * 1000
    assert max(len(part.text) for part in found) <= 7 + 40


@pytest.mark.usefixtures("small_parts")
def test_no_document_begins_with_a_blank_part(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("\n" * 500 + "text that goes on", encoding="utf-8")
    found = parts(path)
    assert found[0].text.startswith("\n" * 500 + "text")
    assert all(part.document == found[0].text for part in found)
    assert len(found) > 1


def test_a_file_of_one_line_is_held_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("word " * 400_000, encoding="utf-8")
    found = parts(path)
    assert len(found) >= texts.PARTS
    assert max(len(part.text) for part in found) <= texts.PART


def test_line_ends_and_a_byte_order_mark(tmp_path: Path) -> None:
    """Also where a block of what is read ends between the two characters of a line's end."""
    for padding in range(3):
        filler = "x" * (2**18 - 4 - padding)
        path = tmp_path / "a.txt"
        path.write_bytes(f"\ufeff{filler}\r\nb\rc\r\n\ufeffd\r".encode())
        assert "".join(part.text for part in parts(path)) == f"{filler}\nb\rc\n\ufeffd\r"


def test_packed_files_and_folders(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "b.txt").write_text("second", encoding="utf-8")
    (tmp_path / "deep" / "c.md").write_text("third", encoding="utf-8")
    (tmp_path / "a.TXT.gz").write_bytes(gzip.compress(b"first"))
    (tmp_path / "e.jsonl").write_text('{"text": "fifth"}\n{"text": "sixth"}\n', encoding="utf-8")
    (tmp_path / "picture.png").write_bytes(b"\x89PNG\0")
    (tmp_path / "deep" / "loop").symlink_to(tmp_path)
    found = parts(tmp_path)
    assert [part.text for part in found] == ["first", "second", "third", "fifth", "sixth"]
    assert all(part.begins and part.end == 0 for part in found), "several documents are not split at the end of one"


def test_columns(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"title": "t", "body": "b", "n": 1}\n{"title": "u", "body": null, "n": 2}\n', encoding="utf-8")
    assert [part.text for part in parts(path, "body")] == ["b", ""]
    with pytest.raises(
        DataError,
        match=r"a.jsonl:1: cannot tell which of the columns 'title', 'body', 'n' is the text.* --column title",
    ):
        parts(path)
    with pytest.raises(DataError, match="no column 'bodi'; the columns are 'title', 'body', 'n'; did you mean 'body'"):
        parts(path, "bodi")
    path.write_text('{"body": "b", "n": 1}\n', encoding="utf-8")
    assert parts(path) == [Part("b", f"{path}:1")]
    table = tmp_path / "a.tsv"
    table.write_text("first line\nsecond\n", encoding="utf-8")
    with pytest.raises(DataError, match="choose it, as in --column 'first line'"):
        parts(table)
    assert [part.text for part in parts(table, "0")] == ["first line", "second"]
    plain = tmp_path / "a.txt"
    plain.write_text("x", encoding="utf-8")
    assert [part.text for part in parts(plain, "body")] == ["x"], "what a run was prepared with is for its tables"


def test_what_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    filler = b"word " * 60_000 + b"\n"
    path.write_bytes(filler + b"caf\xe9 noir")
    with pytest.raises(
        DataError, match=rf"a.txt:2: byte 0xe9 is not UTF-8 .*, {len(filler) + 3:,} bytes into the file"
    ):
        parts(path)
    path.write_bytes(filler + "é".encode()[:1])
    with pytest.raises(DataError, match=rf"a.txt:2: byte 0xc3 is not UTF-8 .*, {len(filler):,} bytes into the file"):
        parts(path)
    path.write_bytes(filler + b"a\nb\0c")
    with pytest.raises(DataError, match=r"a.txt:3: a NUL byte"):
        parts(path)
    with pytest.raises(DataError, match="no such file"):
        parts(tmp_path / "b.txt")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no files to read in this folder; accepted: a text file, a folder"):
        parts(tmp_path / "empty")


def test_an_empty_file_has_no_parts(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.touch()
    assert parts(path) == []


def test_documents_of_one_file(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one two\n<|endoftext|>\nthree\n\nfour<|endoftext|>\n", encoding="utf-8")
    found = list(read_texts([str(path)], separator="<|endoftext|>"))
    assert [(part.text, part.begins, part.end) for part in found] == [("one two", True, 0), ("three\n\nfour", True, 0)]
    assert found[1].name == f"{path}, document 2"
    assert [part.text for part in read_texts([str(path)] * 2, separator="\n\n")] == [
        "one two\n<|endoftext|>\nthree",
        "four<|endoftext|>",
    ] * 2


def test_a_file_without_the_separator_is_one_document(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("one two\nthree", encoding="utf-8")
    assert list(read_texts([str(path)], separator="--")) == list(read_texts([str(path)]))
    assert [part.text for part in read_texts([str(path)] * 2, separator="--")] == ["one two\nthree"] * 2


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_a_table_without_a_header(tmp_path: Path, name: str) -> None:
    """Its first text is not taken for the name of the column."""
    separator = "," if name == "a.csv" else "\t"
    path = tmp_path / name
    path.write_text("The first text is here.\nThe second one, too.\n".replace(", ", " "), encoding="utf-8")
    with pytest.raises(DataError, match=r"without a header, count the columns from 0, as in --column 0$"):
        list(read_texts([str(path)]))
    assert [part.text for part in read_texts([str(path)], "0")] == ["The first text is here.", "The second one too."]
    path.write_text(f"good{separator}One text\nbad{separator}Another\n", encoding="utf-8")
    with pytest.raises(
        DataError, match=r"cannot tell .*; without a header, count the columns from 0, as in --column 0$"
    ):
        list(read_texts([str(path)]))


def test_the_only_text_next_to_numbers_and_addresses(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("index,sentence,link\n0,so it goes,https://a.org\n1,on,https://b.org\n", encoding="utf-8")
    assert [part.text for part in parts(path)] == ["so it goes", "on"]
    path.write_text("id,Text,lines\n0,so it goes,more of it\n", encoding="utf-8")
    assert [part.text for part in parts(path)] == ["so it goes"]


def test_several_columns_that_may_be_the_text(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("id,name,song text\nx1,Jo,so it goes\n", encoding="utf-8")
    with pytest.raises(DataError, match="as none is called 'text'; choose it, as in --column 'song text';"):
        parts(path)
    assert [part.text for part in parts(path, "song text")] == ["so it goes"]
    path.write_text("Text,text\nso,it goes\n", encoding="utf-8")
    with pytest.raises(DataError, match="as several are called 'text'; choose it, as in --column text;"):
        parts(path)
