"""A folder to type the pages' commands in, recipes that are small enough for a test, and a shell.

Bash runs a page's blocks as they are written. There `gpt2kit` is a function that hands its words and its standard input
to this process, so that no command starts Python and imports torch again.
"""

import io
import json
import lzma
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from gpt2kit import recipe
from gpt2kit.cli.app import run
from gpt2kit.music.midi import parse_midi, write_midi

ROOT = Path(__file__).parents[2]
SAMPLES = ROOT / "gpt2kit" / "samples"
REVIEWS = {"good": ["fine", "a joy", "well made", "funny"], "bad": ["dull", "a mess", "too long", "sad"]}
OPENING = 12
"""Seconds of the piece that the pages continue."""

TOOLS = ("cat", "head", "tail", "ls", "mkdir", "cp")
"""The programs that a page may use; bash cannot find any other."""

SHELL = r"""
set -euo pipefail
environment=$(export -p)
calls=0
gpt2kit() {
  local files="$SCRATCH/$BASHPID-$((++calls))" code
  if [ "$(export -p)" != "$environment" ]; then
    echo "a command runs in this process: the page may neither change the directory nor set variables" >&2
    return 99
  fi
  cat > "$files.in"
  printf '%s\0' "$files" "$#" "$@" >&"$CALLS"
  read -r -u "$CODES" code
  cat "$files.out"
  return "$code"
}
"""


def write_materials(folder: Path) -> None:
    """Write the files that the pages name, taken from the embedded samples."""
    text = (SAMPLES / "translate" / "train.tsv").read_text(encoding="utf-8")
    pairs = [line.split("\t") for line in text.split("\n") if line]
    (folder / "multi30k").mkdir()
    for split, part in {"train": pairs[:300], "val": pairs[300:310], "test_2016_flickr": pairs[310:316]}.items():
        for column, language in enumerate(("en", "fr")):
            lines = "".join(f"{pair[column]}\n" for pair in part)
            (folder / "multi30k" / f"{split}.{language}").write_text(lines, encoding="utf-8")
    (folder / "sentences.en").write_text("The cat sat.\n\nGood morning\n", encoding="utf-8")
    performances = SAMPLES / "music" / "piano.zip"
    shutil.copy(performances, folder / "maestro-v2.0.0-midi.zip")
    with zipfile.ZipFile(performances) as archive:
        first = next(name for name in archive.namelist() if name.endswith((".mid", ".midi")))
        write_midi(folder / "opening.mid", parse_midi(archive.read(first)).notes.sliced(stop=OPENING))
    articles = (SAMPLES / "summarize" / "heldout.jsonl").read_text(encoding="utf-8").splitlines(keepends=True)
    (folder / "wikipedia").mkdir()
    for split, rows in {"train": articles[:60], "val": articles[60:70]}.items():
        with lzma.open(folder / "wikipedia" / f"{split}.jsonl.xz", "wt", encoding="utf-8") as file:
            file.writelines(rows)
    (folder / "article.txt").write_text(json.loads(articles[70])["body"], encoding="utf-8")
    reviews = [(f"It was {word}.", label) for label, words in REVIEWS.items() for word in words]
    rows = [f"{text},{label}\n" for text, label in reviews * 10]
    (folder / "reviews.csv").write_text("".join(["text,label\n", *rows]), encoding="utf-8")
    (folder / "unlabeled.csv").write_text("text\nIt was grand.\nIt was grim.\n", encoding="utf-8")


@pytest.fixture(scope="session")
def materials(once: Callable[[str, Callable[[Path], None]], Path]) -> Path:
    """A folder with the files that the pages name."""
    return once("materials", write_materials)


def small(table: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """The tables of a recipe for two steps of a small model."""
    task, model, train, generate = ({**table[name]} for name in ("task", "model", "train", "generate"))
    if "vocab" in task:
        task["vocab"] = min(task["vocab"], 512)
    layers = len(kinds) if len(kinds := model["attention"].split(",")) > 1 else 2
    model |= {"size": "", "n_layer": layers, "n_head": 2, "n_embd": 16, "n_inner": 0, "n_positions": 128, "block": 32}
    train |= {"budget": "", "steps": 2, "samples": min(train["samples"], 1), "compile": "off"}
    train["batch_tokens"] = min(train["batch_tokens"], 1024)
    if not generate["roll"]:  # music and text are continued up to a length that the command names
        generate["max_new_tokens"] = min(generate["max_new_tokens"], 16)
    generate["seed"] = 1  # music of so small a model may be silent by chance
    return {"task": task, "model": model, "train": train, "generate": generate}


@pytest.fixture
def small_recipes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every recipe is checked as it is written, with the command's own settings, and then made small."""
    build = recipe.build

    def build_small(name: str, table: dict[str, Any]) -> recipe.Recipe:
        return build(name, small(build(name, table).table()))

    monkeypatch.setattr(recipe, "build", build_small)


@pytest.fixture
def shell(tmp_path: Path) -> Callable[[str, Path], None]:
    """`shell(block, folder)`: run a block of commands in a folder; each of them must succeed."""
    scratch, programs = tmp_path / "scratch", tmp_path / "programs"
    scratch.mkdir()
    programs.mkdir()
    for tool in TOOLS:
        (programs / tool).symlink_to(shutil.which(tool) or pytest.fail(f"this machine has no {tool}"))

    def execute(block: str, folder: Path) -> None:
        calls, calls_written = os.pipe()
        codes_read, codes = os.pipe()
        environment = {"PATH": str(programs), "SCRATCH": str(scratch)}
        environment |= {"CALLS": str(calls_written), "CODES": str(codes_read)}
        with open(scratch / "output", "w+") as output:
            process = subprocess.Popen(
                [shutil.which("bash") or "bash", "-c", f"{SHELL}\n{block}"],
                cwd=folder,
                env=environment,
                pass_fds=(calls_written, codes_read),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            os.close(calls_written)
            os.close(codes_read)
            said = ""
            with process, open(calls, "rb") as file, open(codes, "w") as answers:
                for files, words in requests(file):
                    code, said = command(words, files, folder)
                    answers.write(f"{code}\n")
                    answers.flush()
            output.seek(0)
            assert process.returncode == 0, f"{block}\n{said}\n{output.read()}"

    return execute


def requests(file: BinaryIO) -> Iterator[tuple[Path, list[str]]]:
    """The commands that the shell asks for, each with the path of its standard input and output without the ending."""
    while files := field(file):
        yield Path(files), [field(file) for _ in range(int(field(file)))]


def field(file: BinaryIO) -> str:
    """The characters up to the next zero byte, which is left out."""
    found = bytearray()
    while (byte := file.read(1)) not in (b"\0", b""):
        found += byte
    return os.fsdecode(bytes(found))


def command(words: list[str], files: Path, folder: Path) -> tuple[int, str]:
    """Run gpt2kit; returns its exit code and what it wrote to standard error."""
    messages = io.StringIO()
    with (
        open(files.with_suffix(".in"), encoding="utf-8") as stdin,
        open(files.with_suffix(".out"), "w", encoding="utf-8") as stdout,
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.chdir(folder)
        for name, stream in {"stdin": stdin, "stdout": stdout, "stderr": messages}.items():
            patch.setattr(sys, name, stream)
        return run(words), messages.getvalue()
