"""The loss on a split, computed by one process or several."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import torch
from torch import nn

from gpt2kit.data.batches import Batches
from gpt2kit.errors import DataError
from gpt2kit.model.device import autocast
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.loss import TargetLoss
from gpt2kit.training.distributed import ProcessGroup
from gpt2kit.training.objective import objective_of

Item = TypeVar("Item")


@dataclass(frozen=True)
class SplitLoss:
    """A loss on a part of a split."""

    turns: list[tuple[float, float]]
    """The summed nats and the number of targets of each turn, which is one batch per process."""
    batches: int
    """The number of batches computed: the first ones, in an order whose every beginning is spread over the split."""
    of: int
    """The number of batches requested."""
    share: float
    """The share of the requested turns that was computed."""

    @property
    def whole(self) -> bool:
        return self.batches == self.of

    @property
    def loss(self) -> float:
        """Nats per target token."""
        return _mean(self.turns)

    def lower_than(self, other: "SplitLoss") -> bool:
        """Whether this loss is lower on the batches that both computed."""
        common = min(len(self.turns), len(other.turns))
        return _mean(self.turns[:common]) < _mean(other.turns[:common])


def _mean(turns: Sequence[tuple[float, float]]) -> float:
    return sum(nats for nats, _ in turns) / sum(targets for _, targets in turns)


def validation_loss(
    model: GPT2, batches: Batches, device: torch.device, dtype: str, group: ProcessGroup | None = None
) -> float:
    """Nats per target token over a whole split, whose batches the processes of a group share."""
    shared = ProcessGroup(device) if group is None else replace(group, device=device)
    return split_loss(objective_of(model, TargetLoss()), batches, shared, dtype).loss


@torch.no_grad()
def split_loss(
    module: nn.Module,
    batches: Batches,
    group: ProcessGroup,
    dtype: str,
    tokens: int = 0,
    most: int = 0,
    enough: Callable[[], bool] | None = None,
) -> SplitLoss:
    """The same by an Objective, which `parallelize` may have wrapped: the processes of the group share the batches.

    About `tokens` tokens are requested, spread over the split; 0 means all. Fewer are computed if there are more than
    `most` turns, or as soon as the main process's `enough` returns True; at least one target is.
    """
    module.eval()
    epoch = batches.epoch(0)
    epoch = spread(evenly_spaced(epoch, len(epoch) * tokens // max(1, batches.epoch_tokens) if tokens else len(epoch)))
    starts = range(0, len(epoch), group.size)
    sums = list[float]()
    for start in starts[: most or None]:
        if enough is not None and start and group.from_main(float(any(sums[1::2]) and enough())):
            break
        # A turn is one batch per process; a process without one computes the first again, with weight 0.
        mine = start + group.rank < len(epoch)
        batch = batches.collate(epoch[start + group.rank if mine else 0])
        with autocast(group.device, dtype):
            _, plain = module(*batch.inputs(group.device))
        sums += [float(plain) * mine, float(batch.targets * mine)]
    sums = group.sum(sums)
    turns = list(zip(sums[::2], sums[1::2], strict=True))
    if not any(targets for _, targets in turns):
        raise DataError("the validation split has no target tokens")
    return SplitLoss(turns, min(len(turns) * group.size, len(epoch)), len(epoch), len(turns) / len(starts))


def ends_by(deadline: float, clock: Callable[[], float]) -> Callable[[], bool]:
    """A function to call between turns, from now on: whether one more would probably end after the deadline."""
    began, turns = clock(), itertools.count(1)
    return lambda: clock() + (clock() - began) / next(turns) > deadline


def evenly_spaced(items: Sequence[Item], count: int) -> list[Item]:
    """`count` of the items, evenly spaced; at least one if there are any."""
    count = max(1, min(count, len(items)))
    return [items[(2 * index + 1) * len(items) // (2 * count)] for index in range(count)] if items else []


def spread(items: Sequence[Item]) -> list[Item]:
    """All items in an order whose every beginning is spread over them: the middle, then the quarters, and so on."""
    order, count = dict[int, None](), 1
    while len(order) < len(items):
        new = [index for index in evenly_spaced(range(len(items)), count) if index not in order]
        order |= dict.fromkeys(spread(new) if len(new) < len(items) else new)
        count *= 2
    return [items[index] for index in order]
