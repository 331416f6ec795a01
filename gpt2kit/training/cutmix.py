"""CutMix (Yun et al. 2019) for texts: pieces of one take the place of another's, and count for their own text's answer
as much as they take up.

Shapes: B rows, each a text, T positions.
"""

from typing import NamedTuple

import torch
from torch import Tensor

PIECE = 2
"""Tokens that are taken together."""


class Mixed(NamedTuple):
    ids_BT: Tensor
    others_B: Tensor
    """The row that a row's pieces were taken from."""
    shares_B: Tensor
    """How much of the row they are, from 0 to 1."""


def mixed(ids_BT: Tensor, ends_B: Tensor) -> Mixed:
    """Each row with pieces of another one, at the places where they stood; `ends_B` are the flat positions of the rows'
    last tokens, which stay, as do the first ones. How many pieces are taken is drawn for each row."""
    rows, width = ids_BT.shape
    device = ids_BT.device
    others_B = torch.randperm(rows, device=device)
    places_T = torch.arange(width, device=device)
    inside_BT = (places_T > 0) & (places_T < (ends_B % width)[:, None])
    drawn = torch.rand(rows, -(-width // PIECE), device=device) < torch.rand(rows, 1, device=device)
    taken_BT = drawn.repeat_interleave(PIECE, 1)[:, :width] & inside_BT & inside_BT[others_B]
    shares_B = taken_BT.sum(1) / inside_BT.sum(1).clamp(min=1)
    return Mixed(torch.where(taken_BT, ids_BT[others_B], ids_BT), others_B, shares_B)
