"""What the tests of bad inputs share: a folder to run commands in, and what a command that fails says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.cli.app import run


@pytest.fixture
def workplace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def refusal(capsys: pytest.CaptureFixture[str]) -> Callable[..., str]:
    """`refusal(word, ..., code=3)`: the message of a command that ends with this exit code, and says nothing else."""

    def told(*words: str, code: int = 3) -> str:
        capsys.readouterr()
        assert run([*words, "--json"]) == code
        out, err = capsys.readouterr()
        assert out == ""
        answer = json.loads(err)
        assert (answer["ok"], answer["error"]["code"]) == (False, code)
        message: str = answer["error"]["message"]
        return message

    return told


@pytest.fixture
def tiny(examples: Callable[[str], Any]) -> Callable[[str], list[str]]:
    """`tiny(task)`: the settings of a task's examples as words of the command line."""
    return lambda task: [word for setting in examples(task).TINY for word in ("--set", setting)]
