"""The record's loss: which line it is, that it comes out again, and that it does not from other weights."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gpt2kit import tensor_files
from gpt2kit.config import TrainConfig
from gpt2kit.selftest.check import Check
from gpt2kit.selftest.record import recorded, reproduced
from gpt2kit.selftest.run_under_test import RunUnderTest, opened

RunOf = Callable[..., Path]
Copied = Callable[[Path], Path]

CPU = torch.device("cpu")
LAST, BEST = TrainConfig(), TrainConfig(keep="best")


def checked(subject: RunUnderTest) -> Check:
    batching = subject.task.layout.batching(subject.model.config.n_positions, subject.recipe.train.loss_on)
    return reproduced(subject, batching, CPU)


def write(run: Path, *lines: dict[str, float | bool]) -> None:
    (run / "metrics.jsonl").write_text("".join(f"{json.dumps(line)}\n" for line in lines), encoding="utf-8")


def test_the_line_of_the_weights_that_were_kept(tmp_path: Path) -> None:
    assert recorded(tmp_path, LAST, None) == "the run has not measured a validation loss"
    write(
        tmp_path,
        {"step": 1, "loss": 9},
        *({"step": n, "validation_loss": v} for n, v in ((2, 3.5), (4, 2.5), (6, 2.75))),
    )
    assert recorded(tmp_path, LAST, None) == (6, 2.75, 0)
    assert recorded(tmp_path, BEST, None) == (4, 2.5, 0)
    assert recorded(tmp_path, LAST, 2) == (2, 3.5, 0)
    assert recorded(tmp_path, BEST, 3) == "no validation loss was measured at step 3, which the weights are from"


def test_the_line_of_a_validation_that_was_cut_short(tmp_path: Path) -> None:
    """Its mean over other batches may be above the loss that it was compared with."""
    first = {"step": 2, "validation_loss": 3.5, "best": True}
    write(tmp_path, first, {"step": 4, "validation_loss": 3.75, "best": True, "validation_batches": 3})
    assert recorded(tmp_path, BEST, None) == recorded(tmp_path, LAST, None) == (4, 3.75, 3)
    write(tmp_path, first, {"step": 4, "validation_loss": 3.25, "best": False, "validation_batches": 3})
    assert recorded(tmp_path, BEST, None) == (2, 3.5, 0)
    assert recorded(tmp_path, LAST, None) == (4, 3.25, 3)


def test_a_line_that_is_being_written_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, {"step": 2, "validation_loss": 3.5})
    with (tmp_path / "metrics.jsonl").open("a", encoding="utf-8") as file:
        file.write('{"step": 4, "validation_l')
    assert recorded(tmp_path, LAST, None) == (2, 3.5, 0)


@pytest.mark.parametrize("kind", ["translate", "music", "lm", "labelled", "choice", "lora", "best"])
def test_the_loss_comes_out_again(run_of: RunOf, kind: str) -> None:
    if kind == "lora":
        run = run_of("translate", "train.lora=2", init=run_of("translate"))
    else:
        run = run_of("translate", "train.keep=best") if kind == "best" else run_of(kind)
    check = checked(opened(run))
    assert check.passed, check.remark
    assert check.figure is not None
    assert check.figure < 1e-6, "it is the same machine"


@pytest.mark.parametrize("kind", ["translate", "music", "labelled"])
def test_other_weights_are_found(run_of: RunOf, copied: Copied, kind: str) -> None:
    run = copied(run_of(kind))
    tensors, metadata = tensor_files.read_tensors(run / "model.safetensors")
    tensors["transformer.ln_f.weight"][0] *= -1
    tensor_files.write_tensors(run / "model.safetensors", tensors, metadata)
    check = checked(opened(run))
    assert check.passed is False
    assert check.limit is not None
    assert check.figure is not None
    assert check.figure > check.limit


def test_without_data_or_record_it_is_skipped(run_of: RunOf, copied: Copied) -> None:
    subject = opened(copied(run_of("translate")))
    assert checked(replace(subject, store=None, without="gone")).remark == "gone"
    (subject.run.path / "metrics.jsonl").unlink()
    assert checked(subject).passed is None


def test_in_another_arithmetic_the_limit_is_wider(run_of: RunOf, monkeypatch: pytest.MonkeyPatch) -> None:
    """bf16 may have measured it on a machine that has it."""
    subject = opened(run_of("translate"))
    strict = checked(subject).limit
    config = replace(subject.recipe.train, dtype="bf16")
    monkeypatch.setattr("gpt2kit.selftest.record.native_bf16", lambda device: False)
    check = checked(replace(subject, recipe=replace(subject.recipe, train=config)))
    assert "in fp32" in check.remark
    assert check.limit is not None
    assert strict is not None
    assert check.limit == pytest.approx(100 * strict)
