"""The gradient of a global batch, whoever computes which part of it.

Its rows are dealt to processes x micro-batches; losses are summed and divided once, by the targets of all of them.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from gpt2kit.data.batches import Batches, Rows
from gpt2kit.model.device import autocast
from gpt2kit.training.distributed import Team, quiet


@dataclass(frozen=True)
class Part:
    """A micro-batch; its `weight` is 0 where it only stands in for rows that a process has none of."""

    rows: Rows
    weight: float


def dealt(rows: Rows, accumulate: int, team: Team) -> list[Part]:
    """This process's micro-batches: equally many for each, as they wait for one another."""
    parts = np.array_split(rows, accumulate * team.size)
    # The first of these have a row more, and the last none at all where there are few rows; they are dealt like cards.
    mine = parts[team.rank :: team.size]
    needed = -(-min(len(rows), len(parts)) // team.size)
    return [Part(part if len(part) else rows[:1], float(len(part) > 0)) for part in mine[:needed]]


class Gradient:
    """Computes gradients into the weights' `.grad`."""

    def __init__(self, module: nn.Module, batches: Batches, team: Team, dtype: str) -> None:
        """`module` is an Objective, or one that is spread over the team."""
        self.module, self.batches, self.team, self.dtype = module, batches, team, dtype

    def __call__(self, parts: list[Part], targets: int) -> Tensor:
        """Add the gradient of the summed loss / targets; returns this process's summed cross-entropy in nats."""
        total = torch.zeros((), device=self.team.device)
        for part in parts[:-1]:
            with quiet(self.module):
                total += self.backward(part, targets)
        return total + self.backward(parts[-1], targets)

    def backward(self, part: Part, targets: int) -> Tensor:
        """One micro-batch."""
        inputs = self.batches.collate(part.rows).inputs(self.team.device)
        with autocast(self.team.device, self.dtype):
            loss, plain = self.module(*inputs)
        # What is spread over a team takes the mean over its processes, so that the sum is its size times that.
        (loss * (part.weight * self.team.size / targets)).backward()
        return plain * part.weight
