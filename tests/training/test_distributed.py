"""Several processes: the numbers of one, whichever way they share the work, and a clear word when one of them dies.

Starting a process and importing PyTorch costs seconds. One test starts the command as a user does; in the others the
launcher and its ranks are forked from the process of the tests.
"""

import gc
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.distributed.checkpoint  # once for all ranks
import torch.distributed.fsdp
from torch.distributed.elastic.multiprocessing.errors import ProcessFailure
from torch.nn.parallel import DistributedDataParallel

import gpt2kit
from gpt2kit import recipe
from gpt2kit.data.batches import BatchRows, RowBatches
from gpt2kit.data.store import Store
from gpt2kit.errors import Interrupted, MachineError, UserError
from gpt2kit.model import hf
from gpt2kit.model.device import native_bf16
from gpt2kit.model.gpt2 import EMBEDDING, GPT2
from gpt2kit.model.vocabulary import set_aside
from gpt2kit.recipe import Recipe
from gpt2kit.training import distributed, launch
from gpt2kit.training.distributed import ProcessGroup
from gpt2kit.training.events import StepDone
from gpt2kit.training.progress import Progress
from gpt2kit.training.step import Learner
from gpt2kit.training.validate import validation_loss

SETTINGS = [
    *("train.steps=24", "train.batch_tokens=80", "train.accumulate=2", "train.lr=1e-3", "train.evaluate_every=8"),
    *("train.save_every=4", "train.ema=0.8", "train.optimizer=muon", "model.dropout=0", "model.n_layer=2"),
]
PATIENCE = 300.0
"""Seconds for any command, on a slow and busy machine."""

TOLERANCE = 2e-3 if native_bf16(torch.device("cpu")) else 2e-4
"""Sums of fp32 numbers in another order, after steps that depend on them. Muon's products are in bf16 where the CPU
computes it natively, and there they differ by 8e-4."""


@pytest.fixture
def tiny(examples: Callable[[str], Any], tmp_path: Path) -> Recipe:
    """A recipe, and the data for it; the last batch of an epoch has fewer rows than there are parts of a batch."""
    found = recipe.load("translate", [*examples("translate").TINY, *SETTINGS])
    corpus = examples("translate").write_corpus(tmp_path)
    gpt2kit.prepare(found, {"train": corpus, "val": corpus}, tmp_path / "data")
    return found


def with_settings(tiny: Recipe, *settings: str) -> Recipe:
    return recipe.build(tiny.name, recipe.apply(tiny.table(), settings))


def figures(run: Path) -> dict[str, dict[int, float]]:
    """Losses and validation losses by step."""
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()]
    return {key: {line["step"]: line[key] for line in lines if key in line} for key in ("loss", "validation_loss")}


def same_figures(run: Path, whole: Path) -> None:
    mine, wanted = figures(run), figures(whole)
    for key in wanted:
        assert mine[key] == pytest.approx(wanted[key], rel=TOLERANCE)


def same_weights(run: Path, whole: Path) -> None:
    """By what they make of the validation split; one by one, where a gradient is about 0 they go where noise goes."""
    batches = RowBatches(Store(run.parent / "data", "val"), 80, 0)
    mine, wanted = (validation_loss(hf.load(folder), batches, torch.device("cpu"), "fp32") for folder in (run, whole))
    assert mine == pytest.approx(wanted, rel=TOLERANCE)
    assert mine == pytest.approx(min(figures(run)["validation_loss"].values()), rel=TOLERANCE)


Forked = Callable[..., AbstractContextManager[Any]]

COMMAND = ("translate", "train", "data", "--devices", "2")


@pytest.fixture
def started(forked: Forked) -> Forked:
    """`started(folder, *words)`: the training by two ranks, as `forked`."""
    return lambda folder, *words, **more: forked(folder, *COMMAND, *words, **more)


def wait_for_step(process: Any, run: Path, step: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (run / "metrics.jsonl").is_file() or max(figures(run)["loss"], default=0) < step:
        assert process.poll() is None, (run.parent / "stderr").read_text(encoding="utf-8")
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_copy_of_a_sharded_model_has_its_surplus_rows(
    tiny_model: Callable[..., GPT2], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_model()
    set_aside(model, 20)
    monkeypatch.setattr(distributed, "sharded", lambda parameter: True)
    monkeypatch.setattr(distributed, "full_tensor", lambda part: part)
    copy = distributed.full_model(model, ProcessGroup(torch.device("cpu")))
    assert copy is not model
    assert copy.surplus is not None
    assert torch.equal(copy.surplus, model.surplus_of[EMBEDDING])


def watch_the_end() -> None:
    """Let a process say whether DDP outlives its group, which can hang."""
    destroy = dist.destroy_process_group

    def watched(group: dist.ProcessGroup | None = None) -> None:
        alive = sum(isinstance(thing, DistributedDataParallel) for thing in gc.get_objects())
        Path(f"alive-{os.environ['RANK']}").write_text(str(alive), encoding="utf-8")
        destroy(group)

    dist.destroy_process_group = watched


def test_two_processes_give_the_numbers_of_one(tiny: Recipe, tmp_path: Path, started: Forked) -> None:
    """DDP; and one of them alone speaks and writes."""
    list(gpt2kit.train(tiny, tmp_path / "data", tmp_path / "whole"))
    (tmp_path / "tiny.toml").write_text(tiny.toml(), encoding="utf-8")
    with started(tmp_path, "--out", "run", "--recipe", "tiny.toml", "--json", in_rank=watch_the_end) as process:
        code = process.wait(PATIENCE)
    out, err = ((tmp_path / name).read_text(encoding="utf-8") for name in ("stdout", "stderr"))
    assert code == 0, err
    assert json.loads(out)["run"] == "run"
    assert err.count("parameters") == err.count("trained: run") == 1
    assert err.count("step 24  validation loss") == 1
    assert "fp32 on 2 x cpu" in err
    assert "Warning" not in err
    same_figures(tmp_path / "run", tmp_path / "whole")
    same_weights(tmp_path / "run", tmp_path / "whole")
    names = [sorted(path.name for path in (tmp_path / run).iterdir()) for run in ("run", "whole")]
    assert names[0] == names[1]
    assert [(tmp_path / f"alive-{rank}").read_text(encoding="utf-8") for rank in (0, 1)] == ["0", "0"]


def kill_rank_1_before(step: int) -> None:
    """Let the second of the two processes be killed, as the system does when memory runs out."""
    learn = Learner.step

    def killed(learner: Learner, rows: BatchRows, progress: Progress, *rest: Any) -> tuple[float, int]:
        if learner.group.rank == 1 and progress.step == step:
            os.kill(os.getpid(), signal.SIGKILL)
        return learn(learner, rows, progress, *rest)

    Learner.step = killed  # type: ignore[method-assign, assignment]  # in the rank's process only


def test_one_process_then_two_then_one(tiny: Recipe, tmp_path: Path, started: Forked) -> None:
    """A run goes on sharded over two processes, loses one of them, and goes on in one."""
    slow = with_settings(tiny, "train.keep=best", "train.samples=1", "generate.max_new_tokens=4")
    data, run, whole = (tmp_path / name for name in ("data", "run", "whole"))
    list(gpt2kit.train(slow, data, whole))
    for event in gpt2kit.train(slow, data, run):
        if isinstance(event, StepDone) and event.step == 9:
            break  # as if the process were gone
    assert max(figures(run)["loss"]) < 10

    words = ["--out", "run", "--resume", "--set", "train.parallel=fsdp", "--set", "train.samples=1"]
    with started(tmp_path, *words, in_rank=lambda: kill_rank_1_before(17)) as process:
        code = process.wait(PATIENCE)
    err = (tmp_path / "stderr").read_text(encoding="utf-8")
    assert code == 128 + signal.SIGKILL, err
    assert "continuing after step 8" in err
    assert "rank 1 was killed by SIGKILL (signal 9); the system does that when memory runs out" in err
    assert "the state of the last save is untouched; to continue from it:" in err
    assert "gpt2kit translate train data --out run --resume --devices 2" in err
    assert "Traceback" not in err

    assert {path.name for path in (run / "states").glob("step-*")} <= {"step-000012", "step-000016"}

    events = list(gpt2kit.train(slow, data, run, resume=True))
    assert next(event.step for event in events if isinstance(event, StepDone)) > 12
    assert not (run / "states").exists(), "the state of one process replaces them"
    same_figures(run, whole)
    same_weights(run, whole)


def kill_rank_1_in_save(step: int) -> None:
    """Let the second of the two processes be killed when its part of a state is written."""
    from gpt2kit.training import sharded_state

    digest = sharded_state._digest

    def killed(file: Path) -> str:
        if os.environ["RANK"] == "1" and file.parent.name == f".step-{step:06d}.tmp":
            os.kill(os.getpid(), signal.SIGKILL)
        return digest(file)

    sharded_state._digest = killed


def test_a_job_that_is_requeued(tiny: Recipe, tmp_path: Path, started: Forked) -> None:
    """Sharded; killed while it saved, continued by the same command, and stopped by the signal that Slurm's users ask
    for. Steps that are repeated have the same losses, bit for bit."""
    long = with_settings(tiny, "train.parallel=fsdp", "train.steps=100000", "train.samples=0")
    (tmp_path / "tiny.toml").write_text(long.toml(), encoding="utf-8")
    command, run = ["--out", "run", "--recipe", "tiny.toml", "--resume", "auto"], tmp_path / "run"
    with started(tmp_path, *command, in_rank=lambda: kill_rank_1_in_save(8)) as process:
        assert process.wait(PATIENCE) == 128 + signal.SIGKILL
    assert sorted(path.name for path in (run / "states").iterdir()) == [".step-000008.tmp", "step-000004"]
    before = figures(run)["loss"]
    (tmp_path / "stderr").unlink()
    with started(tmp_path, *command) as process:
        wait_for_step(process, run, max(before) + 1)
        os.kill(process.pid, signal.SIGUSR1)
        code = process.wait(PATIENCE)
    err = (tmp_path / "stderr").read_text(encoding="utf-8")
    assert (code, "continuing after step 4" in err) == (128 + signal.SIGUSR1, True), err
    after, (state,) = figures(run)["loss"], (run / "states").iterdir()
    assert state.name == f"step-{max(after):06d}"
    assert {step: loss for step, loss in after.items() if step in before} == before


def test_a_signal_stops_all_of_them_after_a_save(tiny: Recipe, tmp_path: Path, started: Forked) -> None:
    (tmp_path / "tiny.toml").write_text(with_settings(tiny, "train.steps=100000").toml(), encoding="utf-8")
    run = tmp_path / "run"
    with started(tmp_path, "--out", "run", "--recipe", "tiny.toml") as process:
        wait_for_step(process, run, 3)
        process.terminate()
        code = process.wait(PATIENCE)
    err = (tmp_path / "stderr").read_text(encoding="utf-8")
    assert code == 128 + signal.SIGTERM, err
    step = max(figures(run)["loss"])
    assert err.count(f"stopped after step {step}, state saved; to continue:") == 1
    assert "gpt2kit translate train data --out run --resume --devices 2" in err
    assert "error" not in err
    whole = [
        event.loss for event in gpt2kit.train(tiny, tmp_path / "data", tmp_path / "w") if isinstance(event, StepDone)
    ]
    assert figures(run)["loss"][1] == pytest.approx(whole[0], rel=TOLERANCE)


def test_a_mistake_is_told_once(tiny: Recipe, tmp_path: Path) -> None:
    """Both processes find it, started as a user starts them; the exit code is that of one process."""
    (tmp_path / "tiny.toml").write_text(with_settings(tiny, "model.n_positions=8").toml(), encoding="utf-8")
    words = [sys.executable, "-m", "gpt2kit", *COMMAND, "--out", "run", "--recipe", "tiny.toml"]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE, check=False)
    err = done.stderr
    assert done.returncode == 3
    assert err.count("tokens, the model's window 8: prepare again") == 1
    assert "Traceback" not in err
    assert "Warning" not in err


# in one process


def test_alone_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    with distributed.join("cpu") as group:
        assert group == ProcessGroup(torch.device("cpu"))
        assert group.is_main
        assert group.sum([1.5, 2.0]) == [1.5, 2.0]
        assert (group.largest(3.0), group.from_main(4.0)) == (3.0, 4.0)
        assert group.is_first_of_machine
        group.barrier()
        group.patient_barrier()
    assert not torch.distributed.is_initialized()
    for name, value in {"RANK": "0", "WORLD_SIZE": "1", "LOCAL_RANK": "0"}.items():
        monkeypatch.setenv(name, value)
    with distributed.join("cpu") as group:
        assert group.size == 1, "torchrun with one process"


def test_there_are_no_more_devices_than_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "cores", lambda: 4)
    launch.check_devices(4, "cpu")
    with pytest.raises(MachineError, match=r"--devices 5: this machine has 4 CPU core\(s\)"):
        launch.check_devices(5, "cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    launch.check_devices(2, "auto")
    with pytest.raises(MachineError, match=r"--devices 3: this machine has 2 CUDA device\(s\)"):
        launch.check_devices(3, "auto")


def test_one_named_gpu_is_not_for_several_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert distributed.device_of_rank("cuda") == torch.device("cuda:1")
    assert not ProcessGroup(torch.device("cuda:1"), rank=9, size=16).is_first_of_machine
    with pytest.raises(MachineError, match="device = 'cuda:1': several processes take cuda"):
        distributed.device_of_rank("cuda:1")
    monkeypatch.setenv("LOCAL_RANK", "2")
    with pytest.raises(MachineError, match="the last CUDA device of this machine is cuda:1"):
        distributed.device_of_rank("cuda")


def failure(rank: int, exit_code: int, folder: Path, message: str = "") -> ProcessFailure:
    file = folder / f"{rank}.json"
    if message:
        file.write_text(json.dumps({"message": {"message": message, "extraInfo": {"timestamp": "1"}}}))
    return ProcessFailure(rank, 1000 + rank, exit_code, str(file))


def test_what_ended_a_run_is_told_apart(tmp_path: Path) -> None:
    def cause(*failures: ProcessFailure) -> UserError | Interrupted:
        return launch.cause({each.local_rank: each for each in failures}, "AGAIN")

    lost = failure(0, 4, tmp_path, "rank 0 lost the connection")
    found = cause(lost, failure(1, -11, tmp_path))
    assert str(found).startswith("rank 1 was killed by SIGSEGV (signal 11); AGAIN")
    assert found.exit_code == 139
    found = cause(failure(2, 1, tmp_path), failure(1, 3, tmp_path, "no such file"))
    assert (str(found), found.exit_code) == ("no such file", 3)
    ended = failure(6, -15, tmp_path)
    assert cause(ended, failure(7, -9, tmp_path)).exit_code == 137, "the launcher ended the other one"
    assert cause(ended, failure(1, 3, tmp_path, "no such file")).exit_code == 3
    found = cause(failure(3, 1, tmp_path))
    assert str(found).startswith("rank 3 ended with exit code 1, see above; AGAIN")
    found = cause(failure(4, 143, tmp_path), failure(5, 143, tmp_path))
    assert isinstance(found, Interrupted)
    assert found.exit_code == 143


def test_a_recorded_error_is_what_the_launcher_reads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCHELASTIC_ERROR_FILE", str(tmp_path / "error.json"))
    distributed.record_error(MachineError("no room"))
    found = ProcessFailure(1, 7, 4, str(tmp_path / "error.json"))
    assert launch.said(found) == ("no room", 4)
    aborted = ProcessFailure(1, 7, -signal.SIGABRT, str(tmp_path / "error.json"))
    assert launch.said(aborted) == ("no room", 4), "on its way out"
    found_cause = launch.cause({0: failure(0, -signal.SIGTERM, tmp_path), 1: aborted}, "AGAIN")
    assert (str(found_cause), getattr(found_cause, "exit_code", None)) == ("no room", 4)
    monkeypatch.delenv("TORCHELASTIC_ERROR_FILE")
    distributed.record_error(MachineError("nobody reads this"))
