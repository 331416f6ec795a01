"""One run on several devices: the processes that torchrun or `--devices` started, and the interface to
torch.distributed.

Every process computes its share of each global batch: with DDP each process has a copy of the model, with FSDP2 a part
of it.
"""

import gc
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeGuard

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

from gpt2kit.errors import MachineError, UserError
from gpt2kit.model.device import pick_device
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training.objective import Objective

if TYPE_CHECKING:
    from torch.distributed.tensor import DTensor


STARTED_BY = "GPT2KIT_DEVICES"
"""Set to their number in the processes that `--devices` starts. They leave it to their launcher to report an error."""

PATIENCE = timedelta(days=30)
"""How long processes wait for each other where one may have to wait for its input, or to read all data."""


class LostPeer(MachineError):
    """Another process of the run is gone."""


@dataclass(frozen=True)
class ProcessGroup:
    """The processes of a run, as seen by one of them. Every process must call a method, or the others hang."""

    device: torch.device
    rank: int = 0
    size: int = 1

    @property
    def is_main(self) -> bool:
        """Whether this is the main process, the one that writes and prints."""
        return self.rank == 0

    def sum(self, values: list[float]) -> list[float]:
        """The sums over all processes, each value in float64."""
        return self._reduced(values, dist.ReduceOp.SUM)

    def largest(self, value: float) -> float:
        return self._reduced([value], dist.ReduceOp.MAX)[0]

    def from_main(self, value: float) -> float:
        """The main process's value; clocks and files of the other processes may differ."""
        return self.sum([value if self.is_main else 0.0])[0]

    def barrier(self) -> None:
        """Wait until all processes have called this."""
        self.sum([0.0])

    @property
    def is_first_of_machine(self) -> bool:
        """Whether this process does what is needed once on each machine, such as checking the files there."""
        return self.size == 1 or os.environ["LOCAL_RANK"] == "0"

    def patient_barrier(self) -> None:
        """The same after work that may take some of them hours: the messages of GPUs give up after ten minutes."""
        if self.size > 1:
            patient = dist.new_group(backend="gloo", timeout=PATIENCE)
            dist.barrier(patient)
            dist.destroy_process_group(patient)

    def dealt(self, objects: Sequence[Any]) -> Any:
        """The one of the main process's objects that is for this process; the others' argument is not read."""
        if self.size == 1:
            return objects[0]
        mine = [None]
        dist.scatter_object_list(mine, list(objects) if self.is_main else None)
        return mine[0]

    def collected(self, value: object) -> list[Any]:
        """On the main process the objects of all, by rank; on the others nothing."""
        if self.size == 1:
            return [value]
        found: list[Any] = [None] * self.size
        dist.gather_object(value, found if self.is_main else None)
        return found if self.is_main else []

    def _reduced(self, values: list[float], operation: dist.ReduceOp.RedOpType) -> list[float]:
        if self.size == 1:
            return values
        device = torch.device("cpu") if dist.get_backend() == "gloo" else self.device
        found = torch.tensor(values, dtype=torch.float64, device=device)
        dist.all_reduce(found, operation)
        reduced: list[float] = found.tolist()
        return reduced


def place() -> tuple[int, int]:
    """(rank, processes) from torchrun's environment, (0, 1) without one."""
    if not {"RANK", "WORLD_SIZE", "LOCAL_RANK"} <= os.environ.keys():
        return 0, 1
    return int(os.environ["RANK"]), int(os.environ["WORLD_SIZE"])


@contextmanager
def join(device: str) -> Iterator[ProcessGroup]:
    """Join the run's process group; without torchrun it is this process alone. `device` is the knob."""
    rank, size = place()
    if size == 1:
        yield ProcessGroup(pick_device(device))
        return
    picked = device_of_rank(device)
    if picked.type == "cuda":
        torch.cuda.set_device(picked)
        dist.init_process_group("nccl", device_id=picked)
    else:
        dist.init_process_group("gloo")
    with _closed_in_order():
        yield ProcessGroup(picked, rank, size)


@contextmanager
def join_to_answer() -> Iterator[ProcessGroup]:
    """Join the processes of a command that answers inputs: what they send each other never is on a GPU.

    `device` of the group is the CPU, as each process finds its own with `device_of_rank` when it loads a model.
    """
    dist.init_process_group("gloo", timeout=PATIENCE)
    with _closed_in_order():
        yield ProcessGroup(torch.device("cpu"), *place())


@contextmanager
def _closed_in_order() -> Iterator[None]:
    """Leave torch's process group at the end, unless an error ends the block."""
    try:
        yield
    except RuntimeError as error:
        if lost_peer(error):
            raise LostPeer(f"rank {dist.get_rank()} lost the connection to another rank: {error}") from error
        raise
    # After an error the others may be gone, and an orderly shutdown would wait for them.
    # DDP has to be gone before the group: the last one to hold a group waits for its threads, and DDP would hold the
    # lock that they may be waiting for (https://github.com/pytorch/pytorch/issues/56297).
    gc.collect()
    dist.destroy_process_group()


def record_error(error: UserError) -> None:
    """Write an error to the file in which the launcher, ours or torchrun, looks for the reason of a process's end."""
    record_end(str(error), error.exit_code)


def record_end(message: str, exit_code: int) -> None:
    """Record an exit code and its reason, which is "" if the user knows it already."""
    if path := os.environ.get("TORCHELASTIC_ERROR_FILE"):
        import time

        extra = {"py_callstack": message, "timestamp": str(int(time.time())), "exit_code": exit_code}
        Path(path).write_text(json.dumps({"message": {"message": message, "extraInfo": extra}}), encoding="utf-8")


def lost_peer(error: RuntimeError) -> bool:
    """Whether the error means that another process is gone; gloo says so only in the message."""
    words = ("Connection closed by peer", "Connection reset by peer", "Broken pipe", "Socket closed")
    return isinstance(error, dist.DistError) or any(word in str(error) for word in words)


def device_of_rank(name: str) -> torch.device:
    """This process's own device of those that the knob `name` stands for; MachineError if it would have to share it."""
    device = pick_device(name)
    if device.type == "cuda" and ":" not in name:
        return pick_device(f"cuda:{os.environ['LOCAL_RANK']}")
    if device.type != "cpu":
        raise MachineError(f"device = {name!r}: several processes take cuda, where each gets its own, or cpu")
    return device


def parallelize(objective: Objective, parallel: str, group: ProcessGroup) -> nn.Module:
    """Wrap the objective so that each process computes its own rows; gradients become means over the processes.

    `parallel` is "ddp" or "fsdp"; the latter shards the model's weights in place, before optimisers are built. A
    process that has not joined torch's process group keeps the objective as it is.
    """
    if not dist.is_initialized():
        return objective
    if parallel == "ddp":
        return DistributedDataParallel(objective, device_ids=[group.device] if group.device.type == "cuda" else None)
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.fsdp import fully_shard

    mesh = init_device_mesh(group.device.type, (group.size,))
    for block in objective.model.transformer.blocks():
        fully_shard(block, mesh=mesh)
    fully_shard(objective, mesh=mesh, reshard_after_forward=True)
    return objective


def no_sync(module: nn.Module) -> AbstractContextManager[object]:
    """A block in which DDP does not send gradients: the backward pass of the last micro-batch sends the sum.

    FSDP2 sends with every micro-batch, since whole gradients would need the memory that it is meant to save.
    """
    return module.no_sync() if isinstance(module, DistributedDataParallel) else nullcontext()


def sharded(tensor: Tensor) -> TypeGuard["DTensor"]:
    """Whether each process has only a part of it. Tested by an attribute: importing DTensor takes half a second."""
    return hasattr(tensor, "full_tensor")


def full_tensor(tensor: Tensor) -> Tensor:
    """The whole of a sharded tensor; any other tensor unchanged."""
    return tensor.full_tensor() if sharded(tensor) else tensor


def like(value: Tensor, example: Tensor) -> Tensor:
    """Shard a whole value, which every process has, if the example is sharded; nothing is sent."""
    if not sharded(example) or not value.dim():
        return value
    from torch.distributed.tensor import distribute_tensor

    # Each process cuts its part out of its own copy: src_data_rank=None.
    return distribute_tensor(value.to(example.device), example.device_mesh, example.placements, src_data_rank=None)


def full_model(model: GPT2, group: ProcessGroup) -> GPT2:
    """The whole model on the main process: itself, or a copy if it is sharded; other processes get their own back."""
    if not any(sharded(parameter) for parameter in model.parameters()):
        return model
    weights: dict[str, Tensor] = {}
    for name, parameter in model.named_parameters():
        full = full_tensor(parameter.detach())  # one at a time: the other processes free it immediately
        if group.is_main:
            weights[name] = full
    if not group.is_main:
        return model
    with torch.device("meta"):
        copy = GPT2(model.config, model.vocab_size, model.labels)
    copy.load_state_dict(weights, assign=True)
    copy.surplus_of = dict(model.surplus_of)
    return copy.eval()
