"""Text data: what is no text, no table or nothing at all."""

import csv
import io
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.cli.app import run
from gpt2kit.data import lines
from gpt2kit.data.tables import delimited, rows
from gpt2kit.errors import DataError
from gpt2kit.recipe import knobs, read_by
from gpt2kit.tasks import find
from gpt2kit.tasks.formats.completion import Completion
from gpt2kit.tasks.formats.labelled import Labelled
from gpt2kit.tasks.summarize import Summarize

Refusal = Callable[..., str]
Tiny = Callable[[str], list[str]]
Capture = pytest.CaptureFixture[str]

CORPORA = {"translate": "a.tsv", "summarize": "a.jsonl", "lm": "a.txt", "finetune": "a.csv", "music": "a.mid"}


def prepared(tiny: Tiny, task: str, *words: str) -> list[str]:
    """The words of a command that prepares with tiny settings, as far as `prepare` reads them."""
    kind = find(task)
    train_only = set(read_by("train", kind)) - set(read_by("prepare", kind))
    settings = [s for s in tiny(task)[1::2] if s.removeprefix("task.").partition("=")[0] not in train_only]
    assert knobs(kind)
    return [task, "prepare", *words, *(word for setting in settings for word in ("--set", setting))]


@pytest.mark.parametrize("encoding", ["cp1252", "mac_roman"])
def test_another_encoding_says_what_helps(workplace: Path, tiny: Tiny, refusal: Refusal, encoding: str) -> None:
    (workplace / "a.tsv").write_bytes("one\tun\nsummer\tété\n".encode(encoding))
    message = refusal(*prepared(tiny, "translate", "a.tsv"))
    assert message.startswith(f"a.tsv:2: byte 0x{'é'.encode(encoding).hex()} at offset 14 of the file is not UTF-8")
    assert "iconv -f WINDOWS-1252 -t UTF-8" in message


def test_pairs_of_equal_sides_are_told(workplace: Path, tiny: Tiny, capsys: Capture) -> None:
    (workplace / "a.tsv").write_text("Paris\tParis\nyes\toui\nOslo\tOslo\n", encoding="utf-8")
    assert run([*prepared(tiny, "translate", "a.tsv", "--val", "a.tsv", "--out", "d"), "--json"]) == 0
    out, err = capsys.readouterr()
    assert json.loads(out)["train"]["left_out"] == {"pairs with equal source and target": 2}
    assert json.loads(out)["train"]["rows"] == 3, "they are kept: names are what they are"
    assert "train: pairs with equal source and target: 2" in err


@pytest.mark.parametrize("content", [b"", b"\n", b" \t\n \n\n"], ids=["nothing", "a line end", "white space"])
@pytest.mark.parametrize("task", CORPORA)
def test_a_corpus_of_nothing(workplace: Path, tiny: Tiny, refusal: Refusal, task: str, content: bytes) -> None:
    name = CORPORA[task]
    (workplace / name).write_bytes(content)
    message = refusal(*prepared(tiny, task, name, "--out", "data"))
    assert name in message
    assert [path.name for path in workplace.iterdir()] == [name]


def test_a_corpus_of_one_byte(workplace: Path, tiny: Tiny, capsys: Capture) -> None:
    (workplace / "a.txt").write_bytes(b"a")
    assert run(prepared(tiny, "lm", "a.txt", "--out", "d")) == 0
    assert "val: no record is held out, because the corpus is too small" in capsys.readouterr().err
    train = [word for word in tiny("lm") if not word.startswith("task.")]
    settings = [word for value in train if value != "--set" for word in ("--set", value)]
    assert run(["lm", "train", "d", "--out", "r", *settings, "--set", "train.steps=2"]) == 0
    assert run(["lm", "generate", "--run", "r", "--length", "2", "x"]) == 0


@pytest.fixture
def usual_limit() -> Iterator[None]:
    """The csv module's, which is one for all of the process."""
    yield
    csv.field_size_limit(delimited.LONGEST_FIELD)


@pytest.mark.usefixtures("usual_limit")
def test_a_quote_that_nothing_closes_is_not_read_to_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delimited, "LONGEST_FIELD", 1000)
    path = tmp_path / "a.csv"
    path.write_text('text,label\nfine,1\n"open,2\n' + "word,1\n" * 10_000, encoding="utf-8")
    with pytest.raises(
        DataError, match=r"a\.csv:3: the row that begins here is not valid CSV.*field larger than field limit"
    ):
        list(rows.csv_rows(str(path)))


def test_a_line_without_an_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In files, packed or not, and in pipes; it is not read into memory to look for its end."""
    monkeypatch.setattr(lines, "LONGEST_LINE", 1000)
    path = tmp_path / "a.en"
    path.write_text("short\n" + "x" * 999 + "\n" + "y" * 5000, encoding="utf-8")
    found = lines.text_lines(str(path))
    assert [next(found), next(found)] == ["short", "x" * 999]
    with pytest.raises(DataError, match=r"a\.en:3: 1,000 bytes without a line end"):
        next(found)
    pipe = io.BytesIO(b"z" * 5000)
    with pytest.raises(DataError, match="standard input:1: 1,000 bytes without"):
        next(lines.stream_lines(pipe, "standard input"))
    assert pipe.tell() == 1000


def test_control_tokens_in_a_text_are_told(workplace: Path, tiny: Tiny, capsys: Capture) -> None:
    (workplace / "a.tsv").write_text("<to-fr> or <to-fr>\tun <|endoftext|>\n", encoding="utf-8")
    assert run(prepared(tiny, "translate", "a.tsv", "--val", "a.tsv", "--out", "d")) == 0
    told = capsys.readouterr().err
    assert "train: occurrences of <to-fr> in the text, read as plain text: 2" in told
    assert "train: occurrences of <|endoftext|> in the text, read as plain text: 1" in told


@pytest.mark.parametrize(
    ("task", "row", "token"),
    [
        (Summarize(), {"title": "A", "body": "b <summarize> c", "lead": "d"}, "<summarize>"),
        (Summarize(), {"title": "A", "body": "b", "lead": "<|endoftext|>"}, "<|endoftext|>"),
        (Completion(columns=("prompt=p", "completion=c")), {"p": "a", "c": "b<complete>"}, "<complete>"),
        (Labelled(kind="classification", columns=("text=t", "label=l")), {"t": "<extract>", "l": "b"}, "<extract>"),
    ],
    ids=["summarize", "summarize, its end", "completion", "labels"],
)
def test_control_tokens_of_every_task(task: Any, row: dict[str, str], token: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(row) + "\n", encoding="utf-8")
    (record,) = task.read([str(path)])
    assert record.skipped == {f"occurrences of {token} in the text, read as plain text": 1}
