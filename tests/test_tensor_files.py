"""Tensors are read as they were written; damage is noticed."""

from pathlib import Path

import pytest
import torch

from gpt2kit import tensor_files
from gpt2kit.errors import DataError


def test_tensors_come_back(tmp_path: Path) -> None:
    tensors = {"a": torch.randn(2, 3), "b": torch.arange(4, dtype=torch.uint8)}
    tensor_files.write_tensors(tmp_path / "file", tensors, {"key": "é"})
    found, metadata = tensor_files.read_tensors(tmp_path / "file")
    assert metadata == {"key": "é"}
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


def test_tensors_that_are_missing_or_damaged(tmp_path: Path) -> None:
    path = tmp_path / "file"
    with pytest.raises(DataError, match="file is missing"):
        tensor_files.read_tensors(path)
    tensor_files.write_tensors(path, {"a": torch.ones(100)}, {})
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(DataError, match="damaged"):
        tensor_files.read_tensors(path)


def test_equal_tensors_are_equal_files(tmp_path: Path) -> None:
    """Though safetensors shuffles what stands in its header."""
    tensors = {"b": torch.arange(6.0).view(2, 3), "élève": torch.ones(1)}
    metadata = {name: f'"{name}" é\n\\' for name in ("format", "z", "a", "progress", "n")}
    for number in range(8):
        tensor_files.write_tensors(tmp_path / f"{number}", tensors, metadata)
    assert len({(tmp_path / f"{number}").read_bytes() for number in range(8)}) == 1
    found, told = tensor_files.read_tensors(tmp_path / "0")
    assert told == metadata
    assert found.keys() == tensors.keys()
    assert all(torch.equal(found[name], tensors[name]) for name in tensors)


def test_a_digest_is_of_names_shapes_and_every_bit() -> None:
    tensors = {"a": torch.arange(6.0).view(2, 3), "b": torch.ones(())}
    digest = tensor_files.digest(tensors)
    assert tensor_files.digest(dict(reversed(tensors.items()))) == digest
    assert tensor_files.digest({"a": tensors["a"].t().contiguous().t(), "b": tensors["b"]}) == digest
    others = [
        tensors | {"b": torch.tensor(1 + 1e-7)},
        tensors | {"a": tensors["a"].view(3, 2)},
        tensors | {"a": tensors["a"].view(torch.int32)},
        {"a": tensors["a"]},
        {"a": tensors["a"], "c": tensors["b"]},
    ]
    assert digest not in map(tensor_files.digest, others)
