"""What happens to a run from outside while it trains: signals, another run, data that vanishes, clocks."""

import os
import shutil
import signal
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import gpt2kit
from gpt2kit import recipe, tensor_files
from gpt2kit.errors import DataError, UserError
from gpt2kit.recipe import Recipe
from gpt2kit.runs.folder import Run
from gpt2kit.training import events, state

Contents = Callable[[Path], dict[str, bytes]]


def weights(run: Path) -> bytes:
    return (run / "model.safetensors").read_bytes()


@pytest.mark.parametrize("times", [1, 2])
def test_a_signal_while_saving(tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int) -> None:
    """One lets the save be done; a second does not wait. Either way the run goes on from a whole state."""
    data, whole, run = (tmp_path / name for name in ("data", "whole", "run"))
    list(gpt2kit.train(tiny, data, whole))
    write = tensor_files.write_tensors
    saves, stopped = 0, 2

    def interrupted(path: Path, *rest: object) -> None:
        nonlocal saves
        saves += path.name == state.STATE_FILE
        for _ in range(times if saves == 2 and path.name == state.STATE_FILE else 0):
            signal.raise_signal(signal.SIGINT)
        write(path, *rest)  # type: ignore[arg-type]  # they are passed on

    with monkeypatch.context() as patch:
        patch.setattr(tensor_files, "write_tensors", interrupted)
        if times == 1:
            last = list(gpt2kit.train(tiny, data, run))[-1]
            assert isinstance(last, events.Stopped)
            assert last.signal == signal.SIGINT
            stopped = last.step
        else:
            with pytest.raises(KeyboardInterrupt):
                list(gpt2kit.train(tiny, data, run))
    assert not list(run.glob(".*")), "no half of a file is left"
    resumed = list(gpt2kit.train(tiny, data, run, resume=True))
    assert isinstance(resumed[0], events.Start)
    assert resumed[0].step == stopped
    assert weights(run) == weights(whole)


def test_two_runs_into_one_folder(tiny: Recipe, tmp_path: Path, contents: Contents) -> None:
    """The second one is refused, whichever way it is asked for, and the first one goes on undisturbed."""
    data, whole, run = (tmp_path / name for name in ("data", "whole", "run"))
    list(gpt2kit.train(tiny, data, whole))
    first = gpt2kit.train(tiny, data, run)
    while not isinstance(event := next(first), events.StepDone) or event.step < 3:
        pass
    before = contents(run)
    with pytest.raises(UserError, match="already exists; choose another --out, or replace it with --overwrite"):
        list(gpt2kit.train(tiny, data, run))
    for way in ("overwrite", "resume"):
        with pytest.raises(UserError, match="run is in use by another process"):
            list(gpt2kit.train(tiny, data, run, overwrite=way == "overwrite", resume=way == "resume"))
    assert contents(run) == before
    list(first)
    assert weights(run) == weights(whole)
    with pytest.raises(UserError, match="is finished"):
        list(gpt2kit.train(tiny, data, run, resume=True))
    list(gpt2kit.train(tiny, data, run, overwrite=True))
    assert weights(run) == weights(whole)


def test_two_preparations_into_one_folder(tiny: Recipe, tmp_path: Path, contents: Contents) -> None:
    """The one that ends first has it; the other says so at its end, and does not touch what the first has made."""
    corpus, out = [str(tmp_path / "corpus.jsonl")], tmp_path / "out"
    made: dict[str, bytes] = {}

    def other(phase: str, count: int) -> None:
        if phase == "train" and not made:
            gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, out)
            made.update(contents(out))

    with pytest.raises(UserError, match="out already exists; choose another --out, or replace it with --overwrite"):
        gpt2kit.prepare(tiny, {"train": corpus[:1] * 2, "val": corpus}, out, progress=other)
    assert contents(out) == made
    assert not list(tmp_path.glob(".*"))


def test_the_data_vanishes(tiny: Recipe, tmp_path: Path) -> None:
    """What is mapped stays readable: the run ends as it would have. One that is to go on says what it misses."""
    data, whole, run = (tmp_path / name for name in ("data", "whole", "run"))
    list(gpt2kit.train(tiny, data, whole))
    stopped = tmp_path / "stopped"
    for event in gpt2kit.train(tiny, data, stopped):
        if getattr(event, "step", 0) == 3:
            break
    for event in gpt2kit.train(tiny, data, run):
        if getattr(event, "step", 0) == 3:
            shutil.rmtree(data, ignore_errors=True)
    assert weights(run) == weights(whole)
    with pytest.raises(DataError, match="data is not a directory"):
        list(gpt2kit.train(tiny, data, stopped, resume=True))
    with pytest.raises(DataError, match=r"its prepared data .*data no longer exists"):
        Run.open(run).prepared  # noqa: B018  # the access is what is tested


def test_a_corpus_vanishes(tiny: Recipe, tmp_path: Path, contents: Contents) -> None:
    """Between the pass that learns the vocabulary and the one that writes: what was prepared before stays."""
    corpus, data = tmp_path / "corpus.jsonl", tmp_path / "data"
    before = contents(data)

    def vanish(phase: str, count: int) -> None:
        corpus.unlink(missing_ok=True)

    with pytest.raises(DataError, match=r"corpus\.jsonl: (no such file|cannot be read: No such file)"):
        gpt2kit.prepare(tiny, {"train": [str(corpus)], "val": [str(corpus)]}, data, True, vanish)
    assert contents(data) == before
    assert not list(tmp_path.glob(".*"))


def test_a_clock_that_is_moved_back(tiny: Recipe, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the time of day nor that of files decides on anything."""
    corpus, whole, run = [str(tmp_path / "corpus.jsonl")], tmp_path / "whole", tmp_path / "run"
    list(gpt2kit.train(tiny, tmp_path / "data", whole))
    times = iter(range(4_000_000_000, 0, -1_000_000))
    monkeypatch.setattr(time, "time", lambda: float(next(times)))
    monkeypatch.setattr(time, "time_ns", lambda: next(times) * 10**9)
    os.utime(corpus[0], (4e9, 4e9))
    gpt2kit.prepare(tiny, {"train": corpus, "val": corpus}, tmp_path / "later")
    for path in (tmp_path / "later").iterdir():
        os.utime(path, (4e9, 4e9))
    stopped = recipe.build(tiny.name, tiny.table())
    for event in gpt2kit.train(stopped, tmp_path / "later", run):
        if getattr(event, "step", 0) == 5:
            break
    for path in run.iterdir():
        os.utime(path, (1, 1))
    list(gpt2kit.train(stopped, tmp_path / "later", run, resume=True))
    assert weights(run) == weights(whole)
