"""Tensors with room for more keys or values, [P, H, S, K]: prompts, heads, slots, width of a head."""

from collections.abc import Iterable

import torch
from torch import Tensor

BUCKET = 128
"""Where shapes must stay the same (CUDA graphs), this many slots more are looked at a time."""

LEAST_GROWTH, GROWTH = 2, 1 / 8
"""Elsewhere room is made for two steps, or by an eighth: what lies between the slots of one row and those of the next
costs a CPU's prefetching more than copying all of them now and then."""


def roomy(slots: int, width: int) -> int:
    """How many slots to allocate when `slots` are needed and a step writes `width`."""
    return slots + max(LEAST_GROWTH * width, int(GROWTH * slots))


def enlarge(tensors: list[Tensor], room: int) -> None:
    """Make room for `room` slots in each tensor, one at a time; new ones are 0."""
    for index, old in enumerate(tensors):
        prompts, heads, slots, width = old.shape
        tensors[index] = old.new_zeros(prompts, heads, room, width)
        tensors[index][:, :, :slots] = old


def keep_rows(lists: Iterable[list[Tensor]], prompts_P: Tensor) -> None:
    """Leave the tensors of each list with these prompts alone, in this order; those that keep their places stay
    uncopied."""
    left = len(prompts_P)
    moved = (prompts_P != torch.arange(left, device=prompts_P.device)).nonzero().flatten()
    for tensors in lists:
        for index, old in enumerate(tensors):
            old[moved] = old[prompts_P[moved]]
            tensors[index] = old[:left]
