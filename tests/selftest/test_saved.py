"""Saved and loaded: the same to the last bit, or the tensor that is not is named."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gpt2kit import tensor_files
from gpt2kit.model import hf
from gpt2kit.selftest.probes import probes
from gpt2kit.selftest.run_under_test import opened
from gpt2kit.selftest.saved import saved_equals_loaded, weights_as_recorded

RunOf = Callable[..., Path]
Copied = Callable[[Path], Path]


def lora(run_of: RunOf) -> Path:
    return run_of("translate", "train.lora=2", init=run_of("translate"))


@pytest.mark.parametrize("kind", ["translate", "music", "labelled", "lora"])
def test_every_kind_of_run_comes_back(run_of: RunOf, kind: str) -> None:
    subject = opened(lora(run_of) if kind == "lora" else run_of(kind))
    check = saved_equals_loaded(subject, probes(subject))
    assert (check.passed, check.figure) == (True, 0), check.remark
    assert check.remark.endswith("bit for bit")


@pytest.mark.parametrize("kind", ["translate", "lora"])
def test_a_bit_that_changes_on_the_way_is_found(run_of: RunOf, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    subject = opened(lora(run_of) if kind == "lora" else run_of(kind))
    given, honest = probes(subject), hf.save

    def damaged(folder: Path, *arguments: Any, **options: Any) -> None:
        honest(folder, *arguments, **options)
        (path,) = folder.glob("*.safetensors")
        tensors, metadata = tensor_files.read_tensors(path)
        name = next(name for name in tensors if "c_attn" in name and tensors[name].any())
        tensors[name].view(-1)[tensors[name].abs().argmax()] *= 1 + 1e-6
        tensor_files.write_tensors(path, tensors, metadata)

    monkeypatch.setattr(hf, "save", damaged)
    check = saved_equals_loaded(subject, given)
    assert check.passed is False
    assert check.figure is not None
    assert check.figure >= 1
    assert "c_attn" in check.remark
    assert check.remark.endswith(" differ")


@pytest.mark.parametrize("kind", ["translate", "labelled", "lora"])
def test_any_flipped_weight_in_the_file_is_found(run_of: RunOf, copied: Copied, kind: str) -> None:
    run = copied(lora(run_of) if kind == "lora" else run_of(kind))
    assert weights_as_recorded(opened(run)).passed
    (path,) = run.glob("*model.safetensors")
    tensors, metadata = tensor_files.read_tensors(path)
    smallest = min(tensors, key=lambda name: tensors[name].numel())
    tensors[smallest].view(-1)[-1] += 1e-6
    tensor_files.write_tensors(path, tensors, metadata)
    check = weights_as_recorded(opened(run))
    assert check.passed is False
    assert f"{path.name}, " in check.remark
    assert f"its header says {metadata[tensor_files.DIGEST][:16]}" in check.remark
    tensor_files.write_tensors(path, tensors, {"format": "pt"})
    assert "has no digest" in weights_as_recorded(opened(run)).remark
    assert weights_as_recorded(replace(opened(run), step=3)).passed is None
