"""States of sharded weights: each process writes and reads its part, and any number of processes gets the same."""

import json
import multiprocessing
import os
import pickle
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
import torch.distributed.checkpoint  # once for all ranks
from torch import Tensor
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.optim import Optimizer

from gpt2kit import digests, tensor_files
from gpt2kit.config import TrainConfig
from gpt2kit.errors import DataError, MachineError
from gpt2kit.model.gpt2 import EMBEDDING, GPT2
from gpt2kit.training import optim, state, state_folders, state_tensors
from gpt2kit.training.distributed import ProcessGroup, full_tensor

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")

Build = Callable[..., GPT2]
IDS = torch.arange(12).view(2, 6)


class Run:
    """A model, sharded over the processes if there are several, and its optimisers."""

    def __init__(self, model: GPT2, size: int = 1) -> None:
        self.model = model
        if size > 1:
            mesh = init_device_mesh("cpu", (size,))
            for block in model.transformer.blocks():
                fully_shard(block, mesh=mesh)
            fully_shard(model, mesh=mesh)
        self.average = optim.Average(model, 0.9)
        self.optimizers: list[Optimizer] = optim.build(model, TrainConfig(optimizer="muon"))

    def step(self, number: int) -> None:
        self.model(IDS).square().mean().backward()
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        self.average.update(self.model, number)

    def save(self, saver: state.Saver, step: int) -> None:
        saver.save(self.model, self.average, self.optimizers, {"step": step})

    def load(self, path: Path) -> dict[str, Any]:
        return state.load(path, self.model, self.average, self.optimizers)

    def whole(self) -> dict[str, Tensor]:
        tensors, _ = state_tensors.of(self.model, self.average, self.optimizers)
        return {name: full_tensor(tensor).clone() for name, tensor in tensors.items()}


def in_processes(size: int, folder: Path, work: Callable[[ProcessGroup], None]) -> None:
    """Do some work in several processes, which are forked from this one and know each other."""
    meeting = folder / f"meeting-{len(list(folder.glob('meeting-*')))}"

    def start(rank: int) -> None:
        torch.set_num_threads(1)
        dist.init_process_group("gloo", init_method=f"file://{meeting}", rank=rank, world_size=size)
        work(ProcessGroup(torch.device("cpu"), rank, size))
        dist.destroy_process_group()

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # threads of other tests, which the children do not have
        processes = [multiprocessing.get_context("fork").Process(target=start, args=(rank,)) for rank in range(size)]
        for process in processes:
            process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0] * size


Saved = tuple[Path, dict[str, Tensor]]


@pytest.fixture(scope="module")
def saved(tiny_model: Build, tmp_path_factory: pytest.TempPathFactory) -> Saved:
    """A run's folder with the last two states of three, by three processes, and the tensors of the last.

    No axis of the model is a multiple of three, and training goes on while the states are written.
    """
    folder = tmp_path_factory.mktemp("sharded")

    def work(group: ProcessGroup) -> None:
        run, saver = Run(tiny_model(n_layer=1), group.size), state.Saver(folder, group, keep=2)
        run.model.surplus_of = {EMBEDDING: torch.full((2, 16), 0.5)}
        (folder / state.STATE_FILE).touch()
        for step in (1, 2, 3):
            run.step(step)
            run.save(saver, step)
        wanted = run.whole()
        run.step(4)
        saver.wait()
        if group.is_main:
            tensor_files.write_tensors(folder / "wanted", wanted, {})

    in_processes(3, folder, work)
    return folder, tensor_files.read_tensors(folder / "wanted")[0]


def test_the_last_states_are_kept(saved: Saved) -> None:
    folder, _ = saved
    states = folder / state_folders.FOLDER
    assert sorted(path.name for path in states.iterdir()) == ["step-000002", "step-000003"]
    assert state.newest(folder) == states / "step-000003"
    assert not (folder / state.STATE_FILE).exists(), "replaced by the first"
    names = sorted(path.name for path in (states / "step-000003").iterdir())
    assert names == [*(f"shard-{n:05d}-model-00001-of-00001.safetensors" for n in (1, 2, 3)), "state.json"]


def test_no_process_writes_all_of_it(saved: Saved) -> None:
    folder, wanted = saved
    parts = [path.stat().st_size for path in (folder / state_folders.FOLDER / "step-000003").glob("*.safetensors")]
    whole = sum(tensor.nbytes for tensor in wanted.values())
    assert max(parts) < 0.6 * whole


def test_fewer_processes_load_it(saved: Saved, tiny_model: Build, tmp_path: Path) -> None:
    folder, wanted = saved

    def work(group: ProcessGroup) -> None:
        run = Run(tiny_model(seed=9, n_layer=1), group.size)
        path = state.newest(folder)
        assert path is not None
        assert run.load(path) == {"step": 3}
        found = run.whole()
        assert found.keys() == wanted.keys()
        assert all(torch.equal(found[name], wanted[name]) for name in wanted)
        run.step(4)

    in_processes(2, tmp_path, work)


def test_one_process_loads_it(
    saved: Saved, tiny_model: Build, recwarn: pytest.WarningsRecorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without unpickling anything."""
    folder, wanted = saved
    run, path = Run(tiny_model(seed=9, n_layer=1)), folder / state_folders.FOLDER / "step-000003"
    with monkeypatch.context() as patch:
        for module, name in ((pickle, "load"), (pickle, "loads"), (torch, "load")):
            patch.delattr(module, name)
        assert run.load(path) == {"step": 3}
        weights, step = state.weights(path)
    found = run.whole()
    assert found.keys() == wanted.keys()
    assert all(torch.equal(found[name], wanted[name]) for name in wanted)
    run.step(4)
    assert step == 3
    assert all(torch.equal(weights[name], wanted[f"average.{name}"]) for name in weights)
    assert not recwarn.list


def test_the_newest_of_both_kinds(saved: Saved, tiny_model: Build, tmp_path: Path) -> None:
    folder, _ = saved
    (tmp_path / "states").symlink_to(folder / "states")
    run, saver = Run(tiny_model(n_layer=1)), state.Saver(tmp_path, ProcessGroup(torch.device("cpu")), keep=1)
    for step, wanted in ((1, "step-000003"), (4, state.STATE_FILE)):
        state.save(tmp_path / state.STATE_FILE, run.model, run.average, run.optimizers, {"step": step})
        found = state.newest(tmp_path)
        assert found is not None
        assert found.name == wanted
    (tmp_path / "states").unlink()
    for name in ("step-000003", ".step-000004.tmp", "step-mine"):
        (tmp_path / "states" / name).mkdir(parents=True)
    run.save(saver, 5)
    assert [path.name for path in (tmp_path / "states").iterdir()] == ["step-mine"], "the others are replaced"


@pytest.fixture
def broken(saved: Saved, tmp_path: Path) -> Path:
    """A copy of the last state."""
    path = tmp_path / "states" / "step-000003"
    path.mkdir(parents=True)
    for each in (saved[0] / "states" / "step-000003").iterdir():
        (path / each.name).write_bytes(each.read_bytes())
    return path


PART = "shard-00002-model-00001-of-00001.safetensors"


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-3] ^= 1
    path.write_bytes(content)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            lambda path: flip(path / PART),
            rf"{PART} is damaged: .*; remove .*step-000003 to continue from the state",
        ),
        (lambda path: (path / PART).unlink(), rf"{PART} is missing or not part of it"),
        (lambda path: (path / "own.safetensors").touch(), "own.safetensors is missing or not part of it"),
        (lambda path: (path / PART).write_bytes((path / PART).read_bytes()[:900]), rf"{PART} is damaged"),
        (lambda path: (path / "state.json").unlink(), "state.json is missing"),
        (lambda path: (path / "state.json").write_text('{"step": 3}'), "state.json is damaged"),
    ],
)
def test_a_damaged_part(broken: Path, tiny_model: Build, damage: Callable[[Path], None], message: str) -> None:
    damage(broken)
    run = Run(tiny_model(seed=9, n_layer=1))
    before = run.whole()
    for work in (run.load, state.weights):
        with pytest.raises(DataError, match=message):
            work(broken)
    assert all(torch.equal(tensor, before[name]) for name, tensor in run.whole().items())


def test_parts_that_claim_a_size(broken: Path, tiny_model: Build) -> None:
    """The place of a part decides how large a tensor is; nothing is allocated for what is not in a file."""
    from gpt2kit.training import sharded_state

    raw = (broken / PART).read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    places = json.loads(header["__metadata__"]["DCP_SHARDING_INFO"])
    places["model.transformer.wte.weight"]["saved_offsets"][0] = 1 << 40
    header["__metadata__"]["DCP_SHARDING_INFO"] = json.dumps(places)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    (broken / PART).write_bytes(len(text).to_bytes(8, "little") + text + raw[8 + length :])
    record = json.loads((broken / "state.json").read_text())
    record["files"][PART] = sharded_state._digest(broken / PART)
    record.pop("digest")
    record["digest"] = digests.of_object(record)
    (broken / "state.json").write_text(json.dumps(record))
    for work in (Run(tiny_model(n_layer=1)).load, state.weights):
        with pytest.raises(DataError, match=r"parts of model.transformer.wte.weight are missing"):
            work(broken)


@pytest.mark.parametrize("shape", [{"n_layer": 2}, {"n_embd": 32}, {"vocab": 24}])
def test_the_state_of_another_model(broken: Path, tiny_model: Build, shape: dict[str, int]) -> None:
    with pytest.raises(DataError, match="not the state of this run's model and optimiser: other weights"):
        Run(tiny_model(**{"n_layer": 1} | shape)).load(broken)


def test_a_state_that_cannot_be_written(saved: Saved, tiny_model: Build, tmp_path: Path) -> None:
    """A full disk, as one of two processes meets it: both of them say so, and the state before it stays."""
    run_folder = tmp_path / "run"
    run_folder.mkdir()

    def work(group: ProcessGroup) -> None:
        from gpt2kit.training import sharded_state

        run, saver = Run(tiny_model(n_layer=1), group.size), state.Saver(run_folder, group, keep=1)
        run.save(saver, 1)
        saver.wait()
        if group.rank == 1:

            def full(file: Path) -> str:
                raise OSError(28, "No space left on device")

            sharded_state._digest = full
        run.save(saver, 2)
        with pytest.raises(MachineError, match=r"step-000002: cannot be written by rank 1: No space left on device"):
            saver.wait()
        group.barrier()
        assert [path.name for path in (run_folder / "states").iterdir()] == ["step-000001"]

    in_processes(2, tmp_path, work)
