"""What torch.compile lacks on a CPU, and that a run is not compiled then."""

import shutil
import sysconfig
from pathlib import Path

import pytest
import torch

from gpt2kit.config import TrainConfig
from gpt2kit.training import compiler
from gpt2kit.training.compiler import PAYS_BACK, wants_compile

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
