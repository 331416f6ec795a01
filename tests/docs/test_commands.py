"""The commands and the Python of README and docs.

A `sh` block runs as it stands, with small recipes, in a folder with the files of `materials`; each page has its own,
with the prepared folders and runs that it names and README makes. A `python` block runs after the page's commands. Of a
`bash` block, which needs what a test does not have, each command and its options must exist.
"""

import importlib.metadata
import re
import shlex
import shutil
import subprocess
import sys
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.core import TyperCommand

from gpt2kit.cli.app import run

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
DOCS = sorted((ROOT / "docs").glob("*.md"))
SETUP = ("pip install torch==2.13.0 . && gpt2kit demo", "pip install torch==2.13.0 -e '.[dev]' && pytest")
"""The two commands that set everything up: one is how this test came to run, tests/cli/test_demo.py is the other."""

Shell = Callable[[str, Path], None]


def blocks(page: Path, language: str) -> list[str]:
    """The code blocks of a language, without the indentation of a list that they are in."""
    found = re.findall(rf"^( *)```{language}\n(.*?)^\1```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    return [textwrap.dedent(block) for _, block in found]


def commands(page: Path) -> list[str]:
    """The `sh` blocks without the commands that set up."""
    lines = [block.splitlines(keepends=True) for block in blocks(page, "sh")]
    return ["".join(line for line in block if not line.startswith(SETUP)) for block in lines]


def calls(block: str) -> list[list[str]]:
    """The words after each `gpt2kit` of a block."""
    found = []
    for line in block.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars=True)
        lexer.whitespace_split = True
        call: list[str] = []
        for word in [*lexer, ";"]:
            if set(word) <= set(lexer.punctuation_chars):  # between commands, or before the file of a redirection
                while call and call[0] != "gpt2kit":
                    call.pop(0)
                found += [call[1:]] if call else []
                call = []
            else:
                call.append(word)
    return found


def made_by(page: Path) -> set[str]:
    """The folders that the commands of a page write."""
    return set(re.findall(r"--out[ =]((?:data|runs)/[\w-]+)", "\n".join(commands(page))))


def used_by(page: Path) -> set[str]:
    """The prepared folders and runs that a page names and does not make."""
    text = "\n".join([*commands(page), *blocks(page, "python")])
    return set(re.findall(r"\b(?:data|runs)/[\w-]+", text)) - made_by(page)


@pytest.fixture
def carried_out(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, small_recipes: None, short_pieces: None
) -> Callable[[Path, Path], None]:
    """`carried_out(page, folder)`: run a page's commands and Python there."""

    def carry_out(page: Path, folder: Path) -> None:
        monkeypatch.chdir(folder)
        for block in commands(page):
            shell(block, folder)
        for block in blocks(page, "python"):
            exec(compile(block, str(page), "exec"), {"__name__": "__main__"})

    return carry_out


@pytest.fixture
def after_readme(
    once: Callable[..., Path], materials: Path, carried_out: Callable[[Path, Path], None]
) -> Callable[[], Path]:
    """The folder in which README's commands have run; the other pages continue with what they made."""

    def make(folder: Path) -> None:
        shutil.copytree(materials, folder, dirs_exist_ok=True)
        carried_out(README, folder)

    return lambda: once("after-readme", make)


def test_readme_has_commands_and_sets_up() -> None:
    assert "translate train" in "".join(commands(README))
    lines = "".join(blocks(README, "sh")).split("\n")
    assert all(any(line.startswith(setup) for line in lines) for setup in SETUP)


def test_readme_runs_as_written(after_readme: Callable[[], Path]) -> None:
    folder = after_readme()
    assert len((folder / "sentences.fr").read_text(encoding="utf-8").split("\n")) == 4
    assert {f"piece{kind}" for kind in (".mid", ".wav", ".png", ".html")} <= {path.name for path in folder.iterdir()}


# peft asks transformers by a name that the latter has given up
@pytest.mark.filterwarnings("ignore:.is_gradient_checkpointing. is deprecated:FutureWarning")
# Trainer asks for pinned memory, also without a GPU
@pytest.mark.filterwarnings("ignore:'pin_memory' argument is set as true:UserWarning")
@pytest.mark.parametrize("page", DOCS, ids=[page.stem for page in DOCS])
def test_a_page_runs_as_written(
    page: Path,
    tmp_path: Path,
    materials: Path,
    after_readme: Callable[[], Path],
    carried_out: Callable[[Path, Path], None],
) -> None:
    workplace = Path(shutil.copytree(materials, tmp_path / "workplace"))
    for name in used_by(page):
        assert name in made_by(README), f"{page.name} uses {name}, which neither this page nor README makes"
        shutil.copytree(after_readme() / name, workplace / name)
    carried_out(page, workplace)


NOT_RUN = {page.stem: found for page in [README, *DOCS] if (found := blocks(page, "bash"))}
"""The `bash` blocks of each page that has some."""


@pytest.mark.parametrize("page", NOT_RUN)
def test_commands_that_are_not_run_exist(page: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TyperCommand, "invoke", lambda command, context: None)
    found = [words for block in NOT_RUN[page] for words in calls(block)]
    assert found
    for words in found:
        assert run(words) == 0, shlex.join(["gpt2kit", *words])


def test_the_installed_command_is_this_package() -> None:
    program = Path(sys.executable).parent / "gpt2kit"
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"{importlib.metadata.version('gpt2kit')}\n"
