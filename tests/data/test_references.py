"""More references of a corpus: text files line by line, or columns of a table."""

from itertools import islice
from pathlib import Path

import pytest

from gpt2kit.data.references import more_references
from gpt2kit.errors import DataError, UserError


def write(path: Path, *lines: str) -> str:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return str(path)


def test_without_names_there_are_none() -> None:
    assert list(islice(more_references((), [("a.en", "a.fr")]), 3)) == [(), (), ()]


def test_text_files_are_read_line_by_line(tmp_path: Path) -> None:
    corpus = (write(tmp_path / "a.en", "one", "two"), write(tmp_path / "a.fr", "un", "deux"))
    names = [write(tmp_path / "b.fr", "une", ""), write(tmp_path / "c.fr", "1", "2")]
    assert list(more_references(names, [corpus])) == [("une", "1"), ("", "2")]


def test_columns_of_a_table(tmp_path: Path) -> None:
    table = write(tmp_path / "a.csv", "en,fr,fr2,fr3", "one,un,une,1")
    assert list(more_references(("fr2", "fr3"), [(table,)])) == [("une", "1")]


def test_what_does_not_fit_is_refused(tmp_path: Path) -> None:
    corpus = (write(tmp_path / "a.en", "one", "two"), write(tmp_path / "a.fr", "un", "deux"))
    short = write(tmp_path / "b.fr", "une")
    with pytest.raises(DataError, match=r"b\.fr has 1 line, but .*a\.fr has 2: line n of each file"):
        more_references([short], [corpus])
    with pytest.raises(DataError, match="no such file"):
        more_references([str(tmp_path / "no.fr")], [corpus])
    with pytest.raises(UserError, match="score one corpus at a time, not 2"):
        more_references([short], [corpus, corpus])
    with pytest.raises(UserError, match="a text file is needed"):
        more_references(["b.tsv"], [corpus])
