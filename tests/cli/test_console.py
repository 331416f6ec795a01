"""The one place that prints: results to stdout, the rest to stderr, and data that cannot steer a terminal."""

import io
import json
import os

import pytest

from gpt2kit.cli import console
from gpt2kit.data.report import Damage, SplitReport
from gpt2kit.errors import DataError
from gpt2kit.pipeline import Samples
from gpt2kit.scoring import Evaluation
from gpt2kit.tasks.base import Score
from gpt2kit.train import events as kinds

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
    with pytest.raises(DataError, match="standard input: this is no utf-8 text"):
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
    monkeypatch.setattr(console, "SECONDS_BETWEEN_LINES", 0.0)
    counter = console.Counter("records")
    counter("train", 1000)
    counter.done()
    monkeypatch.setattr(console, "SECONDS_BETWEEN_LINES", 1e9)
    counter("train", 2000)
    assert capsys.readouterr().err == "train: 1,000 records\n"


def test_a_report_names_every_drop(capsys: Capture) -> None:
    train = SplitReport(read=5000, rows=4000)
    for number in range(1000):
        train.drop("source empty", f"[b]{number}")
    val = SplitReport(read=2, rows=2, leaked=1, tokens=50, cut=2, cut_tokens=1234)
    val.show("source also in training", "good morning")
    console.prepared({"train": train, "val": val}, "data/x")
    out, err = capsys.readouterr()
    assert out == ""
    assert "train: 1,000 dropped, source empty, such as '[b]0'" in err
    assert "val: 1 sources stand in train too, such as 'good morning'" in err
    assert "val: 2 sources were cut to fit into the window, by 1,234 tokens beside 50 that stay" in err
    assert "written to data/x" in err


@pytest.mark.parametrize(("damaged", "loud"), [(0, False), (9, False), (10, True), (19, True)])
def test_a_corpus_that_is_mostly_damaged_is_told_loudly(capsys: Capture, damaged: int, loud: bool) -> None:
    """Not one of which most is left out on purpose."""
    report = SplitReport(read=20, rows=1)
    for number in range(damaged):
        report.drop(Damage("cut short"), number)
    for number in range(19 - damaged):
        report.drop("equal to an earlier one", number)
    console.left_out("train", report)
    err = capsys.readouterr().err
    assert ("WARNING" in err) == loud
    if loud:
        assert f"WARNING train: {damaged} of 20 ({damaged * 5}%) could not be read" in err
    console.left_out("train", SplitReport())
    assert capsys.readouterr().err == ""


def test_training_passes_every_event_on(capsys: Capture) -> None:
    events: list[kinds.Event | Samples] = [
        kinds.Start(3, 9, 4, 1234567, 0.0123, "cpu", "fp32", False),
        kinds.Fitted(4),
        kinds.Planned(2140, 4.4, "30m"),
        kinds.Step(4, 9, 1.0, 2.5, 0.001, 1000.0, 3700.0, 0.41),
        kinds.Step(5, 9, 1.25, 2.25, 0.001, 1000.0, 3600.0),
        kinds.Validation(5, 2.125, True),
        kinds.Validation(9, 3.125, False),
        Samples(9, [("good [b]", "bon", "bonjour")]),
        kinds.Stopped(9, 15),
    ]
    assert list(console.training(iter(events))) == events
    out, err = capsys.readouterr()
    assert out == ""
    assert "1,234,567 parameters, 9 steps, 4 an epoch, 1.2% padding, fp32 on cpu, going on after step 3" in err
    assert "step 4/9  epoch 1.00  loss 2.500  1,000 tokens/s  41% of peak  1:01:40 left" in err
    assert "a batch is computed in 4 parts, to fit into memory; the numbers are the same\n" in err
    assert "budget 30m: 2,140 steps, 4.4 epochs\n" in err
    assert "step 5/9" not in err, "a line every few seconds, not one a step"
    assert "step 5  validation loss 2.1250 nats per target token\n" in err
    assert "(not the lowest so far)" in err
    assert "good [b]" in err


def test_a_run_without_a_saved_state_says_that_it_starts_again(capsys: Capture) -> None:
    list(console.training(iter([kinds.Start(0, 9, 4, 1, 0.0, "cpu", "fp32", False, resumed=True)])))
    assert "from the first step again: the run was stopped before its first save" in capsys.readouterr().err


def test_a_run_on_several_devices_with_a_budget(capsys: Capture) -> None:
    list(console.training(iter([kinds.Start(0, 0, 4, 1, 0.0, "cuda:0", "bf16", False, processes=8)])))
    said = capsys.readouterr().err
    assert "1 parameters, steps by the budget of time, 4 an epoch, 0.0% padding, bf16 on 8 x cuda\n" in said


def test_scores_go_to_stdout_with_their_signature(capsys: Capture) -> None:
    scores = [Score("BLEU", 45.678, "nrefs:1"), Score("chrF++", 60.0, "nw:2")]
    console.evaluated(Evaluation(scores, 1000, 2, 3, 4.0, "set:val", 5, ["the quotes are odd"]))
    out, err = capsys.readouterr()
    assert out == "BLEU 45.68  nrefs:1\nchrF++ 60.00  nw:2\n"
    assert "1,000 examples in 4.0 s (250.0 a second)  set:val" in err
    assert "3 answers were ended by the length limit" in err
    assert "2 sources were cut to fit into the window" in err
    assert "5 answers say the same again and again" in err
    assert "the quotes are odd\n" in err


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


def test_the_list_of_recipes_is_text_not_markup(capsys: Capture) -> None:
    console.recipe_list([("a", "translate", "[b]first"), ("b", "music", "second")])
    lines = capsys.readouterr().out.split("\n")
    assert [line.split() for line in lines[1:]] == [["a", "translate", "[b]first"], ["b", "music", "second"], []]
