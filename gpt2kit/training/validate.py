"""The loss on a split, computed by one process or several."""

from collections.abc import Sequence
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


def validation_loss(model: GPT2, batches: Batches, device: torch.device, dtype: str) -> float:
    """Nats per target token over a whole split."""
    return split_loss(objective_of(model, TargetLoss()), batches, ProcessGroup(device), dtype)[0]


@torch.no_grad()
def split_loss(
    module: nn.Module, batches: Batches, group: ProcessGroup, dtype: str, tokens: int = 0, probes: int = 0
) -> tuple[float, float]:
    """The same by an Objective, which `parallelize` may have wrapped: the processes of the group share the batches.

    About `tokens` tokens are used, spread over the split; 0 means all. Returns the loss and the share of these tokens
    that was computed: with `probes`, each process computes at most that many batches.
    """
    module.eval()
    epoch = batches.epoch(0)
    epoch = evenly_spaced(epoch, len(epoch) * tokens // max(1, batches.epoch_tokens) if tokens else len(epoch))
    turns = range(0, len(epoch), group.size)
    total, targets = 0.0, 0
    for start in evenly_spaced(turns, probes or len(turns)):
        # A turn is one batch per process; a process without one computes the first again, with weight 0.
        mine = start + group.rank < len(epoch)
        batch = batches.collate(epoch[start + group.rank if mine else 0])
        with autocast(group.device, dtype):
            _, plain = module(*batch.inputs(group.device))
        total += float(plain) * mine
        targets += batch.targets * mine
    total, all_targets = group.sum([total, float(targets)])
    if not all_targets:
        raise DataError("the validation split has no target tokens")
    return total / all_targets, min(1.0, probes / len(turns)) if probes else 1.0


def evenly_spaced(items: Sequence[Item], count: int) -> list[Item]:
    """`count` of the items, evenly spaced; at least one if there are any."""
    count = max(1, min(count, len(items)))
    return [items[(2 * index + 1) * len(items) // (2 * count)] for index in range(count)] if items else []
