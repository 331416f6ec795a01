"""Evaluation leaves its scores in the run and in its card; a card of one's own is kept, aloud."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gpt2kit import files
from gpt2kit.cli.app import run
from gpt2kit.errors import MachineError

Capture = pytest.CaptureFixture[str]
RunOf = Callable[..., Path]
Copied = Callable[[Path], Path]


@pytest.fixture
def copy(by_heart: Path, tmp_path: Path, copy_run: Callable[[Path, Path], Path]) -> Path:
    return copy_run(by_heart, tmp_path / "run")


@pytest.mark.parametrize("kind", ["translate", "lm", "music", "labelled"])
def test_scores_are_kept_as_json_tells_them(run_of: RunOf, copied: Copied, kind: str, capsys: Capture) -> None:
    folder, task = copied(run_of(kind)), "finetune" if kind == "labelled" else kind
    words = ["--samples", "2", "--seconds", "6"] if kind == "music" else []
    assert run([task, "evaluate", "--run", str(folder), "--json", *words]) == 0
    told = json.loads(capsys.readouterr().out)
    kept = files.read_json(folder / "scores.json")
    assert list(kept) == [told["signature"]]
    assert kept[told["signature"]]["scores"] == told["scores"]
    text = (folder / "README.md").read_text(encoding="utf-8")
    name = next(iter(told["scores"]))
    assert f"| `{name}` | the model |" in text
    assert ("## Samples" in text) == (kind != "lm"), "of text the samples are those of training"
    if kind == "music":
        assert "source:\n\n```text\na new piece\n```" in text
        assert " note" in text.partition("## Samples")[2]


def test_a_result_at_chance_level_is_told_with_what_to_do_next(
    copy: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gpt2kit.metrics.chance.Texts.verdict", lambda _: "9 of 20 are right")
    command = ["translate", "evaluate", "--run", str(copy)]
    assert run(command) == 0
    err = capsys.readouterr().err
    assert "WARNING 9 of 20 are right" in err
    assert "Train longer, or find the cause: gpt2kit translate train DATA --dry-run shows the number of steps, " in err
    assert "**No better than guessing:** `9 of 20 are right`" in (copy / "README.md").read_text(encoding="utf-8")
    assert run([*command, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["at_chance"] == "9 of 20 are right"


def test_a_card_of_one_s_own_is_kept_aloud(copy: Path, capsys: Capture) -> None:
    (copy / "README.md").write_text("mine", encoding="utf-8")
    assert run(["translate", "evaluate", "--run", str(copy)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("BLEU 100.00")
    assert f"{copy}/README.md was edited, so it is not updated" in err
    assert (copy / "README.md").read_text(encoding="utf-8") == "mine"
    assert (copy / "scores.json").is_file()


def test_scores_of_a_run_that_cannot_be_written_to_are_told_all_the_same(
    copy: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, value: object) -> None:
        raise MachineError(f"{path}: cannot be written: Read-only file system")

    monkeypatch.setattr(files, "write_json", refuse)
    assert run(["translate", "evaluate", "--run", str(copy)]) == 0
    out, err = capsys.readouterr()
    assert out.startswith("BLEU 100.00")
    assert "cannot save the scores in the run" in err
    assert "Read-only file system" in err
