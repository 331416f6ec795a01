"""Tensors with room for more keys or values, [P, H, S, K]: prompts, heads, slots, width of a head."""

from collections.abc import Iterable

import torch
from torch import Tensor

BUCKET = 128
"""Where shapes must not change (CUDA graphs), the number of slots read grows in steps of this size."""

LEAST_GROWTH, GROWTH = 2, 1 / 8
"""Otherwise room is made for two steps, or by an eighth: on a CPU, unused slots between rows cost more in prefetching
than copying all slots now and then."""


def roomy(slots: int, width: int) -> int:
    """Slots to allocate when `slots` are needed and a step writes `width`."""
    return slots + max(LEAST_GROWTH * width, int(GROWTH * slots))


def enlarge(tensors: list[Tensor], room: int) -> None:
    """Enlarge each tensor to `room` slots, one tensor at a time; new slots are 0."""
    for index, old in enumerate(tensors):
        prompts, heads, slots, width = old.shape
        tensors[index] = old.new_empty(prompts, heads, room, width)
        tensors[index][:, :, :slots] = old
        tensors[index][:, :, slots:] = 0


def keep_rows(lists: Iterable[list[Tensor]], prompts_P: Tensor) -> None:
    """Keep only these prompts in the tensors of each list, in this order; those that keep their places are not
    copied. Prompts may also be repeated: then there may be more rows than before."""
    left = len(prompts_P)
    moved = (prompts_P != torch.arange(left, device=prompts_P.device)).nonzero().flatten()
    for tensors in lists:
        for index, old in enumerate(tensors):
            if left > len(old):
                tensors[index] = old[prompts_P]
                continue
            old[moved] = old[prompts_P[moved]]
            tensors[index] = old[:left]
