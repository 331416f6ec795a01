"""Shell completion: what Tab offers in bash, asked as bash asks, and where `--install-completion` writes."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gpt2kit import recipe
from gpt2kit.cli.app import run

Capture = pytest.CaptureFixture[str]


@pytest.fixture
def offered(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> "Offered":
    return Offered(capsys, monkeypatch)


class Offered:
    """The words that Tab offers at the end of a line."""

    def __init__(self, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
        self.capsys, self.monkeypatch = capsys, monkeypatch

    def __call__(self, line: str) -> list[str]:
        words = [*line.split(), *([""] if line.endswith(" ") else [])]
        self.monkeypatch.setenv("_GPT2KIT_COMPLETE", "complete_bash")
        self.monkeypatch.setenv("COMP_WORDS", line)
        self.monkeypatch.setenv("COMP_CWORD", str(len(words) - 1))
        assert run([]) == 0
        return self.capsys.readouterr().out.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("gpt2kit transl", ["translate"]),
        ("gpt2kit music rend", ["render"]),
        ("gpt2kit translate train --bud", ["--budget"]),
        ("gpt2kit translate train --recipe mult", ["multi30k"]),
        ("gpt2kit translate train --recipe mine", []),
        ("gpt2kit summarize prepare --cut ", ["head", "head-tail", "tfidf", "long"]),
        ("gpt2kit translate show --split v", ["val"]),
        ("gpt2kit lm train --device c", ["cpu", "cuda"]),
        ("gpt2kit demo fine", ["finetune"]),
        ("gpt2kit recipes show ", recipe.shipped()),
    ],
)
def test_what_tab_offers(line: str, words: list[str], offered: Offered) -> None:
    assert offered(line) == words


def test_the_verbs_of_a_task(offered: Offered) -> None:
    assert set(offered("gpt2kit music ")) == {
        "prepare",
        "show",
        "train",
        "generate",
        "evaluate",
        "render",
        "infill",
        "accompany",
    }


@pytest.mark.parametrize(
    ("line", "option"),
    [
        ("gpt2kit translate --be", "--beams"),
        ("gpt2kit translate --run r --be", "--beams"),
        ("gpt2kit translate generate --be", "--beams"),
        ("gpt2kit music --sec", "--seconds"),
        ("gpt2kit translate --he", "--help"),
    ],
)
def test_the_verb_that_may_be_left_out(line: str, option: str, offered: Offered) -> None:
    assert offered(line) == [option]


def test_bash_completes(tmp_path: Path) -> None:
    """The script that `--show-completion` prints, in a bash of its own."""
    bash = shutil.which("bash")
    if bash is None:
        pytest.skip("no bash")
    command = tmp_path / "gpt2kit"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m gpt2kit "$@"\n')
    command.chmod(0o755)
    script = (
        "source <(_GPT2KIT_COMPLETE=source_bash gpt2kit)\n"
        "COMP_WORDS=(gpt2kit translate tra); COMP_CWORD=2\n"
        "_gpt2kit_completion gpt2kit\n"
        'printf "%s\\n" "${COMPREPLY[@]}"\n'
    )
    environment = os.environ | {"PATH": f"{tmp_path}{os.pathsep}{os.environ['PATH']}", "HOME": str(tmp_path)}
    done = subprocess.run([bash, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert (done.stdout, done.stderr) == ("train\n", "")


def test_completion_loads_nothing_heavy(tmp_path: Path) -> None:
    script = (
        "import contextlib, io, json, sys\n"
        "from gpt2kit.cli.app import run\n"
        "with contextlib.redirect_stdout(io.StringIO()):\n"
        "    run([])\n"
        "sys.stdout.write(json.dumps(sorted({'torch', 'numpy', 'tokenizers'} & sys.modules.keys())))\n"
    )
    asked = {"_GPT2KIT_COMPLETE": "complete_bash", "COMP_WORDS": "gpt2kit music train --rec", "COMP_CWORD": "3"}
    environment = os.environ | asked | {"HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, env=environment, check=True)
    assert json.loads(done.stdout) == []


def test_it_is_printed(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("typer.completion._get_shell_name", lambda: "zsh")
    assert run(["--show-completion"]) == 0
    assert "#compdef gpt2kit" in capsys.readouterr().out


@pytest.mark.parametrize("option", ["--show-completion", "--install-completion"])
def test_an_unknown_shell_is_an_environment_that_lacks_one(
    option: str, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    for module in ("completion", "_completion_shared"):
        monkeypatch.setattr(f"typer.{module}._get_shell_name", lambda: None)
    assert run([option]) == 4
    assert "not supported" in "".join(capsys.readouterr())
    assert list(tmp_path.iterdir()) == []


def test_it_is_installed_for_the_shell(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("typer._completion_shared._get_shell_name", lambda: "bash")
    assert run(["--install-completion"]) == 0
    assert "bash completion installed in" in capsys.readouterr().out
    (script,) = (tmp_path / ".bash_completions").iterdir()
    assert f"source '{script}'" in (tmp_path / ".bashrc").read_text()
    assert "_GPT2KIT_COMPLETE=complete_bash" in script.read_text()
