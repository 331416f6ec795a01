"""`gpt2kit TASK augment`: what it says, how it goes on, and what it refuses."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.cli.app import run
from gpt2kit.pipeline.augmenting import answers
from gpt2kit.pipeline.engine import Engine

Capture = pytest.CaptureFixture[str]
RunOf = Callable[..., Path]


@pytest.fixture
def more(by_heart: Path, tmp_path: Path) -> list[str]:
    """Words of a command whose run has something to say about sentences that are not held out."""
    (tmp_path / "texts.txt").write_text("good\nI am\nbonjour\nstudent\nlines\n", encoding="utf-8")
    words = ["translate", "augment", str(by_heart.parent / "data"), "--run", str(by_heart)]
    return [*words, "--input", str(tmp_path / "texts.txt"), "--out", str(tmp_path / "more"), "--confidence", "0.01"]


def test_the_report_is_for_people_and_as_json(more: list[str], tmp_path: Path, capsys: Capture) -> None:
    assert run([*more, "--json"]) == 0
    out, err = capsys.readouterr()
    (found,) = json.loads(out)["origins"]
    assert found["asked"] == found["answers"] == found["added"] + found["duplicates"] + sum(found["left_out"].values())
    assert found["added"] > 0
    name = more[4]
    assert f"{name}: 5 answers\n" in err
    assert f"{name}: mean confidence 0." in err
    source, answer, truth = found["examples"][0]
    assert f"    source     {source}\n    model      {answer}\n" in err
    assert truth is None
    assert "reference" not in err
    assert f"next:\n  gpt2kit translate train {tmp_path / 'more'}\n" in err
    assert run(more) == 2
    assert "already exists; choose another --out, or replace it with --overwrite" in capsys.readouterr().err
    assert run([*more, "--overwrite", "--weight", "nowhere=2"]) == 2
    assert "replaces" not in capsys.readouterr().err
    assert run([*more, "--overwrite"]) == 0
    assert "--overwrite replaces" in capsys.readouterr().err


def test_what_is_left_out_is_told_with_scores(by_heart: Path, tmp_path: Path, capsys: Capture) -> None:
    """All sources of this data are held out, too; its answers are right."""
    words = ["translate", "augment", str(by_heart.parent / "data"), "--run", str(by_heart)]
    assert run([*words, "--out", str(tmp_path / "more")]) == 0
    err = " ".join(capsys.readouterr().err.split())
    assert "left out, source is in val or test: 4" in err
    assert "the first 4 answers, compared with the truth: BLEU 100.0 chrF++ 100.0; 1.00 times as long" in err


def test_an_interrupted_command_goes_on(
    more: list[str], tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "PART", 2)
    results, calls = Engine.results, iter(range(100))

    def interrupted(self: Engine, *arguments: Any, **named: Any) -> Any:
        if next(calls) == 1:
            raise KeyboardInterrupt
        return results(self, *arguments, **named)

    monkeypatch.setattr(Engine, "results", interrupted)
    assert run(more) == 130
    assert "interrupted; the answers so far are kept: the same command continues" in capsys.readouterr().err
    assert not (tmp_path / "more").exists()
    assert run(more) == 0
    assert f"{more[4]}: 5 answers, of which 2 are there\n" in capsys.readouterr().err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["more", "texts.txt"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--weight", "much"], "--weight much: expected a number, or DIR=NUMBER as in --weight runs/a=0.5"),
        (["--weight", "nowhere=2"], "weight of nowhere: no run or data of this command; accepted: "),
        (["--weight", "nan"], "= nan; expected more than 0"),
        (["--set", "train.lr=1"], "--set train.…: only generate.… can be set now"),
        (["--set", "task.to=en"], "--set task.…: only generate.… can be set now"),
        (["--set", "generate.beam=1"], "unknown key generate.beam; did you mean beams?"),
        (["--answers", "3"], "answers = 3: expected 1 to the number of beams, which is 1"),
        (["--to", "de"], "--to de: this run translates into fr"),
        (["--confidence", "2"], "confidence = 2; expected at least 0 and less than 1"),
    ],
)
def test_wrong_usage(more: list[str], words: list[str], said: str, tmp_path: Path, capsys: Capture) -> None:
    assert run([*more, *words]) in (2, 3)
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["texts.txt"]


@pytest.mark.parametrize("order", [1, -1])
def test_the_weight_of_a_run_is_before_that_of_every_run(
    order: int, more: list[str], tmp_path: Path, capsys: Capture
) -> None:
    words = [["--weight", "3"], ["--weight", f"{more[4]}/=2"]][::order]
    assert run([*more, *words[0], *words[1], "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["origins"]
    assert (found["weight"], found["rows"]) == (2, 2 * found["added"])


def test_data_of_another_task(more: list[str], tmp_path: Path, capsys: Capture) -> None:
    assert run(["summarize", *more[1:]]) == 3
    assert f"{more[2]} was prepared for translate, not for summarize" in capsys.readouterr().err
    assert not (tmp_path / "more").exists()


def test_labels_are_counted(run_of: RunOf, tmp_path: Path, capsys: Capture) -> None:
    """Columns of another table are named as for generate."""
    labelled = run_of("labelled")
    rows = [{"body": "fine and fine", "other": "x"}, {"body": "dull and dull", "other": "y"}]
    (tmp_path / "new.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows), encoding="utf-8")
    words = ["finetune", "augment", str(labelled.parent / "data"), "--run", str(labelled), "--out", str(tmp_path / "m")]
    words += ["--input", str(tmp_path / "new.jsonl")]
    assert run(words) == 3
    assert "no column 'text'" in capsys.readouterr().err
    assert run([*words, "--columns", "text=body", "--json"]) == 0
    out, err = capsys.readouterr()
    labels = json.loads(out)["origins"][0]["labels"]
    assert sum(labels.values()) == 2
    assert "labels added: " in err
    assert "    source     fine and fine\n" in err
    assert run([*words[:-4], "--out", str(tmp_path / "other"), "--columns", "text=body"]) == 2
    assert "--columns names those of a table of --input" in capsys.readouterr().err


def test_other_tasks_have_no_such_verb(capsys: Capture) -> None:
    for task in ("lm", "music"):
        assert run([task, "augment", "--help"]) != 0 or "augment" not in capsys.readouterr().out
