"""Reading pairs: what ends a line, which columns are taken, and what an error says."""

import datetime
import gzip
import json
import logging
import lzma
import random
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import datasets
import pyarrow
import pyarrow.parquet
import pytest

from gpt2kit.data.sources import held_out, is_table, pair_paths, read_pairs
from gpt2kit.errors import DataError, MachineError

Pairs = list[tuple[str, str]]


class Folder:
    """A folder of small corpora; a name that ends in .gz or .xz is compressed on the way in."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, name: str, content: str | bytes) -> str:
        raw = content.encode("utf-8") if isinstance(content, str) else content
        if name.endswith(".gz"):
            raw = gzip.compress(raw)
        if name.endswith(".xz"):
            raw = lzma.compress(raw)
        return self.write_as_is(name, raw)

    def write_as_is(self, name: str, raw: bytes) -> str:
        path = self.root / name
        path.write_bytes(raw)
        return str(path)

    def parquet(self, name: str, columns: Mapping[str, object], **options: Any) -> str:
        path = str(self.root / name)
        pyarrow.parquet.write_table(pyarrow.table(columns), path, **options)
        return path


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


def read(*paths: str, columns: tuple[str, str] | None = None) -> Pairs:
    return list(read_pairs(paths, columns))


def refusal(*paths: str, columns: tuple[str, str] | None = None) -> str:
    """The message that reading ends with."""
    with pytest.raises(DataError) as caught:
        read(*paths, columns=columns)
    return str(caught.value)


# Lines of text files


def test_parallel_files_keep_order_and_empty_lines(folder: Folder) -> None:
    source, target = folder.write("a.en", "one\n\n three \n"), folder.write("a.fr", "un\ndeux\n\n")
    assert read(source, target) == [("one", "un"), ("", "deux"), (" three ", "")]


@pytest.mark.parametrize("ending", ["txt", "en.gz", "en.xz", "weird ending"])
def test_any_ending_and_compression(folder: Folder, ending: str) -> None:
    source = folder.write(f"a.{ending}", "a student\n")
    assert read(source, folder.write("b.fr", "un étudiant\n")) == [("a student", "un étudiant")]


def test_byte_order_mark_is_dropped_at_the_start_only(folder: Folder) -> None:
    source = folder.write("a.en", "\ufeffone\n\ufefftwo\n")
    assert [pair[0] for pair in read(source, folder.write("a.fr", "un\ndeux\n"))] == ["one", "\ufefftwo"]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\r\nb\r\n", ["a", "b"]),
        ("a\nb", ["a", "b"]),
        ("a\r\r\nb\r", ["a\r", "b\r"]),
        ("a\u2028b\u0085c\x0bd\x0ce\rf\x1cg\n", ["a\u2028b\u0085c\x0bd\x0ce\rf\x1cg"]),
        ("\n\n", ["", ""]),
        ("", []),
    ],
)
def test_only_newlines_end_a_line(folder: Folder, text: str, lines: list[str]) -> None:
    path = folder.write("a.txt", text)
    assert read(path, path) == [(line, line) for line in lines]


def test_lines_against_a_naive_oracle(folder: Folder) -> None:
    alphabet = ["\r\n", *"\n\r\u2028\u2029\u0085\x0b\x0c\x1c\x1d\x1e\t é🎹x"]
    generator = random.Random(7)
    for _ in range(200):
        text = "".join(generator.choices(alphabet, k=generator.randrange(60)))
        expected = [line.removesuffix(b"\r").decode() for line in text.encode().split(b"\n")[:-1]]
        unfinished = text.encode().split(b"\n")[-1].decode()  # without "\n" behind it, a last "\r" is text
        path = folder.write("a.txt", text)
        assert [pair[0] for pair in read(path, path)] == expected + [unfinished] * bool(unfinished)


@pytest.mark.parametrize(
    "text", ["e\u0301té \u00e9té", "👩‍👩‍👧 🇫🇷", "שלום \u202bمرحبا\u202c", "機械翻訳", "it's it’s", "a\u00a0b\u202fc"]
)
def test_text_comes_back_as_it_went_in(folder: Folder, text: str) -> None:
    assert read(folder.write("a.tsv", f"{text}\t{text}\n")) == [(text, text)]
    assert read(folder.write("a.jsonl", json.dumps({"source": text, "target": text}))) == [(text, text)]


def test_a_long_line(folder: Folder) -> None:
    path = folder.write("a.txt", "word " * 1_000_000)
    assert [len(pair[0]) for pair in read(path, path)] == [5_000_000]


def test_reading_streams(folder: Folder) -> None:
    """The first pairs arrive before a bad line further on is reached."""
    pairs = read_pairs([folder.write("a.tsv", "one\tun\ntwo\tdeux\nthree\n")])
    assert [next(pairs), next(pairs)] == [("one", "un"), ("two", "deux")]
    with pytest.raises(DataError, match=":3: "):
        next(pairs)


def test_plain_text_and_tsv_need_neither_datasets_nor_pyarrow(folder: Folder) -> None:
    source, target, table = (folder.write(name, "a\tb\n") for name in ("a.en", "a.fr", "a.tsv"))
    code = (
        "import sys; from gpt2kit.data.sources import read_pairs\n"
        f"print(len(list(read_pairs([{source!r}, {target!r}])) + list(read_pairs([{table!r}]))))\n"
        "print(sorted({'datasets', 'pyarrow', 'pandas', 'torch', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert done.stdout == "2\n[]\n", done.stderr


# Errors of text files


def test_missing_file_is_told_when_called(folder: Folder) -> None:
    there = folder.write("a.en", "one\n")
    for paths in ([there, "no/such.fr"], ["no/such.fr", there], ["no/such.fr.tsv"], ["no/such.fr.parquet"]):
        with pytest.raises(DataError, match=r"no/such.fr.*: no such file"):
            read_pairs(paths)


def test_folder_for_a_file(folder: Folder) -> None:
    with pytest.raises(DataError, match="is a directory; a file is needed"):
        read_pairs([str(folder.root), folder.write("a.fr", "un\n")])


def test_a_file_that_cannot_be_opened(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    path = folder.write("a.tsv", "one\tun\n")
    monkeypatch.setattr("builtins.open", refuse)
    assert refusal(path) == f"{path}: cannot be read: Permission denied"


@pytest.mark.parametrize("swap", [False, True])
def test_parallel_files_of_different_length(folder: Folder, swap: bool) -> None:
    longer = folder.write("long", "one\ntwo\n" + "t" * 100 + "\nfour\nfive\n")
    shorter = folder.write("short", "un\n" + "d" * 100 + "\n")
    message = refusal(*((shorter, longer) if swap else (longer, shorter)))
    assert f"{longer} has 5 lines but {shorter} has 2: line 3 of {longer} has no counterpart: '{'t' * 79}…'" in message
    last = f"'{'d' * 79}…' with 'two'" if swap else f"'two' with '{'d' * 79}…'"
    assert f"The last pair read is {last}." in message


def test_parallel_files_of_which_one_is_empty(folder: Folder) -> None:
    message = refusal(folder.write("a.en", ""), folder.write("a.fr", "un\n"))
    assert "a.fr has 1 line but " in message
    assert "line 1 of " in message
    assert "No pair was read." in message


def test_invalid_utf8_names_line_offset_and_byte(folder: Folder) -> None:
    source = folder.write("a.en", b"\xef\xbb\xbfone\r\ncaf\xc3\xa9\nna\xefve\n")
    message = refusal(source, folder.write("a.fr", "un\ndeux\ntrois\n"))
    assert f"{source}:3: byte 0xef at offset 16 of the file is not UTF-8 (" in message
    assert "after 'na'; only UTF-8 text is accepted" in message


def test_offset_counts_uncompressed_bytes_of_a_last_line(folder: Folder) -> None:
    assert "a.tsv.gz:1: byte 0xc3 at offset 4 " in refusal(folder.write("a.tsv.gz", b"a\tb \xc3"))


@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a.jsonl"])
def test_binary_file(folder: Folder, name: str) -> None:
    path = folder.write(name, '{"a": "",\t"b": ""}\nPK\0\n')  # the first line is sound in each format
    assert refusal(path) == f"{path}:2: a NUL byte, as in binary files and UTF-16; only UTF-8 text is accepted"


@pytest.mark.parametrize("ending", ["gz", "xz"])
def test_damaged_compression(folder: Folder, ending: str) -> None:
    whole = Path(folder.write(f"a.tsv.{ending}", "".join(f"{n}\t{n * n}\n" for n in range(5000)))).read_bytes()
    for raw in (whole[:-100], whole[:-8] + bytes(8), b"plain text\n"):
        path = folder.write_as_is(f"bad.tsv.{ending}", raw)
        assert refusal(path).startswith(f"{path}: damaged, truncated or not compressed as its name says: ")


# TSV


def test_tsv_takes_the_first_two_columns_and_quotes_nothing(folder: Folder) -> None:
    path = folder.write("a.tsv", 'one\tun\tCC-BY\n"two\t"deux" x\ttail\tmore\n\t\n')
    assert read(path) == [("one", "un"), ('"two', '"deux" x'), ("", "")]


def test_tsv_columns_by_index(folder: Folder) -> None:
    assert read(folder.write("a.tsv", "1\tone\tun\n2\ttwo\tdeux\trest\n"), columns=("2", "1")) == [
        ("un", "one"),
        ("deux", "two"),
    ]


def test_tsv_columns_by_name(folder: Folder) -> None:
    path = folder.write("a.tsv.xz", "\ufeffid\ten\tfr\r\n1\tone\tun\r\n")
    assert read(path, columns=("fr", "en")) == [("un", "one")]


def test_tsv_column_that_is_missing(folder: Folder) -> None:
    path = folder.write("a.tsv", "english\tfrench\none\tun\n")
    message = refusal(path, columns=("english", "frensh"))
    assert message == f"{path}:1: no column 'frensh'; the columns are 'english', 'french'; did you mean 'french'?"


def test_tsv_line_with_too_few_columns(folder: Folder) -> None:
    path = folder.write("a.tsv", "one\tun\ntwo deux\n")
    assert refusal(path) == f"{path}:2: expected at least 2 columns separated by tabs, found 1: 'two deux'"
    message = refusal(path, columns=("0", "4"))
    assert message == f"{path}:1: expected at least 5 columns separated by tabs, found 2: 'one\\tun'"
    assert ":2: " in refusal(folder.write("b.tsv", "one\tun\n\n"))


# CSV


def test_csv_quoting(folder: Folder) -> None:
    text = 'source,target\r\n"a, b","say ""hi"""\r\n"two\nlines","deux\r\nlignes"\r\n\u2028\x0b,x\u0085\r\n'
    assert read(folder.write("a.csv", text)) == [
        ("a, b", 'say "hi"'),
        ("two\nlines", "deux\r\nlignes"),
        ("\u2028\x0b", "x\u0085"),
    ]


def test_csv_fields_stay_strings(folder: Folder) -> None:
    path = folder.write("a.csv.gz", "\ufeffen,fr\nNA,null\n,\n007,1e5\nNone,nan\n")
    assert read(path) == [("NA", "null"), ("", ""), ("007", "1e5"), ("None", "nan")]


def test_csv_skips_blank_rows_and_takes_long_fields(folder: Folder) -> None:
    long = "long " * 100_000
    assert read(folder.write("a.csv.xz", f'\nen,fr\n\n"{long}",x\n\n')) == [(long, "x")]


def test_csv_columns(folder: Folder) -> None:
    path = folder.write("a.csv", "id,en,fr\n1,one,un\n")
    assert read(path, columns=("fr", "en")) == [("un", "one")]
    assert "no column 'eng'; the columns are 'id', 'en', 'fr'; did you mean 'en'?" in refusal(
        path, columns=("eng", "fr")
    )
    assert "'id', 'en', 'fr' are not named so, and 3 of them contain strings, not 2; name" in refusal(path)


@pytest.mark.parametrize("bad", ["one,un,extra", "one"])
def test_csv_row_of_another_length(folder: Folder, bad: str) -> None:
    path = folder.write("a.csv", f'en,fr\n"a\nb",c\n{bad}\n')
    message = refusal(path)
    assert message.startswith(f"{path}:4: {bad.count(',') + 1} fields, but the header has 2 ('en', 'fr'): {bad!r}")


@pytest.mark.parametrize("bad", ['"never closed,un\nmore\n', '"one"x,un\n', "o\rne,un\n"])
def test_csv_with_wrong_quoting_names_the_line_where_the_row_begins(folder: Folder, bad: str) -> None:
    path = folder.write("a.csv", f'en,fr\n"a\nb",c\n{bad}')
    assert refusal(path).startswith(f"{path}:4: the row that begins here is not valid CSV (RFC 4180): ")


# JSON lines


@pytest.mark.parametrize("name", ["a.jsonl", "a.json", "a.jsonl.gz", "a.json.xz"])
def test_json_lines(folder: Folder, name: str) -> None:
    text = '{"id": 1, "source": "one\\n", "target": null}\n\n{"target": "a\u2028\\u00e9", "source": "NA"}\r\n'
    assert read(folder.write(name, text)) == [("one\n", ""), ("NA", "a\u2028é")]


def test_json_columns(folder: Folder) -> None:
    path = folder.write("a.jsonl", '{"id": 7, "fr": "un", "en": "one"}\n')
    assert read(path) == [("un", "one")]
    assert read(path, columns=("en", "fr")) == [("one", "un")]
    nested = folder.write("b.jsonl", '{"translation": {"en": "one", "fr": "un"}}\n')
    assert read(nested, columns=("fr", "en")) == [("un", "one")]


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ('{"en": "one", "fr": "un",}', "at column 26"),
        ('{"en": "one"', "Expecting ',' delimiter at column 13"),
        ('[{"en": "one", "fr": "un"}]', "a list"),
        ('"one"', "a str"),
        ('{"en": "\\ud83d", "fr": "un"}', "surrogates not allowed"),
        ("[" * 100_000, "recursion"),
    ],
)
def test_broken_json(folder: Folder, line: str, reason: str) -> None:
    path = folder.write("a.jsonl", '{"en": "\\ud83d\\ude00", "fr": "un"}\n' * 6 + line + "\n")
    message = refusal(path)
    assert message.startswith(f"{path}:7: expected one JSON object per line, found ")
    assert reason in message


def test_json_fields_that_are_missing_or_no_strings(folder: Folder) -> None:
    good = '{"en": "one", "fr": "un"}\n'
    path = folder.write("a.jsonl", good + '{"en": "two", "fra": "deux"}\n')
    assert refusal(path) == f"{path}:2: no column 'fr'; the columns are 'en', 'fra'; did you mean 'fra'?"
    path = folder.write("b.jsonl", good * 2 + '{"en": 3, "fr": "trois"}\n')
    assert refusal(path) == f"{path}:3: column 'en' contains 3 (int); a string or null is accepted"


# Parquet and the Hub


def test_parquet(folder: Folder, capfd: pytest.CaptureFixture[str]) -> None:
    numbers = range(2500)
    columns = {
        "id": list(numbers),
        "source": [f"s {n}" for n in numbers],
        "target": [f"t {n}" if n else None for n in numbers],
        "note": ["NA"] * 2500,
    }
    path = folder.parquet("odd [1] name*.parquet", columns, row_group_size=700)
    assert read(path) == [("s 0", ""), *((f"s {n}", f"t {n}") for n in numbers if n)]
    assert read(path, columns=("note", "source"))[2499] == ("NA", "s 2499")
    assert capfd.readouterr() == ("", "")


def test_a_date_is_told_with_what_to_do(folder: Folder) -> None:
    path = folder.parquet("a.parquet", {"en": ["one"], "day": [datetime.datetime(2024, 5, 1, 12)]})
    assert refusal(path, columns=("en", "day")).endswith(
        "column 'day' contains 2024-05-01 12:00:00 (datetime); a string or null is accepted; choose another column, or "
        "write it as text to a table of your own, as with str() in Python"
    )


def test_parquet_errors(folder: Folder, capfd: pytest.CaptureFixture[str]) -> None:
    path = folder.parquet("a.parquet", {"en": ["one"] * 3, "score": [1, 2, 3], "fr": ["un"] * 3})
    assert read(path) == [("one", "un")] * 3
    assert refusal(path, columns=("en", "scores")).endswith(
        "row 1: no column 'scores'; the columns are 'en', 'score', 'fr'; did you mean 'score'?"
    )
    assert refusal(path, columns=("en", "score")).endswith(
        "row 1: column 'score' contains 1 (int); a string or null is accepted"
    )
    cut_short = folder.write_as_is("bad.parquet", Path(path).read_bytes()[:100])
    assert refusal(cut_short).startswith(f"{cut_short}: cannot be read as Parquet: ")
    assert "compressed internally" in refusal(folder.write("a.parquet.gz", Path(path).read_bytes()))
    assert capfd.readouterr() == ("", "")


class FakeHub:
    """Stands in for `datasets.load_dataset`: remembers what it was asked for and streams rows or raises."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.rows: list[dict[str, Any]] = []
        self.error: Exception | None = None
        self.asked: list[tuple[str, str | None, str]] = []
        monkeypatch.setattr(datasets, "load_dataset", self.load)

    def load(self, name: str, config: str | None, *, split: str, streaming: bool) -> Any:
        assert streaming
        self.asked.append((name, config, split))
        if self.error:
            raise self.error
        return datasets.IterableDataset.from_generator(self.generate)

    def generate(self) -> Iterator[dict[str, Any]]:
        yield from self.rows


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    return FakeHub(monkeypatch)


def test_hub_names(hub: FakeHub, capfd: pytest.CaptureFixture[str]) -> None:
    hub.rows = [{"source": "one", "target": "un"}, {"source": "two", "target": None}]
    for path in ("hf:owner/na.me-1", "hf:owner/name:en-fr", "hf:owner/name@validation", "hf:owner/name:en-fr@test"):
        assert read(path) == [("one", "un"), ("two", "")]
    assert hub.asked == [
        ("owner/na.me-1", None, "train"),
        ("owner/name", "en-fr", "train"),
        ("owner/name", None, "validation"),
        ("owner/name", "en-fr", "test"),
    ]
    assert capfd.readouterr() == ("", "")


def test_hub_translation_column(hub: FakeHub) -> None:
    hub.rows = [{"id": "0", "translation": {"en": "one", "fr": "un"}}]
    assert read("hf:owner/opus", columns=("fr", "en")) == [("un", "one")]
    message = refusal("hf:owner/opus", columns=("en", "de"))
    assert message == "hf:owner/opus: row 1: no column 'de'; the columns are 'en', 'fr'"


def test_hub_rows_are_numbered_across_batches(hub: FakeHub) -> None:
    hub.rows = [{"source": "one", "target": "un"}] * 1500 + [{"source": "one", "target": ["un"]}]
    with pytest.raises(DataError, match=r"^hf:owner/name: row 1501: column 'target' contains \['un'\] \(list\)"):
        for _ in read_pairs(["hf:owner/name"]):
            pass


@pytest.mark.parametrize("name", ["", "name", "owner/name:", "owner/name@", "a/b/c", "owner/name@test:en"])
def test_unknown_hub_form_is_told_when_called(name: str) -> None:
    expected = f"hf:{name}: not a dataset name on the Hub; accepted: hf:owner/name[:config][@split]"
    with pytest.raises(DataError, match=re.escape(expected)):
        read_pairs([f"hf:{name}"])


def test_hub_dataset_that_is_a_script(hub: FakeHub) -> None:
    hub.error = RuntimeError("Dataset scripts are no longer supported, but found name.py")
    message = refusal("hf:owner/name")
    assert "refs/convert/parquet" in message
    assert "https://huggingface.co/datasets/owner/name/tree/refs%2Fconvert%2Fparquet" in message


class ConnectError(Exception):
    """As of the HTTP clients, whose errors are no OSErrors."""

    __module__ = "httpx2"


@pytest.mark.parametrize("error", [ConnectionError("Couldn't reach it"), TimeoutError(), ConnectError("no name")])
def test_hub_without_a_network(hub: FakeHub, error: Exception) -> None:
    hub.error = error
    with pytest.raises(MachineError) as caught:
        read("hf:owner/name")
    assert str(caught.value) == (
        "hf:owner/name: the Hugging Face Hub cannot be reached; local files work without a network"
    )
    assert caught.value.__suppress_context__


def test_other_errors_of_the_hub_keep_their_reason(hub: FakeHub) -> None:
    hub.error = ValueError("Bad split: dev. Available splits: ['train']")
    assert refusal("hf:owner/name@dev") == (
        "hf:owner/name@dev: ValueError: Bad split: dev. Available splits: ['train']"
    )


def test_datasets_is_silent_and_calls_nobody(hub: FakeHub) -> None:
    read("hf:owner/name")
    assert datasets.are_progress_bars_disabled()
    assert datasets.config.HF_UPDATE_DOWNLOAD_COUNTS is False
    assert not logging.getLogger("datasets").isEnabledFor(logging.ERROR)


# What belongs together


def test_pair_paths() -> None:
    assert pair_paths([]) == []
    assert pair_paths(["train.en", "train.fr"]) == [("train.en", "train.fr")]
    assert pair_paths(["a.tsv"]) == [("a.tsv",)]
    assert pair_paths(["a.en", "a.fr", "b.tsv", "c.en", "c.de"]) == [("a.en", "a.fr"), ("b.tsv",), ("c.en", "c.de")]
    assert pair_paths(["de=pairs.tsv", "pt-BR=a.en", "a.pt"]) == [("de=pairs.tsv",), ("pt-BR=a.en", "a.pt")]


@pytest.mark.parametrize("words", ["a.tsv lonely.en", "lonely.en a.tsv a.fr", "a.en a.fr lonely.en"])
def test_pair_paths_with_a_file_left_over(words: str) -> None:
    with pytest.raises(
        DataError,
        match=r"^lonely.en: a plain text file must be followed by its translation; accepted: two parallel text",
    ):
        pair_paths(words.split())


def test_is_table() -> None:
    tables = "a.tsv a.CSV a.jsonl.gz a.json a.parquet b/a.tsv.xz hf:owner/name de=a.tsv en-fr=hf:a/b zh-Hans=a.csv"
    assert [word for word in tables.split() if not is_table(word)] == []
    plain = "a.en a.txt.gz tsv a.tsv.bak de=a.txt x.tsv/a owner/name"
    assert [word for word in plain.split() if is_table(word)] == []


@pytest.mark.parametrize("paths", [[], ["a.en"], ["a.tsv", "b.tsv"], ["a.en", "b.tsv"], ["a.en", "a.fr", "a.de"]])
def test_paths_that_are_no_corpus(paths: list[str]) -> None:
    with pytest.raises(DataError, match="cannot be read as pairs; accepted: two parallel text files, one table"):
        read_pairs(paths)


def test_columns_of_plain_text_are_refused(folder: Folder) -> None:
    path = folder.write("a.en", "one\n")
    assert "have no columns; --columns is for tables" in refusal(path, path, columns=("en", "fr"))


# The stable split


def test_held_out_is_the_same_everywhere() -> None:
    words = ["Go.", "Hi.", "Run!", "Wow!", "I am a student.", "été", "", "機械翻訳", "<to-fr>", "it’s"]
    assert [word for word in words if held_out(word, 0.5)] == ["I am a student.", "機械翻訳", "it’s"]


def test_held_out_looks_at_the_text_alone() -> None:
    for number in range(200):
        text = f"un été {number}"
        same = {held_out(form, 0.5) for form in (text, f" {text}\t\n", unicodedata.normalize("NFD", text))}
        assert len(same) == 1


def test_held_out_proportion() -> None:
    texts = [f"sentence number {number}" for number in range(10_000)]
    small, large = ({text for text in texts if held_out(text, fraction)} for fraction in (0.05, 0.2))
    assert 420 < len(small) < 580
    assert 1850 < len(large) < 2150
    assert small < large
    assert not any(held_out(text, 0) for text in texts)
    assert all(held_out(text, 1) for text in texts)


def test_held_out_takes_no_percentage() -> None:
    with pytest.raises(ValueError, match="fraction = 5; expected a number from 0 to 1"):
        held_out("text", 5)


# Real data


def test_tatoeba(shared_data: Callable[[str], Path]) -> None:
    assert sum(1 for _ in read_pairs([str(shared_data("tatoeba/eng-fra.tsv.gz"))])) == 142_782
