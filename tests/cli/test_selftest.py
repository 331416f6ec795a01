"""`gpt2kit selftest`: a line a check, and exit code 7 with the right line for a run that was broken."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpt2kit import files, tensor_files
from gpt2kit.cli.app import run

Capture = pytest.CaptureFixture[str]
Break = Callable[[Path], None]


def flip_a_weight(folder: Path) -> None:
    tensors, metadata = tensor_files.read_tensors(folder / "model.safetensors")
    tensors["transformer.wpe.weight"][63, 3] *= -1  # where no row of its data reaches: the loss is the same
    tensor_files.write_tensors(folder / "model.safetensors", tensors, metadata)


def swap_merges(folder: Path) -> None:
    tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    tokenizer["model"]["merges"].reverse()
    (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")


def forge_the_record(folder: Path) -> None:
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    forged = [line | ({"validation_loss": 0.5} if "validation_loss" in line else {}) for line in lines]
    (folder / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in forged), encoding="utf-8")


@pytest.fixture(autouse=True)
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fewer steps: there are tests of each check."""
    monkeypatch.setattr("gpt2kit.selftest.logits.STEPS", 4)
    monkeypatch.setattr("gpt2kit.selftest.probes.COUNT", 2)


@pytest.fixture
def copy(by_heart: Path, tmp_path: Path, copy_run: Callable[[Path, Path], Path]) -> Path:
    return copy_run(by_heart, tmp_path / "run")


def selftest(folder: Path, capsys: Capture, *words: str) -> tuple[int, dict[str, Any], str]:
    """(exit code, result, what stands on stderr)."""
    code = run(["selftest", str(folder), "--json", *words])
    out, err = capsys.readouterr()
    return code, json.loads(out), err


def test_a_sound_run_passes(by_heart: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    code, told, err = selftest(by_heart, capsys)
    assert (code, err) == (0, "")
    assert told["passed"] is True
    assert all(check["passed"] is not False for check in told["checks"])
    assert sum(check["passed"] is True for check in told["checks"]) >= 8
    assert run(["selftest", str(by_heart)]) == 0
    out = capsys.readouterr().out
    assert all(any(check["name"] in line for line in out.splitlines()) for check in told["checks"])


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (flip_a_weight, {"weights as recorded"}),
        (forge_the_record, {"validation loss as recorded"}),
        (swap_merges, {"tokenizer as recorded", "validation round trip"}),
    ],
)
def test_a_broken_run_fails_the_right_check(copy: Path, capsys: Capture, damage: Break, found: set[str]) -> None:
    damage(copy)
    code, told, err = selftest(copy, capsys)
    assert code == 7
    assert told["passed"] is False
    assert {check["name"] for check in told["checks"] if check["passed"] is False} == found
    error = json.loads(err)["error"]
    assert error["code"] == 7
    assert f"{len(found)} of {len(told['checks'])} checks failed" in error["message"]


def test_lines_say_what_failed(copy: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    forge_the_record(copy)
    assert run(["selftest", str(copy)]) == 7
    out, err = capsys.readouterr()
    (failed,) = [line for line in out.splitlines() if line.startswith("failed")]
    assert "validation loss as recorded" in failed
    assert "0.50000 at step 60" in failed
    assert "1 of " in err
    assert "checks failed: validation loss as recorded" in err


def test_data_that_was_moved_is_named(copy: Path, capsys: Capture) -> None:
    described = files.read_json(copy / "run.json")
    files.write_json(copy / "run.json", described | {"data": str(copy / "gone")})
    code, told, _ = selftest(copy, capsys)
    skipped = {check["name"]: check["remark"] for check in told["checks"] if check["passed"] is None}
    assert code == 0
    assert skipped["validation loss as recorded"] == (
        f"{copy}: its prepared data {copy / 'gone'} no longer exists; "
        "if it was moved, name its new place with --data DIR"
    )
    code, told, _ = selftest(copy, capsys, "--data", described["data"])
    assert {check["name"] for check in told["checks"] if check["passed"] is None} <= {"bf16 equals fp32"}


def test_what_is_no_run_is_refused(tmp_path: Path, capsys: Capture) -> None:
    assert run(["selftest", str(tmp_path / "nowhere")]) == 3
    assert "is not a directory" in capsys.readouterr().err
