"""The loss on a split, by one process or several."""

import torch
from torch import nn

from gpt2kit.data.batches import RowBatches, collate
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError
from gpt2kit.evaluate.loss import TargetLoss
from gpt2kit.model.device import autocast
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.train.distributed import Team
from gpt2kit.train.objective import Objective


def validation_loss(model: GPT2, store: Store, batch_tokens: int, device: torch.device, dtype: str) -> float:
    """Nats per target token over a whole split."""
    return split_loss(Objective(model, TargetLoss()), store, batch_tokens, Team(device), dtype)[0]


@torch.no_grad()
def split_loss(
    module: nn.Module, store: Store, batch_tokens: int, team: Team, dtype: str, limit: int | None = None
) -> tuple[float, float]:
    """The same by an Objective that may be spread over a team, whose processes share the batches.

    Returns the loss and which share of the batches it is of: with a `limit`, each process computes no more than that.
    """
    module.eval()
    batches = RowBatches(store, batch_tokens, seed=0).epoch(0)
    turns = range(0, len(batches), team.size)
    total, targets = 0.0, 0
    for start in turns[:limit]:
        # Each process computes one of these at a time, and one that finds none left the first again, for nothing.
        mine = start + team.rank < len(batches)
        batch = collate(store, batches[start + team.rank if mine else 0]).to(team.device)
        with autocast(team.device, dtype):
            _, plain = module(batch.ids_BT, batch.positions_N, batch.labels_N)
        total += float(plain) * mine
        targets += batch.labels_N.numel() * mine
    total, all_targets = team.sum([total, float(targets)])
    if not all_targets:
        raise DataError("the validation split has no target tokens")
    return total / all_targets, len(turns[:limit]) / len(turns)
