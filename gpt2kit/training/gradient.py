"""The gradient of a global batch, independent of how its rows are divided.

They are divided into processes x micro-batches; losses are summed and divided once, by the number of all targets.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from gpt2kit.data.batches import Batches, BatchRows
from gpt2kit.model.device import autocast
from gpt2kit.training.distributed import ProcessGroup, no_sync


@dataclass(frozen=True)
class MicroBatch:
    """Rows that a process computes together; `weight` is 0 if they are only placeholders in a process without rows."""

    rows: BatchRows
    weight: float


def shard(rows: BatchRows, accumulate: int, group: ProcessGroup) -> list[MicroBatch]:
    """This process's micro-batches; every process has the same number, as they wait for each other."""
    parts = np.array_split(rows, accumulate * group.size)
    # The first of these have one row more, and the last may have none: rows are dealt in turn, rank by rank.
    mine = parts[group.rank :: group.size]
    needed = -(-min(len(rows), len(parts)) // group.size)
    return [MicroBatch(part if len(part) else rows[:1], float(len(part) > 0)) for part in mine[:needed]]


class Gradient:
    """Computes gradients into the weights' `.grad`."""

    def __init__(self, module: nn.Module, batches: Batches, group: ProcessGroup, dtype: str) -> None:
        """`module` is an Objective, or one that `parallelize` wrapped."""
        self.module, self.batches, self.group, self.dtype = module, batches, group, dtype

    def __call__(self, micro_batches: list[MicroBatch], targets: int) -> Tensor:
        """Add the gradient of the summed loss / targets; return this process's summed cross-entropy in nats."""
        total = torch.zeros((), device=self.group.device)
        for micro_batch in micro_batches[:-1]:
            with no_sync(self.module):
                total += self.backward(micro_batch, targets)
        return total + self.backward(micro_batches[-1], targets)

    def backward(self, micro_batch: MicroBatch, targets: int) -> Tensor:
        """The same for one micro-batch."""
        inputs = self.batches.collate(micro_batch.rows).inputs(self.group.device)
        with autocast(self.group.device, self.dtype):
            loss, plain = self.module(*inputs)
        # DDP and FSDP2 take the mean over the processes: the sum is their number times that.
        (loss * (micro_batch.weight * self.group.size / targets)).backward()
        return plain * micro_batch.weight
