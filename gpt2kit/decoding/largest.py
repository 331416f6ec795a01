"""The largest entries of long rows."""

import torch
from torch import Tensor

GROUP = 64
"""Entries per group. On a CPU `topk` is slow and a maximum fast: it first chooses among the maxima of groups."""


def largest(x: Tensor, k: int) -> tuple[Tensor, Tensor]:
    """The k largest entries of each row of [..., V], the largest first, and their places, both [..., k].

    The same as `torch.topk` in half of its time for the vocabulary of a model; among equal entries the choice is free.
    """
    rows, length = x.shape[:-1], x.size(-1)
    groups = length // GROUP
    if x.device.type != "cpu" or groups < 2 * k:
        found = x.topk(k)
        return found.values, found.indices
    grouped = x[..., : groups * GROUP].unflatten(-1, (groups, GROUP))
    # The k largest entries are in the k groups with the largest maxima.
    best = grouped.amax(-1).topk(k).indices
    entries = grouped.gather(-2, best[..., None].expand(*rows, k, GROUP)).flatten(-2)
    places = (best[..., None] * GROUP + torch.arange(GROUP)).flatten(-2)
    if rest := length - groups * GROUP:
        entries = torch.cat([entries, x[..., -rest:]], -1)
        places = torch.cat([places, torch.arange(length - rest, length).expand(*rows, rest)], -1)
    values, chosen = entries.topk(k)
    return values, places.gather(-1, chosen)
