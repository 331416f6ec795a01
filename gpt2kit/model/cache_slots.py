"""Tensors with room for more keys or values, [P, H, S, K]: prompts, heads, slots, width of a head."""

import torch
from torch import Tensor

BUCKET = 128
"""Where shapes must stay the same (CUDA graphs), so many slots more are looked at a time."""

LEAST_GROWTH, GROWTH = 2, 1 / 8
"""Elsewhere room is made for two steps, or by an eighth: what lies between the slots of one row and those of the next
costs a CPU's prefetching more than copying all of them now and then."""


def roomy(slots: int, width: int) -> int:
    """How many slots to make room for when so many are needed and a step writes `width`."""
    return slots + max(LEAST_GROWTH * width, int(GROWTH * slots))


def enlarge(layers: list[Tensor], room: int, filled: int) -> None:
    """Make room for so many slots in each layer, one at a time; `filled` are taken over, the rest are 0."""
    for layer, old in enumerate(layers):
        prompts, heads, _, width = old.shape
        layers[layer] = old.new_zeros(prompts, heads, room, width)
        layers[layer][:, :, :filled] = old[:, :, :filled]


def keep_rows(layers: list[Tensor], prompts_P: Tensor) -> None:
    """Leave each layer's tensor with these prompts alone, in this order; those that keep their places stay uncopied."""
    left = len(prompts_P)
    moved = (prompts_P != torch.arange(left, device=prompts_P.device)).nonzero().flatten()
    for layer, old in enumerate(layers):
        old[moved] = old[prompts_P[moved]]
        layers[layer] = old[:left]
