"""The one place that prints: results to stdout, the rest to stderr, and data that cannot steer a terminal."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from rich.console import Console

from gpt2kit.cli import console
from gpt2kit.errors import DataError

Capture = pytest.CaptureFixture[str]


def test_results_are_lines_of_stdout_as_they_are(capsys: Capture) -> None:
    console.result("[bold]élève[/] \x1b[31m")
    console.result_json({"text": "élève", "none": None})
    out, err = capsys.readouterr()
    assert out == '[bold]élève[/] \x1b[31m\n{"text": "élève", "none": null}\n'
    assert err == ""


def test_what_is_said_is_text_not_markup(capsys: Capture) -> None:
    console.say("[bold]x[/] [/nothing] " + "long " * 60)
    console.error("[red]y[/] \x1b[2J\x07", as_json=False, exit_code=3)
    out, err = capsys.readouterr()
    assert out == ""
    assert err == "[bold]x[/] [/nothing] " + "long " * 60 + "\nerror [red]y[/] \\x1b[2J\\x07\n"


def test_an_example_is_one_column_on_a_terminal(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    text = "one [b] two\nthree \x1b → four five"
    console.example(1, text)
    assert capsys.readouterr().err == "example 1 one [b] two\nthree \\x1b → four five\n", "not on a terminal"
    shown = io.StringIO()
    terminal = Console(file=shown, force_terminal=True, color_system=None, width=30, soft_wrap=True)
    monkeypatch.setattr(console, "messages", terminal)
    console.example(1, text)
    lines = [line.rstrip() for line in shown.getvalue().splitlines()]
    assert lines == ["example 1 one [b] two", "          three \\x1b → four", "          five"]


def test_errors_as_json_carry_their_code(capsys: Capture) -> None:
    console.error('a "b"\n[c]', as_json=True, exit_code=4)
    out, err = capsys.readouterr()
    assert out == ""
    assert json.loads(err) == {"ok": False, "error": {"code": 4, "message": 'a "b"\n[c]'}}


def test_control_characters_are_shown() -> None:
    assert console.printable("a\x1b[31mb\u202e\tc\n") == "a\\x1b[31mb\\u202e\tc\n"
    assert console.printable("élève 中文 🏳️") == "élève 中文 🏳️"


def test_what_steers_is_shown_and_nothing_else() -> None:
    """Spaces of all widths and what joins emoji are no danger; line ends of other kinds are."""
    harmless = "Qu’est-ce\u202f? 100\xa0% 👩🏽‍🚀 \u200b\u3000\U0010ffff\ufffd"
    assert console.printable(harmless) == harmless
    assert console.printable("\x00\x08\r\x7f\x80\x9f\u2028\u2029\u200f\u2069\udcff") == (
        "\\x00\\x08\\r\\x7f\\x80\\x9f\\u2028\\u2029\\u200f\\u2069\\udcff"
    )


def test_json_has_escapes_for_what_steers(capsys: Capture) -> None:
    console.result_json({"é\x9b\u202e": "\x7f\x1b\u2028 中"})
    out = capsys.readouterr().out
    assert out == '{"é\\u009b\\u202e": "\\u007f\\u001b\\u2028 中"}\n'
    assert json.loads(out) == {"é\x9b\u202e": "\x7f\x1b\u2028 中"}


def test_names_between_colons_are_no_pictures(capsys: Capture) -> None:
    """rich would make an emoji of them."""
    console.say("a:warning:b :x:")
    console.Counter("answers")("[/b]:x:", 1)
    assert capsys.readouterr().err == "a:warning:b :x:\n"


def test_progress_is_text_not_markup(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "SECONDS_BETWEEN_LINES", -1.0)
    console.Counter("answers")("[/b]\x1b:x:", 1)
    assert capsys.readouterr().err == "[/b]\\x1b:x:: 1 answers\n"


def test_no_stdout_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """As after `>&-`."""
    monkeypatch.setattr("sys.stdout", None)
    console.any_text()
    with pytest.raises(console.PipeClosed):
        console.result("nobody reads this")


def test_what_is_typed_and_is_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = io.TextIOWrapper(io.BytesIO(b"caf\xe9\n"), encoding="utf-8")
    monkeypatch.setattr("sys.stdin", stdin)
    with pytest.raises(DataError, match="standard input is not valid utf-8 text"):
        console.asked()


def test_a_closed_pipe_is_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as stdout:
        monkeypatch.setattr("sys.stdout", stdout)
        with pytest.raises(console.PipeClosed):
            console.result("nobody reads this")
        console.result("nor this, which does no harm any more")
        monkeypatch.undo()


def test_a_counter_off_a_terminal_speaks_now_and_then(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(console, "SECONDS_BETWEEN_LINES", -1.0)
    counter = console.Counter("records")
    counter("train", 1000)
    counter.done()
    monkeypatch.setattr(console, "SECONDS_BETWEEN_LINES", 1e9)
    counter("train", 2000)
    assert capsys.readouterr().err == "train: 1,000 records\n"


@pytest.mark.parametrize(("width", "says_all"), [(80, False), (120, True)])
def test_a_bar_has_room_for_the_steps_and_the_time_left(
    monkeypatch: pytest.MonkeyPatch, width: int, says_all: bool
) -> None:
    terminal = io.StringIO()
    monkeypatch.setattr(console, "messages", Console(file=terminal, force_terminal=True, width=width))
    with console.Bar() as bar:
        bar.begin(0, 13150)
        bar.move(10000, 13150, "epoch 12.00  loss 5.631  123,456 tokens/s", "100% of peak", 3000)
    last = next(line for line in reversed(terminal.getvalue().splitlines()) if "epoch" in line)
    assert "10000/13150" in last
    assert "123,456 tokens/s" in last
    assert ("100% of peak" in last) == says_all
    assert "-:--:--" in last, "the time left, which one step does not tell"


def test_a_table_keeps_to_the_width_of_the_terminal(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    console.table(("", "what", "found"), [("ok", "[b]name", "word " * 30), ("failed", "x" * 80, "\x1b[31mred")])
    out, err = capsys.readouterr()
    assert err == ""
    assert max(map(len, out.splitlines())) <= 60
    assert all(line == line.rstrip() for line in out.splitlines())
    assert out.count("word") == 30
    assert "[b]name" in out
    assert "".join(out.split()).count("x") >= 80, "nothing is cut away"
    assert "\\x1b[31mred" in out


def test_the_terminal_is_what_tables_are_made_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "77")
    width, colours, encoding = console.terminal()
    assert (width, colours) == (77, "")
    assert encoding.lower().replace("-", "") == "utf8"


CLOSED = """
import os, sys
from gpt2kit.cli.app import main
reader, writer = os.pipe()
os.dup2(writer, 2)
os.close(reader)
sys.argv = ["gpt2kit", *sys.argv[1:]]
main()
"""


@pytest.mark.parametrize(
    "words",
    [
        ("lm", "prepare", "a.txt", "--set", "task.vocab=256", "--out", "made"),
        ("lm", "prepare", "missing.txt"),
        ("lm", "prepare", "missing.txt", "--json"),
    ],
)
def test_a_closed_stderr_is_like_a_closed_stdout(tmp_path: Path, words: tuple[str, ...]) -> None:
    """As for `gpt2kit … 2>&1 | head`: no traceback, and not the exit code of a bug."""
    (tmp_path / "a.txt").write_text("some text\n" * 9, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", CLOSED, *words], cwd=tmp_path, capture_output=True, check=False)
    assert done.returncode == console.PIPE_CLOSED
    assert done.stdout == b""
