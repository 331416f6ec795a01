"""Generation: inputs without words, answers without an end, and streams that are not there."""

import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import gpt2kit
from gpt2kit.cli.app import run
from gpt2kit.tasks.translate import Sentence, Translate

Refusal = Callable[..., str]
Capture = pytest.CaptureFixture[str]

WORDLESS = [
    *("-", "—", "...", "3.14", "1 000 000", "12:30", "?!", "🏳️‍🌈", "٣", "* * *", "\u200b", "1_000"),
    *("https://example.org/a?b=c#d", "www.example.org", "(https://example.org)", "a.b-c@example.org", "<br/>"),
    *("<b></b>", "<to-fr>", "1. <a href='x y'>", "< 5 >", "<"),
]
WORDY = ["a", "é", "中", "3 km", "<b>bold</b>", "see https://example.org", "no@address", "http", "a < b", "<a"]


def test_what_has_no_words_is_its_own_translation(by_heart: Path, capsys: Capture) -> None:
    """Addresses, numbers, tags and signs are copied: a model that never saw one would make something up."""
    assert run(["translate", "--run", str(by_heart), "--", *WORDLESS, "", " ", "good morning"]) == 0
    assert capsys.readouterr().out.split("\n") == [*WORDLESS, "", "", "bonjour", ""]
    assert list(gpt2kit.load(by_heart).stream("3.14")) == ["3.14"]


@pytest.mark.parametrize("text", WORDY)
def test_what_has_words_is_asked(text: str) -> None:
    assert Translate().answer_without_model(Sentence(text, "fr")) is None


@pytest.mark.parametrize(
    "text", ["1" * 100_000 + "x", "www.1" * 20_000 + " x", "<a" * 50_000, "1@" * 50_000 + "x", "-" * 100_000 + " x"]
)
def test_no_text_takes_the_pattern_hours(text: str) -> None:
    assert Translate().answer_without_model(Sentence(text, "fr")) is None


def test_repetition_is_reported(by_heart: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    """A model whose end token is banned, and which says one thing for ever."""
    opened = gpt2kit.load(by_heart)
    bonjour = opened.task.encode_target("bonjour")
    ban = f"generate.ban_ids=[{','.join(map(str, set(range(opened.model.vocab_size)) - {bonjour[0]}))}]"
    words = ["translate", "--run", str(by_heart), "good morning", "--set", ban]
    assert run([*words, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["circling"], answer["finished"]) == (True, False)
    assert run(words) == 0
    remark = "answers that repeat themselves: 1 of 1; raise generate.repetition_penalty (now 1, which is off; try 1.2)"
    assert remark in capsys.readouterr().err
    table = str(by_heart.parent / "corpus.jsonl")
    assert run(["translate", "evaluate", "--run", str(by_heart), "--on", table, "--set", ban, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["circling"] == 4
    assert run(["translate", "--run", str(by_heart), "good morning", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["circling"] is False


@pytest.mark.parametrize("seed", ["-1", "4294967296", "99999999999999999999999"])
def test_seeds_out_of_range(by_heart: Path, refusal: Refusal, seed: str) -> None:
    message = refusal("translate", "--run", str(by_heart), "yes", "--temperature", "1", "--seed", seed)
    assert f"seed = {seed}; expected 0 to 4294967295" in message
    assert run(["translate", "--run", str(by_heart), "yes", "--temperature", "1", "--seed", "4294967295"]) == 0


@pytest.mark.parametrize(("words", "code"), [([], 2), (["--file", "-"], 2), (["good morning"], 0)])
def test_standard_input_is_closed(
    by_heart: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch, words: list[str], code: int
) -> None:
    monkeypatch.setattr("sys.stdin", None)
    assert run(["translate", "generate", "--run", str(by_heart), *words]) == code
    out, err = capsys.readouterr()
    assert (out == "bonjour\n") if words == ["good morning"] else ("standard input is closed" in err)


def test_a_word_that_is_no_text(by_heart: Path, refusal: Refusal) -> None:
    """Python has half of a surrogate pair for each byte of the command line that is no UTF-8."""
    message = refusal("translate", "--run", str(by_heart), "good", "caf\udce9")
    assert message == r"input 2, 'caf\udce9', is not valid UTF-8 text"


SCRIPT = """
import sys
from gpt2kit.cli import console
console.any_text()
console.result("été 中文 \\udcff")
console.result_json({"a": "中文\\udcff"})
"""


def printed(**environment: str) -> bytes:
    done = subprocess.run([sys.executable, "-c", SCRIPT], env=os.environ | environment, capture_output=True, check=True)
    assert done.stderr == b""
    return done.stdout


def test_a_terminal_that_is_no_utf8(monkeypatch: pytest.MonkeyPatch) -> None:
    """What it cannot show becomes an escape; into a file or a pipe goes UTF-8, whatever the terminal is."""
    wanted = 'été 中文 \\udcff\n{"a": "中文\\udcff"}\n'.encode()
    assert printed(PYTHONIOENCODING="ascii") == wanted
    from gpt2kit.cli import console

    shown = io.BytesIO()
    terminal = io.TextIOWrapper(shown, encoding="ascii")
    monkeypatch.setattr(terminal, "isatty", lambda: True)
    monkeypatch.setattr("sys.stdout", terminal)
    console.any_text()
    console.result("été 中文")
    monkeypatch.undo()
    assert shown.getvalue() == b"\\xe9t\\xe9 \\u4e2d\\u6587\n"


def test_decoding_without_a_choice_still_ends(by_heart: Path) -> None:
    """Probability 0 for all but one token is a choice, too."""
    opened = gpt2kit.load(by_heart)
    for top_p in (0.0, 1e-9, 1.0):
        assert opened("good morning", temperature=1e-3, top_p=top_p) == "bonjour"
