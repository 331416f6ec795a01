"""Preallocated keys and values for decoding.

Shapes: L layers, B rows, H heads, S slots, T new positions, K = width of a head.
Rows may have different lengths: each is written from its own length on, so nothing is padded on the left and a
row's numbers do not depend on its neighbours.
"""

import torch
from torch import Tensor


class Cache:
    """Keys and values of every layer, and how many slots of each row are filled."""

    def __init__(
        self, layers: int, rows: int, heads: int, slots: int, head_dim: int, device: torch.device, dtype: torch.dtype
    ) -> None:
        shape = (layers, rows, heads, slots, head_dim)
        self.keys_LBHSK = torch.zeros(shape, device=device, dtype=dtype)
        self.values_LBHSK = torch.zeros(shape, device=device, dtype=dtype)
        self.lengths_B = torch.zeros(rows, device=device, dtype=torch.long)
        self.longest = 0
        """At least lengths_B.max(), known without asking the device."""

    def seen(self, new: int) -> int:
        """Slots in use once `new` more tokens are written."""
        return min(self.longest + new, self.keys_LBHSK.size(3))

    def positions(self, new: int) -> Tensor:
        """Positions [B, T] of the next `new` tokens of each row."""
        steps_T = torch.arange(new, device=self.lengths_B.device)
        return self.lengths_B[:, None] + steps_T

    def mask(self, positions_BT: Tensor) -> Tensor:
        """[B, 1, T, S']: a query sees the keys at its own position and before."""
        slots_S = torch.arange(self.seen(positions_BT.size(1)), device=positions_BT.device)
        return slots_S <= positions_BT[:, None, :, None]

    def append(self, layer: int, keys_BHTK: Tensor, values_BHTK: Tensor, positions_BT: Tensor) -> tuple[Tensor, Tensor]:
        """Write the new keys and values of one layer; return all that are visible, [B, H, S', K]."""
        new = positions_BT.size(1)
        if self.longest == 0:
            self.keys_LBHSK[layer, :, :, :new] = keys_BHTK
            self.values_LBHSK[layer, :, :, :new] = values_BHTK
        else:
            rows_B1 = torch.arange(positions_BT.size(0), device=positions_BT.device)[:, None]
            # A finished row may stay in the batch when all its slots are filled; nobody looks at its numbers.
            slots_BT = positions_BT.clamp(max=self.keys_LBHSK.size(3) - 1)
            self.keys_LBHSK[layer, rows_B1, :, slots_BT] = keys_BHTK.transpose(1, 2)
            self.values_LBHSK[layer, rows_B1, :, slots_BT] = values_BHTK.transpose(1, 2)
        seen = self.seen(new)
        return self.keys_LBHSK[layer, :, :, :seen], self.values_LBHSK[layer, :, :, :seen]

    def advance(self, counts_B: Tensor, most: int) -> None:
        """Count `counts_B` (at most `most`) of the tokens just written as real; what lies behind is overwritten."""
        self.lengths_B = self.lengths_B + counts_B
        self.longest += most

    def select(self, rows: Tensor) -> None:
        """Keep these rows, in this order; a row may be kept several times (beams)."""
        for name in ("keys_LBHSK", "values_LBHSK"):
            old = getattr(self, name)
            if rows.numel() == old.size(1):
                used = old[:, :, :, : self.longest]
                used.copy_(used.index_select(1, rows))
            else:
                setattr(self, name, old.index_select(1, rows))
        self.lengths_B = self.lengths_B[rows]
