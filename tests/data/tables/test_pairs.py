"""Which columns of a table are a pair: by a header, by languages, by their values; or the user is asked."""

import json
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.data.columns.selection import select_pairs
from gpt2kit.data.sources import open_pairs, pair_paths, read_pairs
from gpt2kit.errors import DataError

PAIRS = [("I see a cat.", "Je vois un chat."), ("I see a dog.", "Je vois un chien."), ("Go.", "Va !")]
SIX = [*PAIRS, *((f"I see {n} cats.", f"Je vois {n} chats.") for n in range(3))]


def write(folder: Path, name: str, rows: list[Any], header: list[str] | None = None, separator: str = "\t") -> str:
    path = folder / name
    if name.endswith("jsonl"):
        text = "".join(json.dumps(row) + "\n" for row in rows)
    else:
        text = "".join(separator.join(row) + "\n" for row in ([header] if header else []) + rows)
    path.write_text(text, encoding="utf-8")
    return str(path)


def pairs(path: str, columns: tuple[str, str] | None = None, language: str = "fr") -> list[tuple[str, str]]:
    return list(read_pairs([path], columns, language))


def refusal(path: str, columns: tuple[str, str] | None = None, language: str = "fr") -> str:
    with pytest.raises(DataError) as caught:
        pairs(path, columns, language)
    return str(caught.value)


HEADERS = [
    ["en", "fr"],
    ["source", "target"],
    ["src", "tgt"],
    ["English", "French"],
    ["eng", "fra"],
    ["en-US", "fr_FR"],
    ["eng_Latn", "fra_Latn"],
    ["text", "translation"],
    ["sentence_en", "sentence_fr"],
    ["english_sentence", "french_sentence"],
    ["#en", "fr"],
    ["anglais", "français"],
    ["sentence1", "sentence2"],
]


@pytest.mark.parametrize("header", HEADERS, ids=",".join)
@pytest.mark.parametrize(("name", "separator"), [("a.tsv", "\t"), ("a.csv", ",")])
def test_a_header_is_no_pair(tmp_path: Path, name: str, separator: str, header: list[str]) -> None:
    path = write(tmp_path, name, [list(pair) for pair in PAIRS], header, separator)
    assert pairs(path) == PAIRS
    (found,) = select_pairs(path, None, "fr")
    assert found.taken == {"source": header[0], "target": header[1]}
    shown = ", ".join(map(repr, header))
    assert found.remarks == ((f"{path}:1: read as a header, not as a pair: {shown}",) if name == "a.tsv" else ())


@pytest.mark.parametrize(
    "first",
    [
        ("French", "français"),
        ("source", "source"),
        ("Hello", "Bonjour"),
        ("I see a cat.", "Je vois un chat."),
        ("en", "dans"),
        ("1", "2"),
        ("yes", "oui"),
    ],
)
def test_a_pair_is_no_header(tmp_path: Path, first: tuple[str, str]) -> None:
    assert pairs(write(tmp_path, "a.tsv", [list(pair) for pair in [first, *PAIRS]])) == [first, *PAIRS]


def test_a_csv_without_a_header(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", [[f'"{source}"', target] for source, target in PAIRS], separator=",")
    assert pairs(path) == PAIRS
    (found,) = select_pairs(path, None, "fr")
    assert found.taken == {"source": "0", "target": "1"}
    assert found.remarks == (
        f"{path}:1: read as a pair, not as a header: 'I see a cat.', 'Je vois un chat.'; if it is a header, name its "
        "columns with --columns SOURCE,TARGET",
    )
    assert pairs(path, ("1", "0")) == [(target, source) for source, target in PAIRS]


def test_the_language_of_the_target_decides_the_direction(tmp_path: Path) -> None:
    reverse = [[target, source] for source, target in PAIRS]
    for name, separator in (("a.tsv", "\t"), ("a.csv", ",")):
        path = write(tmp_path, name, reverse, ["fr", "en"], separator)
        assert pairs(path, language="fr") == PAIRS
        assert pairs(path, language="en") == [(target, source) for source, target in PAIRS]
    rows = [{"id": 1, "fr": target, "en": source} for source, target in PAIRS]
    assert pairs(write(tmp_path, "a.jsonl", rows), language="fr") == PAIRS
    rows = [{"translation": {"fr": target, "en": source}} for source, target in PAIRS]
    assert pairs(write(tmp_path, "a.jsonl", rows), language="fr-FR") == PAIRS


def test_another_language_than_that_of_the_columns_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", [list(pair) for pair in PAIRS], ["en", "de"], ",")
    assert refusal(path) == (
        f"{path}:1: the columns 'en', 'de' are named for languages, but none for 'fr', the language to translate into; "
        "give that of this table, as in --to de, or name the columns, as in --columns en,de"
    )
    assert pairs(path, ("en", "de")) == PAIRS


def test_several_sources_are_asked_about(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", [[*pair, "Ich"] for pair in PAIRS], ["en", "fr", "de"])
    assert refusal(path) == (
        f"{path}:1: cannot tell which of the columns 'en', 'fr', 'de' are source and target; name them, as in "
        "--columns en,fr"
    )
    assert pairs(path, ("en", "fr")) == PAIRS


def test_ids_first_are_not_learned(tmp_path: Path) -> None:
    """As the exports of Tatoeba have them."""
    path = write(tmp_path, "a.tsv", [[str(n), s, str(90 + n), t] for n, (s, t) in enumerate(PAIRS)])
    assert refusal(path) == (
        f"{path}:1: cannot tell which columns are source and target: column 0 looks like numbers, as of an index. The "
        "first row has 0: '0'; 1: 'I see a cat.'; 2: '90'; 3: 'Je vois un chat.'; count the columns from 0, as in "
        "--columns 1,3"
    )
    assert pairs(path, ("1", "3")) == PAIRS
    assert refusal(path, ("2", "4")) == (
        f"{path}:1: no column 4: the 4 columns are counted from 0; did you mean --columns 1,3?"
    )
    (found,) = select_pairs(path, ("1", "3"), "fr")
    assert (found.taken, found.left_out) == ({"source": "1", "target": "3"}, ["0", "2"])


@pytest.mark.parametrize(
    ("columns", "look", "advice"),
    [
        (lambda n, s, t: ["1.05", s, t], "column 0 looks like scores", "--columns 1,2"),
        (lambda n, s, t: ["eng", s, "fra", t], "column 0 looks like language codes", "--columns 1,3"),
        (lambda n, s, t: ["", s, t], "column 0 looks like nothing", "--columns 1,2"),
        (lambda n, s, t: [s, f"{n / 7:.3f}", t], "column 1 looks like scores", "--columns 0,2"),
        (lambda n, s, t: [s, "http://a.org/" + str(n), t], "column 1 looks like addresses or attr", "--columns 0,2"),
        (lambda n, s, t: [f"train_{n:03}", s, t], "column 0 looks like identifiers", "--columns 1,2"),
        (lambda n, s, t: [f"2020-01-{n + 1:02}", s, t], "column 0 looks like dates", "--columns 1,2"),
        (lambda n, s, t: [s, "news", t], "column 1 looks like labels", "--columns 0,2"),
    ],
)
def test_columns_that_are_no_texts_are_named(tmp_path: Path, columns: Any, look: str, advice: str) -> None:
    for name, separator in (("a.tsv", "\t"), ("a.csv", ",")):
        path = write(tmp_path, name, [columns(n, s, t) for n, (s, t) in enumerate(SIX)], separator=separator)
        message = refusal(path)
        assert look in message
        assert message.endswith(f"count the columns from 0, as in {advice}")


def test_a_header_with_an_index_is_asked_about(tmp_path: Path) -> None:
    path = write(tmp_path, "a.csv", [["7", "One."], ["8", "Two."]], ["number", "text"], ",")
    assert "column 'number' looks like numbers, as of an index" in refusal(path)


def test_an_unnamed_index_is_left_out(tmp_path: Path) -> None:
    for header in (["", "left", "right"], ["Unnamed: 0", "en", "fr"]):
        path = write(tmp_path, "a.csv", [[str(n), *pair] for n, pair in enumerate(PAIRS)], header, ",")
        assert pairs(path) == PAIRS
        assert select_pairs(path, None, "fr")[0].left_out == [header[0]]


def test_an_unnamed_index_tells_a_header(tmp_path: Path) -> None:
    rows = [[str(n), *pair] for n, pair in enumerate(PAIRS)]
    path = write(tmp_path, "a.tsv", rows, ["", "left", "right"])
    assert pairs(path) == PAIRS
    assert select_pairs(path, None, "fr")[0].remarks == (
        f"{path}:1: read as a header, not as a pair: '', 'left', 'right'",
    )


def test_attributions_after_the_pair_are_left_out(tmp_path: Path) -> None:
    """As ManyThings has them."""
    origin = "CC-BY 2.0 (France) Attribution: tatoeba.org #2877272 (CM) & #1158250 (Wittydev)"
    path = write(tmp_path, "a.tsv", [[*pair, origin] for pair in PAIRS])
    assert pairs(path) == PAIRS
    assert select_pairs(path, None, "fr")[0].left_out == ["2"]


def test_named_columns_are_taken_as_they_are(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", [["1", "one"], ["2", "two"]], ["id", "en"])
    assert pairs(path, ("id", "en")) == [("1", "one"), ("2", "two")]


def test_a_corpus_of_numbers(tmp_path: Path) -> None:
    assert pairs(write(tmp_path, "a.tsv", [["1", "2"], ["2", "4"]])) == [("1", "2"), ("2", "4")]


def test_a_table_with_one_text(tmp_path: Path) -> None:
    """As Tatoeba has its sentences."""
    path = write(tmp_path, "a.tsv", [[str(n), "eng", source] for n, (source, _) in enumerate(SIX)])
    assert refusal(path).endswith("columns that look like texts: 1, not 2; if these are pairs: --columns 0,1")


def test_a_table_without_a_text_is_said(tmp_path: Path) -> None:
    """As Tatoeba has its links."""
    path = write(tmp_path, "links.csv", [["10", "20"], ["11", "21"]], separator=",")
    assert pairs(path) == [("10", "20"), ("11", "21")]
    assert select_pairs(path, None, "fr")[0].remarks[1:] == tuple(
        f"{path}: column {n} looks like numbers, as of an index" for n in (0, 1)
    )


def test_a_first_line_that_may_be_a_header(tmp_path: Path) -> None:
    rows = [list(pair) for pair in SIX * 2]
    path = write(tmp_path, "a.tsv", rows, ["Satz", "Übersetzung"])
    assert select_pairs(path, None, "fr")[0].remarks == (
        f"{path}:1: read as a pair, not as a header: 'Satz', 'Übersetzung'; if it is a header, name its columns with "
        "--columns 'Satz,Übersetzung'",
    )
    assert len(pairs(path, ("Satz", "Übersetzung"))) == 12
    assert select_pairs(write(tmp_path, "b.tsv", rows), None, "fr")[0].remarks == ()


def test_the_only_two_texts_of_a_header(tmp_path: Path) -> None:
    rows = [[f"s-{n}", *pair, "news"] for n, pair in enumerate(SIX)]
    path = write(tmp_path, "a.csv", rows, ["key", "Satz", "Phrase", "domain"], ",")
    assert pairs(path) == SIX
    assert "--columns Satz,Phrase" in refusal(
        write(tmp_path, "a.csv", [["a b", "b c", "c d"]], ["Satz", "Phrase", "z"], ",")
    )


@pytest.mark.parametrize("name", ["a.tsv", "a.csv"])
def test_two_columns_of_one_name(tmp_path: Path, name: str) -> None:
    separator = "\t" if name == "a.tsv" else ","
    path = write(tmp_path, name, [["a", "b", "c"]], ["en", "fr", "en"], separator)
    assert refusal(path, ("en", "fr")) == f"{path}:1: two columns are called 'en': the columns 1 and 3 of 3; rename one"


def test_other_separators_and_excels_first_line(tmp_path: Path) -> None:
    for begin, separator in (("sep=,\n", ","), ("sep=;\n", ";"), ("", ";"), ("", "\t")):
        path = tmp_path / "a.csv"
        lines = [f"{begin}en{separator}fr", *(f'"{source}"{separator}"{target}"' for source, target in PAIRS)]
        path.write_text("\n".join(lines), encoding="utf-8")
        assert pairs(str(path)) == PAIRS
        assert open_pairs(str(path)).remarks[0].startswith(f"{path}:1: columns" if begin else f"{path}: columns")


def test_json_of_any_form(tmp_path: Path) -> None:
    rows = [{"en": source, "fr": target} for source, target in PAIRS]
    for name, text, remark in (
        ("a.json", json.dumps(rows), "read as a JSON array, one object for each row"),
        ("a.json", json.dumps({"data": rows}), ""),
        ("pairs", "\n".join(map(json.dumps, rows)), "read as JSON lines, by its contents"),
        ("a.txt", json.dumps(rows), "read as a JSON array, one object for each row"),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert pairs(str(tmp_path / name)) == PAIRS
        assert open_pairs(str(tmp_path / name)).remarks == ([f"{tmp_path / name}: {remark}"] if remark else [])


def test_columns_of_the_users_choice_that_seem_to_be_something_else_are_said(tmp_path: Path) -> None:
    path = write(tmp_path, "a.tsv", [[str(n), *pair] for n, pair in enumerate(PAIRS)], ["id", "en", "de"])
    assert select_pairs(path, ("id", "en"), "en")[0].remarks == (
        f"{path}: column 'id' looks like numbers, as of an index",
    )
    assert select_pairs(path, ("en", "de"), "fr")[0].remarks == (
        f"{path}: the targets are column 'de', but the language is 'fr': see --to",
    )
    assert select_pairs(path, ("en", "de"), "de")[0].remarks == ()


def test_a_table_under_another_name_is_named(tmp_path: Path) -> None:
    path = write(tmp_path, "fra.txt", [list(pair) for pair in PAIRS])
    with pytest.raises(
        DataError, match=rf"followed by its translation.* Its lines have tabs: .* name it {path[:-4]}\.tsv"
    ):
        pair_paths([path])
    plain = write(tmp_path, "a.txt", [["one"], ["two"]])
    with pytest.raises(DataError, match=r"owner/name\[:config\]\[@split\]$"):
        pair_paths([plain])
