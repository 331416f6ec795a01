"""kill -9 at any moment, twenty times in a row: the run that is resumed is the uninterrupted one, bit for bit."""

import gc
import json
import os
import random
import signal
import time
import traceback
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit import files, recipe
from gpt2kit.model import hf
from gpt2kit.recipe import Recipe
from gpt2kit.runs.folder import Run

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork and SIGKILL")

STEPS, PATIENCE = 120, 180.0
SETTINGS = [
    *(f"train.steps={STEPS}", "train.evaluate_every=17", "train.save_every=5", "train.batch_tokens=40"),
    *("train.ema=0.9", "train.optimizer=muon", "train.lr=1e-3", "model.dropout=0.2", "train.samples=1"),
    "generate.max_new_tokens=4",
]


def logged(run: Path) -> list[tuple[Any, ...]]:
    """All that metrics.jsonl says but the speed, to the last bit; a line that is being written is left out."""
    log = run / "metrics.jsonl"
    lines = log.read_text(encoding="utf-8").split("\n")[:-1] if log.is_file() else []
    parsed = [json.loads(line) for line in lines]
    return [tuple(line.get(key) for key in ("step", "epoch", "loss", "rate", "validation_loss")) for line in parsed]


def last_step(run: Path) -> int:
    """The step of the last whole line of metrics.jsonl, -1 without one. Only the end of the file is read: this is asked
    many times."""
    try:
        with (run / "metrics.jsonl").open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - 1000))
            lines = log.read().split(b"\n")[:-1]
    except FileNotFoundError:
        return -1
    return json.loads(lines[-1])["step"] if lines else -1


def is_saving(run: Path) -> bool:
    """Whether there is a temporary file."""
    return any(name.startswith(".") and "tmp" in name for name in os.listdir(run))


def forked(work: Callable[[], object]) -> int:
    """The process id of a child that does the work and nothing of the test's own end."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of other tests; the child only computes
        child = os.fork()
    if child:
        return child
    code = 1
    gc.freeze()  # a collection would write to all that other tests have made, and so copy it
    try:
        work()
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        os._exit(code)


def ended(child: int) -> bool:
    return os.waitpid(child, os.WNOHANG)[0] != 0


def wait(child: int, until: Callable[[], bool], pause: float = 0.0005) -> None:
    """Returns when it is so; fails when the child ends before."""
    deadline = time.monotonic() + PATIENCE
    while not until():
        assert not ended(child), "the child ended by itself"
        assert time.monotonic() < deadline
        time.sleep(pause)


def kill(child: int) -> None:
    os.kill(child, signal.SIGKILL)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL


@pytest.fixture
def tiny(examples: Callable[[str], Any], tmp_path: Path) -> Recipe:
    found = recipe.load("translate", [*examples("translate").TINY, *SETTINGS])
    corpus = examples("translate").write_corpus(tmp_path)
    gpt2kit.prepare(found, {"train": corpus, "val": corpus}, tmp_path / "data")
    return found


@pytest.mark.parametrize(("keep", "kills"), [("last", 20), ("best", 5)])
def test_kills_change_nothing(
    tiny: Recipe, tmp_path: Path, keep: str, kills: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    tiny = recipe.build(tiny.name, recipe.apply(tiny.table(), [f"train.keep={keep}"]))
    data, whole, run = (tmp_path / name for name in ("data", "whole", "run"))
    for _ in gpt2kit.train(tiny, data, whole):
        pass

    def live(goal: int, writes: int | None) -> None:
        """It stops before its end, or while it saves: after so many writes from the step `goal` on."""
        step = -1

        def write(descriptor: int) -> None:
            nonlocal writes
            if step < goal or writes is None:
                return
            writes -= 1
            if writes < 0:
                waiting.touch()
                time.sleep(2 * PATIENCE)

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", write)
            for event in gpt2kit.train(tiny, data, run, resume=run.exists()):
                step = getattr(event, "step", step)
                if step >= STEPS - 10:
                    time.sleep(2 * PATIENCE)

    chance, waiting = random.Random(keep), tmp_path / "waiting"
    while_saving = 0
    for number in range(kills):
        # The first ones are killed before the first save, some after a while whatever was done by then, the others
        # after a step of their own: a moment later or while a temporary file is being written.
        goal, early = number * (STEPS - 50) // kills, number % 5 == 1
        writes = chance.randrange(4) if number % 2 and not early else None
        child = forked(partial(live, goal, writes))
        if writes is not None:
            wait(child, waiting.exists)
            waiting.unlink()
        elif early:
            time.sleep(chance.uniform(0, 0.1))
            assert not ended(child), "the child ended by itself"
        else:
            wait(child, lambda goal=goal: last_step(run) >= goal, pause=0.002)  # type: ignore[misc]  # a default
            time.sleep(chance.uniform(0, 0.02))
        kill(child)
        while_saving += is_saving(run)
    assert while_saving >= kills // 5, "a moment that this test is about"
    assert logged(run) != logged(whole)

    list(gpt2kit.train(tiny, data, run, resume=True))
    assert logged(run) == logged(whole)
    assert (run / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert files.read_json(run / "run.json")["finished"] is True
    assert sorted(path.name for path in run.iterdir()) == sorted(path.name for path in whole.iterdir())


@pytest.mark.parametrize(("owner", "name", "call"), [(hf, "save", 1), (hf, "save", 2), (Run, "finish", 1)])
def test_a_kill_at_a_certain_moment(
    tiny: Recipe, tmp_path: Path, owner: object, name: str, call: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before the weights of the first and of the last validation, and before the word that the run is finished.

    From the first validation on, the run can be used as it is.
    """
    tiny = recipe.build(tiny.name, recipe.apply(tiny.table(), ["train.steps=20"]))
    data, whole, run = (tmp_path / name for name in ("data", "whole", "run"))
    list(gpt2kit.train(tiny, data, whole))
    before, calls = getattr(owner, name), list[int]()

    def at_last(*given: Any, **named: Any) -> None:
        calls.append(1)
        if len(calls) == call:
            os.kill(os.getpid(), signal.SIGKILL)
        before(*given, **named)

    def killed() -> None:
        with monkeypatch.context() as patch:
            patch.setattr(owner, name, at_last)
            list(gpt2kit.train(tiny, data, run))

    child = forked(killed)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    assert (run / "state.safetensors").is_file()
    usable = (name, call) != ("save", 1)
    assert (run / "model.safetensors").is_file() == usable
    if usable:
        assert isinstance(gpt2kit.load(run)("good morning"), str)
    list(gpt2kit.train(tiny, data, run, resume=True))
    assert logged(run) == logged(whole)
    assert (run / "model.safetensors").read_bytes() == (whole / "model.safetensors").read_bytes()
    assert files.read_json(run / "run.json")["finished"] is True
