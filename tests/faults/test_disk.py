"""Disks that are full and folders that nothing can be written into: told, and what was there before is there still.

A limit on the size of files stands for a full disk: every writer meets it, in the middle of a file, and root does, too.
"""

import os
import resource
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit import files, recipe
from gpt2kit.cli.app import run
from gpt2kit.errors import MachineError, UserError
from gpt2kit.pipeline.evaluate import evaluate_records
from gpt2kit.pipeline.evaluation_sets import stored_records
from gpt2kit.recipe import Recipe
from gpt2kit.runs.folder import Run

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="limits files as POSIX does")

Contents = Callable[[Path], dict[str, bytes]]


@contextmanager
def full_beyond(size: int) -> Iterator[None]:
    """No file can grow beyond so many bytes."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def tried(work: Callable[[], object], size: int) -> bool:
    """Whether it was done; what goes wrong otherwise is the machine's fault, in words."""
    failure = ""
    try:
        with full_beyond(size):
            work()
    except MachineError as error:
        failure = str(error)
    assert not failure or ("cannot be written: " in failure and "File too large" in failure)
    return not failure


@pytest.mark.parametrize("task", ["translate", "summarize", "lm", "music"])
def test_a_full_disk_while_preparing(
    examples: Callable[[str], Any], tmp_path: Path, contents: Contents, task: str
) -> None:
    """Wherever it is full: ids, texts, names, tokenizer, report."""
    module = examples(task)
    corpus = {"train": module.write_corpus(tmp_path), "val": module.write_corpus(tmp_path)}
    tiny = recipe.load(task, module.TINY)
    out = tmp_path / "data"
    gpt2kit.prepare(tiny, corpus, out)
    sizes = {len(content) for content in contents(out).values()}
    (out / ".old.tmp").write_text("old")
    before, beside = contents(out), sorted(os.listdir(tmp_path))
    outcomes = []
    for size in sorted({0, 1, *(size - 1 for size in sizes if size), max(sizes)}):
        outcomes.append(tried(lambda: gpt2kit.prepare(tiny, corpus, out, overwrite=True), size))
        assert contents(out) == {
            name: content for name, content in before.items() if name != ".old.tmp" or not outcomes[-1]
        }
        assert sorted(os.listdir(tmp_path)) == beside, "nothing is left lying about"
    assert outcomes == [False] * (len(outcomes) - 1) + [True]


def test_a_full_disk_while_training(tiny: Recipe, tmp_path: Path, contents: Contents) -> None:
    """What was saved stays, and once there is room the run goes on from it as if nothing had been."""
    data, whole, run = (tmp_path / name for name in ("data", "whole", "run"))
    list(gpt2kit.train(tiny, data, whole))
    before: dict[str, bytes] = {}

    def live() -> None:
        for event in gpt2kit.train(tiny, data, run, resume=run.exists()):
            if getattr(event, "step", 0) == 5 and not before:
                before.update(contents(run))
                resource.setrlimit(resource.RLIMIT_FSIZE, (4000, resource.getrlimit(resource.RLIMIT_FSIZE)[1]))

    assert not tried(live, 1 << 30)
    assert len(before["state.safetensors"]) > 4000
    after = contents(run)
    assert after.pop("metrics.jsonl").startswith(before.pop("metrics.jsonl"))
    assert after == before
    live()
    assert (run / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()


def test_no_room_for_the_log(tiny: Recipe, tmp_path: Path) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    events = gpt2kit.train(tiny, data, run)
    next(events)  # before the first step, whose line is longer than what there is room for
    with (
        full_beyond(10),
        pytest.raises(MachineError, match=r"metrics\.jsonl: cannot be written: File too large"),
    ):
        list(events)
    list(gpt2kit.train(tiny, data, run, resume=True))
    assert files.read_json(run / "run.json")["finished"] is True


def test_a_full_disk_while_evaluating(by_heart: Path, tmp_path: Path) -> None:
    """Predictions are there when all of them are."""
    opened = gpt2kit.load(by_heart)
    path = tmp_path / "said.jsonl"
    path.write_text("old")

    def evaluate() -> None:
        name, records = stored_records(Run(by_heart).prepared, opened.task, "val")
        evaluate_records(opened, records, name, path)

    for size in (0, 50, 200):
        assert not tried(evaluate, size)
        assert path.read_text() == "old"
        assert os.listdir(tmp_path) == ["said.jsonl"]
    assert tried(evaluate, 1 << 20)
    assert path.read_text(encoding="utf-8").count("\n") == 4


@pytest.mark.parametrize("place", ["file/out", "/proc/out", "/dev/null/out", "x" * 300])
@pytest.mark.parametrize("verb", ["prepare", "train", "evaluate", "music"])
def test_an_output_that_cannot_be_made(
    by_heart: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    verb: str,
    place: str,
) -> None:
    """Below a file, where the system lets nobody write, under a name that is too long: told before any work."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").write_text("precious")
    data, table = str(by_heart.parent / "data"), str(by_heart.parent / "corpus.jsonl")
    commands = {
        "prepare": ["translate", "prepare", table, "--out", place],
        "train": ["translate", "train", data, "--out", place, "--set", "model.n_positions=64"],
        "evaluate": ["translate", "evaluate", "--run", str(by_heart), "--on", table, "--predictions", f"{place}/a"],
        "music": ["music", "generate", "--run", "nowhere", "--out", f"{place}/a.mid"],
    }
    monkeypatch.setattr("gpt2kit.training.loop.Loop.run", lambda *_: pytest.fail("it was not told before"))
    monkeypatch.setattr("gpt2kit.pipeline.engine.Engine.results", lambda *_: pytest.fail("it was not told before"))
    assert run(commands[verb]) == 4
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("error ")
    assert place.split("/")[-1] in err or place.split("/")[0] in err
    assert (tmp_path / "file").read_text() == "precious"
    assert os.listdir(tmp_path) == ["file"]


def test_the_folder_of_the_command_itself(
    by_heart: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, contents: Contents
) -> None:
    """--overwrite does not mean that the shell's own folder is to vanish, nor one above it."""
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    (inside / "thesis.txt").write_text("ten years")
    monkeypatch.chdir(inside)
    before = contents(tmp_path)
    for out in (".", "..", "../..", str(tmp_path), "/"):
        with pytest.raises(UserError, match="is or contains the current directory"):
            files.refuse_existing(Path(out), overwrite=True)
    assert contents(tmp_path) == before


def test_a_full_disk_behind_stdout() -> None:
    with open("/dev/full", "w") as full:
        command = [sys.executable, "-m", "gpt2kit", "recipes", "show", "translate"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (4, "error standard output: cannot be written: No space left on device\n")
