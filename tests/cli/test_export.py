"""`gpt2kit export` on the command line."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from gpt2kit.cli.app import run
from gpt2kit.export.safetensors import Safetensors
from gpt2kit.selftest.run_under_test import RunUnderTest

Capture = pytest.CaptureFixture[str]
RunOf = Callable[..., Path]


def test_the_checks_are_shown_and_then_the_size(run_of: RunOf, tmp_path: Path, capsys: Capture) -> None:
    out = tmp_path / "small"
    assert run(["export", str(run_of("translate")), "--to", "safetensors", "--out", str(out), "--dtype", "f16"]) == 0
    stdout, stderr = capsys.readouterr()
    assert stdout == ""
    first, facts, ids, logits, exact, answers, last = stderr.splitlines()
    assert first == f"writing {out}, then comparing it with {run_of('translate')}"
    assert facts.startswith("ok      facts equal the run's: 0 <= 0  transformers ")
    assert ids.startswith("ok      ids equal the run's: 0 <= 0  transformers ")
    assert logits.startswith("ok      logits equal the run's: ")
    assert " <= 5.0e-02  transformers " in logits
    assert exact.startswith("ok      logits equal those of the run's weights in f16: ")
    assert answers.startswith("ok      greedy answers equal the run's: 0 <= 0  transformers ")
    assert last.startswith(f"written to {out}: ")
    assert last.endswith(" MB in f16")


def test_json_has_the_checks(run_of: RunOf, tmp_path: Path, capsys: Capture) -> None:
    subject, out = str(run_of("translate")), str(tmp_path / "small")
    assert run(["export", subject, "--to", "safetensors", "--out", out, "--json"]) == 0
    stdout, stderr = capsys.readouterr()
    found = json.loads(stdout)
    assert stderr == ""
    assert (found["run"], found["to"], found["dtype"], found["out"]) == (subject, "safetensors", "bf16", out)
    assert [check["passed"] for check in found["checks"]] == [True] * 5
    assert found["bytes"] == sum(path.stat().st_size for path in Path(out).iterdir())


def test_what_is_replaced_is_said(run_of: RunOf, tmp_path: Path, capsys: Capture) -> None:
    words = ["export", str(run_of("translate")), "--to", "safetensors", "--out", str(tmp_path / "small")]
    assert run(words) == 0
    assert "--overwrite" not in capsys.readouterr().err
    assert run([*words, "--overwrite"]) == 0
    assert f"--overwrite replaces {tmp_path / 'small'}: " in capsys.readouterr().err


def test_the_default_name_is_next_to_the_run(copied: Callable[[Path], Path], run_of: RunOf) -> None:
    folder = copied(run_of("translate"))
    assert run(["export", f"{folder}/", "--to", "safetensors"]) == 0
    assert (folder.parent / "copy-safetensors" / "model.safetensors").is_file()


def test_a_failed_proof_ends_with_7(
    run_of: RunOf, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = Safetensors.write

    def wrong(self: Safetensors, subject: RunUnderTest, path: Path, dtype: str) -> None:
        subject.model.transformer.ln_f.weight.data *= -1
        write(self, subject, path, dtype)
        subject.model.transformer.ln_f.weight.data *= -1

    monkeypatch.setattr(Safetensors, "write", wrong)
    assert run(["export", str(run_of("translate")), "--to", "safetensors", "--out", str(tmp_path / "small")]) == 7
    stderr = capsys.readouterr().err
    assert "failed  logits equal the run's: " in stderr
    assert "checks of the export failed, nothing was written" in stderr
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--to", "safetensor"], "--to safetensor: unknown format; expected one of "),
        (["--to", "safetensors", "--dtype", "q4"], "--dtype q4: safetensors is written as one of bf16, f16, f32"),
        ([], "Missing option '--to'"),
    ],
)
def test_a_wrong_word_is_named(run_of: RunOf, tmp_path: Path, capsys: Capture, words: list[str], said: str) -> None:
    assert run(["export", str(run_of("translate")), "--out", str(tmp_path / "small"), *words]) == 2
    assert said in capsys.readouterr().err


def test_a_folder_that_is_not_a_run_is_refused(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "other").mkdir()
    assert run(["export", str(tmp_path / "other"), "--to", "safetensors"]) == 3
    assert "expected a run" in capsys.readouterr().err
    assert not (tmp_path / "other-safetensors").exists()
