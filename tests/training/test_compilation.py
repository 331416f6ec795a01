"""Which runs are compiled, and what torch.compile lacks on a CPU."""

import shutil
import sysconfig
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.data.batches import RowBatches
from gpt2kit.data.store import Store
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training import compiler
from gpt2kit.training.compilation import PAYS_BACK, REACHED, expected_flop, wants_compile

LONG = 2 * PAYS_BACK
CPU = torch.device("cpu")


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A machine that has all of it; returns the folder of the headers."""
    (tmp_path / "Python.h").touch()
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setattr("sys.platform", "linux")
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/g++" if name == "g++" else None)
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path))
    return tmp_path


def test_with_a_compiler_and_headers_a_long_run_is_compiled(complete: Path) -> None:
    assert compiler.lacking() is None
    assert wants_compile(TrainConfig(), CPU, LONG)
    assert not wants_compile(TrainConfig(), CPU, PAYS_BACK / 2)


def test_without_a_compiler_it_runs_eagerly(complete: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where there is another one than the one that torch calls."""
    monkeypatch.setattr(shutil, "which", lambda name: "/bin/clang++" if name == "clang++" else None)
    assert compiler.lacking() == "no C++ compiler (g++)"
    assert not wants_compile(TrainConfig(), CPU, LONG)
    monkeypatch.setenv("CXX", "clang++")
    assert compiler.lacking() is None
    monkeypatch.delenv("CXX")
    monkeypatch.setattr("sys.platform", "darwin")
    assert compiler.lacking() is None


def test_without_python_s_headers_it_runs_eagerly(complete: Path) -> None:
    (complete / "Python.h").unlink()
    assert str(compiler.lacking()).startswith(f"no Python.h in {complete}")
    assert not wants_compile(TrainConfig(), CPU, LONG)


def test_compile_is_for_long_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    auto = TrainConfig(compile="auto")
    assert wants_compile(auto, CPU, 1e16)
    assert not wants_compile(auto, CPU, 1e10)
    assert wants_compile(auto, torch.device("cuda"), 1e16)
    assert wants_compile(TrainConfig(compile="on"), CPU, 0)
    assert not wants_compile(TrainConfig(compile="off"), CPU, 1e20)
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert not wants_compile(auto, CPU, 1e16), "without a C++ compiler there is nothing to wait for"


def test_the_flop_of_a_run_are_those_of_its_steps_or_its_time(
    store_of: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = GPT2(ModelConfig(n_layer=1, n_head=2, n_embd=16, n_positions=16), 20)
    batches = RowBatches(store_of([([1, 2], [3, 0])] * 8), 8, 0)
    assert len(batches) == 4, "of two rows each"
    flop = expected_flop(TrainConfig(), model, batches, 100, CPU)
    assert flop == pytest.approx(100 * 6 * model.parameter_count() * 8)
    monkeypatch.setattr("gpt2kit.training.speed.peak", lambda device, dtype: 1e12)
    assert expected_flop(TrainConfig(budget="2m"), model, batches, 100, CPU) == pytest.approx(REACHED * 120e12)
