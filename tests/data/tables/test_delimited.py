"""How a table is separated, which columns it has, and what is refused; as rows of `read_rows`."""

from pathlib import Path

import pytest

from gpt2kit.data.sources import index_columns, read_fields, read_rows, table_remarks
from gpt2kit.errors import DataError


def written(folder: Path, name: str, text: str) -> str:
    path = folder / name
    path.write_text(text, encoding="utf-8", newline="")
    return str(path)


def rows(path: str, header: bool = True) -> list[dict[str, object]]:
    return [row for _, row in read_rows(path, header)]


def refusal(path: str, header: bool = True) -> str:
    with pytest.raises(DataError) as caught:
        rows(path, header)
    return str(caught.value)


EXPECTED = [{"text": "Fine, really", "label": "good"}, {"text": "Bad; very", "label": "bad"}]


@pytest.mark.parametrize(
    ("name", "text", "remark"),
    [
        ("a.csv", 'text,label\n"Fine, really",good\nBad; very,bad\n', []),
        ("a.tsv", "text\tlabel\nFine, really\tgood\nBad; very\tbad\n", []),
        ("a.csv", 'sep=,\ntext,label\n"Fine, really",good\nBad; very,bad\n', [":1: columns are separated by commas"]),
        ("a.csv", '"sep=;"\r\ntext;label\r\nFine, really;good\r\n"Bad; very";bad\r\n', ["semicolons, as this line"]),
        ("a.csv", "\ufeffSEP=\t\ntext\tlabel\nFine, really\tgood\nBad; very\tbad\n", ["by tabs, as this line says"]),
        ("a.csv", 'sep=^\ntext^label\n"Fine, really"^good\nBad; very^bad\n', ["by '^', as this line says"]),
        ("a.tsv", "sep=\t\ntext\tlabel\nFine, really\tgood\nBad; very\tbad\n", ["by tabs, as this line says"]),
        ("a.tsv", 'sep=;\ntext;label\nFine, really;good\n"Bad; very";bad\n', ["by semicolons, as this line says"]),
        ("a.csv", 'text;label\nFine, really;good\n"Bad; very";bad\n', [": columns are separated by semicolons"]),
        (
            "a.csv",
            '"text";"label"\n"Fine, really";"good"\n"Bad; very";"bad"\n',
            [": columns are separated by semicolons"],
        ),
        ("a.csv", "text\tlabel\nFine, really\tgood\nBad; very\tbad\n", [": columns are separated by tabs"]),
        ("a.csv", "text|label\nFine, really|good\nBad; very|bad\n", [": columns are separated by vertical bars"]),
        ("a.tsv", 'text,label\n"Fine, really",good\nBad; very,bad\n', [": columns are separated by commas"]),
        ("a.tsv", 'text;label\nFine, really;good\n"Bad; very";bad\n', [": columns are separated by semicolons"]),
        ("a.csv", ' text ,"label"\n"Fine, really",good\nBad; very,bad\n', []),
        (
            "a.csv",
            ',text,label\n0,"Fine, really",good\n1,Bad; very,bad\n',
            [],
        ),
        ("a.csv", 'Unnamed: 0,text,label\n0,"Fine, really",good\n1,Bad; very,bad\n', []),
        ("a.tsv", "\ttext\tlabel\n0\tFine, really\tgood\n1\tBad; very\tbad\n", []),
        ("a.csv", 'text,label,\n"Fine, really",good,\nBad; very,bad,\n', []),
        ("a.csv", ',,text,label\n0,0,"Fine, really",good\n0,1,Bad; very,bad\n', []),
    ],
)
def test_the_same_rows(tmp_path: Path, name: str, text: str, remark: list[str]) -> None:
    path = written(tmp_path, name, text)
    assert rows(path) == EXPECTED
    found = table_remarks(path)
    assert len(found) == len(remark)
    assert all(expected in line for expected, line in zip(remark, found, strict=True))


@pytest.mark.parametrize(
    ("header", "left_out"),
    [(",text", [""]), ("Unnamed: 0,text", ["Unnamed: 0"]), ("text,", [""]), (",,text", ["", ""]), ("id,text", [])],
)
def test_columns_without_a_name_are_said_to_be_left_out(tmp_path: Path, header: str, left_out: list[str]) -> None:
    assert index_columns(written(tmp_path, "a.csv", f"{header}\n")) == left_out
    assert index_columns(written(tmp_path, "a.tsv", header.replace(",", "\t") + "\n")) == left_out


def test_a_separator_of_texts_is_no_separator_of_columns(tmp_path: Path) -> None:
    assert rows(written(tmp_path, "a.csv", "text\none; two\nthree; four\n")) == [
        {"text": "one; two"},
        {"text": "three; four"},
    ]
    assert rows(written(tmp_path, "a.tsv", "text\none, two\n")) == [{"text": "one, two"}]
    assert rows(written(tmp_path, "a.csv", "Hello, you;Salut, toi\nNo, no;Non, non\n"), header=False) == [
        {"0": "Hello, you", "1": "Salut, toi"},
        {"0": "No, no", "1": "Non, non"},
    ]
    assert rows(written(tmp_path, "b.csv", "text, label\na; b, c\n")) == [{"text": "a; b", "label": " c"}]


@pytest.mark.parametrize("name", ["a.csv", "a.tsv"])
def test_two_columns_of_one_name_are_refused(tmp_path: Path, name: str) -> None:
    separator = "," if name == "a.csv" else "\t"
    path = written(tmp_path, name, separator.join(["id", "text", "label", " text"]) + "\n" + separator.join("abcd"))
    assert refusal(path) == f"{path}:1: two columns are called 'text': the columns 2 and 4 of 4; rename one"


def test_numbers_name_the_columns_of_a_table_without_a_header(tmp_path: Path) -> None:
    for name, text in (("a.csv", "1;Fine;1\n"), ("a.tsv", "1\tFine\t1\n")):
        assert rows(written(tmp_path, name, text), header=False) == [{"0": "1", "1": "Fine", "2": "1"}]
    assert rows(written(tmp_path, "b.csv", ",0,1\n0,Fine,1\n"), header=False) == [{"0": "Fine", "1": "1"}], "pandas'"
    assert refusal(written(tmp_path, "c.csv", "a;b\nc\n"), header=False).endswith(
        ":2: 1 fields, but the first row has 2: 'c'; a field that contains a semicolon needs quotes"
    )


@pytest.mark.parametrize(("name", "separator"), [("a.tsv", "\t"), ("a.csv", ",")])
def test_columns_by_number_leave_out_a_certain_header(tmp_path: Path, name: str, separator: str) -> None:
    path = written(tmp_path, name, f"label{separator}text\ngood{separator}Fine\n")
    assert rows(path, header=False) == [{"0": "good", "1": "Fine"}]
    assert [fields.values for fields in read_fields(path, ("1",))] == [["Fine"]]
    assert table_remarks(path, header=False) == [f"{path}:1: read as a header: 'label', 'text'"]


def test_lines_are_counted_in_the_file(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", 'sep=;\ntext;label\n"a\nb";c\nd\n')
    found = read_rows(path)
    assert next(found) == (f"{path}:3", {"text": "a\nb", "label": "c"})
    with pytest.raises(DataError, match=r"a\.csv:5: 1 fields, but the header has 2 \('text', 'label'\): 'd'"):
        next(found)
