"""Prepare by itself; what it writes is tested with the tasks and with training."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import gpt2kit
from gpt2kit import recipe
from gpt2kit.errors import UserError
from gpt2kit.pipeline.prepare import EXAMPLE_TOKENS, rendered
from gpt2kit.runs.prepared import Prepared

PROGRAM = """
import sys
from gpt2kit.cli.app import run

for task, *corpus in (
    ("lm", "a.txt"), ("finetune", "a.csv"), ("summarize", "a.jsonl"), ("translate", "a.tsv"),
):
    assert run([task, "prepare", *corpus, "--val", *corpus, "--out", task, "--set", "task.vocab=300"]) == 0
assert "torch" not in sys.modules, "nobody waits for it"
"""


def test_it_needs_no_torch(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("some text", encoding="utf-8")
    (tmp_path / "a.csv").write_text("text,label\none,x\ntwo,y\n", encoding="utf-8")
    (tmp_path / "a.jsonl").write_text('{"body": "A long text. It goes on.", "lead": "A text"}\n', encoding="utf-8")
    (tmp_path / "a.tsv").write_text("one\tun\n", encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", PROGRAM], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_examples_are_cut_between_characters(tmp_path: Path) -> None:
    """A tokenizer that has seen no such text has a token for each byte: its cuts are within characters."""
    (tmp_path / "a.tsv").write_text("й" * 200 + "\ta" + "日" * 200 + "\n", encoding="utf-8")
    (tmp_path / "known.txt").write_text("some text", encoding="utf-8")
    gpt2kit.prepare(recipe.load("lm", ["task.vocab=300"]), {"train": [str(tmp_path / "known.txt")]}, tmp_path / "known")
    translate = recipe.load("translate", [f'task.tokenizer="{tmp_path / "known"}"', "model.n_positions=1024"])
    gpt2kit.prepare(translate, {"train": [str(tmp_path / "a.tsv")]}, tmp_path / "data")
    half = EXAMPLE_TOKENS // 2
    kept = "й" * ((half - 1) // 2)  # the last of the half is the token of the language
    assert rendered(Prepared.open(tmp_path / "data")) == [
        f"{'й' * (half // 2)} … {kept}<to-fr> → a{'日' * ((half - 1) // 3)} …"
    ]


def test_a_pipe_is_refused(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.txt"
    os.mkfifo(pipe)
    with pytest.raises(UserError, match=r"pipe.txt: a pipe can be read only once, and prepare reads a corpus twice"):
        gpt2kit.prepare(recipe.load("lm"), {"train": [str(pipe)]}, tmp_path / "data")
