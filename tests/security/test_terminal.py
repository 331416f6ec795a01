"""Data cannot steer a terminal: no control character of a file, its name or an answer reaches one as it is."""

import io
import json
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from gpt2kit.cli import console, progress
from gpt2kit.cli.app import run
from gpt2kit.pipeline.train import Samples
from gpt2kit.training import events

STEERING = "\x1b[31m\x07\x9b2J\x7f\x85\u202e\u2066\u2028"
"""Colours, a bell, clearing the screen, rubbing out, line ends, and turning the text around."""

WORDLESS = "\x07\x9b\x7f\u202e\u2066"


class Terminal(io.TextIOWrapper):
    """Stdout or stderr, of which everything that is written to it can be looked at."""

    def __init__(self) -> None:
        super().__init__(io.BytesIO(), encoding="utf-8", write_through=True)

    def isatty(self) -> bool:
        return True

    def shown(self) -> str:
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode()


def shown(*commands: list[str], code: int = 0, work: Callable[[], object] | None = None) -> str:
    """What commands, or other work, show on stdout and then on stderr; none of it may be what data wants."""
    out, err = Terminal(), Terminal()
    messages = Console(file=err, soft_wrap=True, emoji=False, highlight=False, force_terminal=True, color_system=None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "stdout", out)
        patch.setattr(console, "messages", messages)
        for words in commands:
            assert run(words) == code
        if work is not None:
            work()
    for place, text in (("stdout", out.shown()), ("stderr", err.shown())):
        for control in ("\x1b[31m", *"\x07\x9b\x7f\x85\u202e\u2066\u2028"):
            assert control not in text, f"{control!r} on {place}"
    return out.shown() + err.shown()


@pytest.fixture
def workplace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_answers(by_heart: Path) -> None:
    found = shown(["translate", "--run", str(by_heart), "--", WORDLESS, f"good{STEERING}morning"])
    assert found.startswith("\\x07\\x9b\\x7f\\u202e\\u2066\n")


def test_answers_as_json_are_what_they_were(by_heart: Path) -> None:
    """Every one of them has an escape in JSON."""
    found = shown(["translate", "--run", str(by_heart), "--json", "--", WORDLESS, STEERING])
    answers = [json.loads(line) for line in found.split("\n")[:2]]
    assert [answer["input"] for answer in answers] == [WORDLESS, STEERING]
    assert answers[0]["output"] == WORDLESS


def test_names_of_files(by_heart: Path, workplace: Path) -> None:
    """In progress, in reports, in errors and in signatures; what looks like markup is a name, too."""
    name = f"[bold]{STEERING}:warning:.jsonl"
    escaped = "[bold]\\x1b[31m\\x07\\x9b2J\\x7f\\x85\\u202e\\u2066\\u2028:warning:.jsonl"
    shutil.copy(by_heart.parent / "corpus.jsonl", name)
    evaluate = ["translate", "evaluate", "--run", str(by_heart), "--on", name]
    prepare = ["translate", "prepare", name, "--val", name, "--out", f"out{STEERING}", "--set", "task.vocab=300"]
    found = shown(evaluate, prepare)
    assert f"set:{escaped}|n:4" in found
    assert f"{escaped}: 4 answers" in found
    assert "\\u2028 already exists" in shown(prepare, code=2)
    assert f"{escaped}.tsv: no file matches this pattern" in shown([*evaluate[:-1], f"{name}.tsv"], code=3)


def test_what_is_dropped(workplace: Path) -> None:
    """Examples of it are shown."""
    rows = [f"{STEERING[:5]}good\t", "yes\toui"]
    (workplace / "a.tsv").write_text("".join(f"{row}\n" for row in rows), encoding="utf-8")
    found = shown(["translate", "prepare", "a.tsv", "--val", "a.tsv", "--out", "d", "--set", "task.vocab=300"])
    assert "1 dropped, target empty, such as" in found


def test_labels_and_columns(workplace: Path) -> None:
    """Examples are shown as the model reads them, and a table's columns as they are called."""
    rows = [{"text": f"one{STEERING}", "label": f"a{STEERING}"}, {"text": "two", "label": "b"}]
    (workplace / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    prepare = ["finetune", "prepare", "a.jsonl", "--val", "a.jsonl", "--out", "d", "--set", "task.vocab=300"]
    assert "2 labels: a\\x1b[31m" in shown(prepare)
    (workplace / "b.jsonl").write_text(json.dumps({f"text{STEERING}": "one", "other": "two"}), encoding="utf-8")
    assert "cannot tell what the columns" in shown(["finetune", "prepare", "b.jsonl", "--out", "e"], code=3)


def test_samples_while_training() -> None:
    told: list[Any] = [
        events.Start(0, 9, 4, 1234567, 0.0123, "cpu", "fp32", False),
        events.StepDone(4, 9, 1.0, 2.5, 0.001, 1000.0, 3700.0, 0.41),
        Samples(9, [(STEERING, f"[red]{STEERING}", STEERING)]),
    ]
    assert "[red]\\x1b[31m\\x07" in shown(work=lambda: list(progress.training(iter(told))))


def test_spaces_and_emoji_stay_what_they_are() -> None:
    text = "Qu’est-ce que c’est\u202f? 100\xa0%\u3000👩🏽‍🚀 שלום\u200d"

    def both() -> None:
        console.result(text)
        console.say(text)

    assert shown(work=both) == f"{text}\n{text}\n"


def test_off_a_terminal_answers_are_what_they_are(capsys: pytest.CaptureFixture[str]) -> None:
    console.result(STEERING)
    assert capsys.readouterr().out == f"{STEERING}\n"
