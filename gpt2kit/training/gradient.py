"""The gradient of a global batch, whoever computes which part of it.

Its rows are dealt to processes x micro-batches; losses are summed and divided once, by the targets of all of them.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from gpt2kit.data.batches import Batches, Rows
from gpt2kit.model.device import autocast
from gpt2kit.training.distributed import ProcessGroup, no_sync


@dataclass(frozen=True)
class MicroBatch:
    """A micro-batch; its `weight` is 0 where it only stands in for rows that a process has none of."""

    rows: Rows
    weight: float


def shard(rows: Rows, accumulate: int, group: ProcessGroup) -> list[MicroBatch]:
    """This process's micro-batches: equally many for each, as they wait for one another."""
    parts = np.array_split(rows, accumulate * group.size)
    # The first of these have a row more, and the last none at all where there are few rows; they are dealt like cards.
    mine = parts[group.rank :: group.size]
    needed = -(-min(len(rows), len(parts)) // group.size)
    return [MicroBatch(part if len(part) else rows[:1], float(len(part) > 0)) for part in mine[:needed]]


class Gradient:
    """Computes gradients into the weights' `.grad`."""

    def __init__(self, module: nn.Module, batches: Batches, group: ProcessGroup, dtype: str) -> None:
        """`module` is an Objective, or one that is spread over the group."""
        self.module, self.batches, self.group, self.dtype = module, batches, group, dtype

    def __call__(self, parts: list[MicroBatch], targets: int) -> Tensor:
        """Add the gradient of the summed loss / targets; returns this process's summed cross-entropy in nats."""
        total = torch.zeros((), device=self.group.device)
        for part in parts[:-1]:
            with no_sync(self.module):
                total += self.backward(part, targets)
        return total + self.backward(parts[-1], targets)

    def backward(self, part: MicroBatch, targets: int) -> Tensor:
        """One micro-batch."""
        inputs = self.batches.collate(part.rows).inputs(self.group.device)
        with autocast(self.group.device, self.dtype):
            loss, plain = self.module(*inputs)
        # What is spread over a group takes the mean over its processes, so that the sum is its size times that.
        (loss * (part.weight * self.group.size / targets)).backward()
        return plain * part.weight
