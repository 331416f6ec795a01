"""kill -9 while preparing and evaluating; tests/training/test_kill.py does it to training and saving.

Every kill comes at a place of its own, from inside: no moment is left to chance.
"""

import gc
import os
import shutil
import signal
import sys
import time
import traceback
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from filelock import lock_descriptor

import gpt2kit
from gpt2kit import files, recipe
from gpt2kit.data.store import StoreWriter
from gpt2kit.pipeline.evaluate import evaluate_records
from gpt2kit.pipeline.evaluation_sets import stored_records
from gpt2kit.pipeline.preparing.processes import Processes
from gpt2kit.recipe import Recipe
from gpt2kit.runs.folder import Run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")

Contents = Callable[[Path], dict[str, bytes]]


def killed(work: Callable[[], object]) -> None:
    """Do the work in a child that does not survive it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of other tests; the child only computes
        child = os.fork()
    if not child:
        gc.freeze()  # a collection would write to all that other tests have made, and so copy it
        try:
            work()
        except BaseException:
            traceback.print_exc()
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


def die(*_: object, **__: object) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def at(number: int, function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, whose nth call kills."""
    calls = 0

    def counted(*arguments: Any, **options: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == number:
            die()
        return function(*arguments, **options)

    return counted


MOMENTS: dict[str, tuple[object, str, int]] = {
    "first write": (StoreWriter, "_append", 1),
    "some write": (StoreWriter, "_append", 7),
    "counts": (files, "write_json", 3),
    "before the exchange": (files, "put_folder", 1),
    "after the exchange": (shutil, "rmtree", 1),
}


@pytest.mark.parametrize("moment", MOMENTS)
def test_while_preparing(
    tiny: Recipe, tmp_path: Path, contents: Contents, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    """What is there is the old folder or the new one, whole; the next preparation clears away what was left."""
    corpus, data = [str(tmp_path / "corpus.jsonl")], tmp_path / "data"
    old = contents(data)
    other = recipe.build(tiny.name, recipe.apply(tiny.table(), ["task.vocab=280"]))
    gpt2kit.prepare(other, {"train": corpus, "val": corpus}, tmp_path / "new")
    new = contents(tmp_path / "new")
    owner, name, number = MOMENTS[moment]

    def work() -> None:
        monkeypatch.setattr(owner, name, at(number, getattr(owner, name)))
        gpt2kit.prepare(other, {"train": corpus, "val": corpus}, data, overwrite=True)

    killed(work)
    assert contents(data) == (new if moment == "after the exchange" and sys.platform == "linux" else old)
    assert list(tmp_path.glob(".data.*"))
    gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, data, overwrite=True)
    assert contents(data) == old
    assert not list(tmp_path.glob(".data.*.tmp"))


def test_who_is_still_at_work_is_left_alone(tiny: Recipe, tmp_path: Path) -> None:
    """Only what nobody holds any more is cleared away."""
    corpus = [str(tmp_path / "corpus.jsonl")]
    with files.new_folder(tmp_path / "out", overwrite=False) as folder:
        (folder / "file").write_text("mine")
        gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, tmp_path / "out 2")
        with pytest.raises(RuntimeError), files.new_folder(tmp_path / "out", overwrite=False):
            raise RuntimeError
        assert (folder / "file").read_text() == "mine"
    assert (tmp_path / "out" / "file").read_text() == "mine"


@pytest.mark.parametrize("number", [1, 3])
def test_while_evaluating(by_heart: Path, tmp_path: Path, number: int) -> None:
    path = tmp_path / "said.jsonl"
    path.write_text("old")

    def evaluate(progress: Callable[[int], None]) -> None:
        opened = gpt2kit.load(by_heart)
        name, records = stored_records(Run(by_heart).prepared, opened.task, "val")
        evaluate_records(opened, records, name, path, progress)

    killed(lambda: evaluate(lambda done: die() if done == number else None))
    assert path.read_text() == "old"
    evaluate(lambda done: None)
    assert path.read_text(encoding="utf-8").count("\n") == 4


def test_while_holding_a_folder(tmp_path: Path) -> None:
    """The system releases what a killed process held."""

    def work() -> None:
        with files.held(tmp_path):
            die()

    killed(work)
    with files.held(tmp_path):
        assert not list(tmp_path.iterdir())


def test_a_process_of_prepare_ends_with_the_one_that_started_it(tmp_path: Path) -> None:
    """At once, in the middle of a part: the same command may be given again."""
    os.mkfifo(tmp_path / "plan.json")  # who reads it waits

    def started() -> list[Path]:
        return [*(tmp_path / "train").glob(".00000.*.tmp")]

    def begin() -> None:
        (connection,) = Processes(1).members
        connection.send((str(tmp_path), "train", 0))
        while not started():
            time.sleep(0.01)
        die()

    killed(begin)
    (place,) = started()
    held = os.open(place, os.O_RDONLY)
    try:
        for _ in range(3000):
            if free := lock_descriptor(held, blocking=False):
                break
            time.sleep(0.02)
        assert free
    finally:
        os.close(held)
