"""Exact search for the nearest of many hidden states, which are kept as 8-bit integers with a scale for each.

Shapes: N states, D width, Q queries, K nearest states of each query, B states of a block.
"""

import torch
from torch import Tensor

from gpt2kit.decoding.largest import largest

BLOCK = 1 << 14
"""States that are compared at a time: as floats, only these are in memory."""

QUERIES = 256
"""Queries that are compared at a time."""


def quantized(states_ND: Tensor) -> tuple[Tensor, Tensor]:
    """States as int8 [N, D] and scales [N] in fp32: rounded to 1/127 of the largest entry of each state."""
    scales_N = states_ND.float().abs().amax(-1).clamp(min=1e-12) / 127
    return (states_ND.float() / scales_N[:, None]).round().to(torch.int8), scales_N


class States:
    """N states to search."""

    def __init__(self, levels_ND: Tensor, scales_N: Tensor) -> None:
        self.levels_ND, self.scales_N = levels_ND, scales_N
        blocks = (self._block(start) for start in range(0, len(self), BLOCK))
        self.squares_N = torch.cat([block.square().sum(-1) for block in blocks])

    def __len__(self) -> int:
        return len(self.levels_ND)

    def at(self, indices: Tensor) -> Tensor:
        """Some of the states in fp32, [..., D]."""
        return self.levels_ND[indices].float() * self.scales_N[indices][..., None]

    def nearest(self, queries_QD: Tensor, count: int) -> tuple[Tensor, Tensor]:
        """The squared Euclidean distances [Q, K] of the nearest states, the nearest first, and their indices; fewer
        than `count` if there are fewer states."""
        parts = [self._nearest(part.float(), min(count, len(self))) for part in queries_QD.split(QUERIES)]
        distances, indices = zip(*parts, strict=True)
        return torch.cat(distances), torch.cat(indices)

    def _block(self, start: int) -> Tensor:
        end = start + BLOCK
        return self.levels_ND[start:end].float() * self.scales_N[start:end, None]

    def _nearest(self, queries_QD: Tensor, count: int) -> tuple[Tensor, Tensor]:
        best_QK = queries_QD.new_empty(len(queries_QD), 0)
        indices_QK = best_QK.long()
        for start in range(0, len(self), BLOCK):
            block_BD, squares_B = self._block(start), self.squares_N[start : start + BLOCK]
            # The square of the query is the same for all states.
            found, places = largest(2 * queries_QD @ block_BD.T - squares_B, min(count, len(block_BD)))
            best_QK, indices_QK = torch.cat([best_QK, found], 1), torch.cat([indices_QK, places + start], 1)
            best_QK, chosen = best_QK.topk(min(count, best_QK.size(1)))
            indices_QK = indices_QK.gather(1, chosen)
        # A small distance is lost in the difference of large squares: these few are computed again.
        distances_QK = (self.at(indices_QK) - queries_QD[:, None]).square().sum(-1)
        distances_QK, order = distances_QK.sort(stable=True)
        return distances_QK, indices_QK.gather(1, order)
