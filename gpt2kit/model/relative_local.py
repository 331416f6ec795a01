"""Relative local attention (Huang et al. 2018, "Music Transformer", section 3.5): each block of positions sees itself
and the previous block, with learned vectors for distances.

Its cost grows with the length, not with its square, and only positions of the first block see less than a block.
Shapes: B rows, H heads, T positions, K = width of a head, N blocks, S = 2 blocks of keys.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gpt2kit.config import ModelConfig
from gpt2kit.model.attention import (
    Attention,
    AttentionTrace,
    attention_weights,
    by_distance,
    causal_attention,
    relative_bias,
)
from gpt2kit.model.cache import Cache, DecodeMasks
from gpt2kit.model.local import Blocks
from gpt2kit.model.relative import RelativeAttention, distances


def relative_local_attention(query: Tensor, key: Tensor, value: Tensor, table_HSK: Tensor, block: int) -> Tensor:
    """Causal attention of blocks of `block` positions, from position 0 on, to themselves and the previous one; query,
    key and value are [B, H, T, K], the table has vectors for distances below two blocks."""
    rows, _, positions, _ = query.shape
    if positions <= 2 * block:
        return causal_attention(query, key, value, table_HSK)
    count = -(-positions // block)
    query, key, value = (
        F.pad(x, (0, 0, 0, count * block - positions)).unflatten(2, (count, block)).transpose(1, 2)
        for x in (query, key, value)
    )  # [B, N, H, block, K]
    key, value = (torch.cat((F.pad(x, (0, 0, 0, 0, 0, 0, 1, 0))[:, :-1], x), 3).flatten(0, 1) for x in (key, value))
    query = query.flatten(0, 1)
    bias = relative_bias(query, table_HSK).unflatten(0, (rows, count))
    hidden = torch.zeros(count, 1, 1, 2 * block, dtype=torch.bool, device=query.device)
    hidden[0, ..., :block] = True  # there is nothing before the first block
    bias = bias.masked_fill(hidden, -torch.inf).flatten(0, 1)
    attended = attention_weights(query, key, bias).to(value.dtype) @ value
    return attended.unflatten(0, (rows, count)).transpose(1, 2).flatten(2, 3)[:, :, :positions]


class RelativeBlocks(Blocks):
    """Also the distance of each key from the new token."""

    distances_PWS: Tensor

    def prepare(self) -> None:
        super().prepare()
        self.distances_PWS = distances(self.cache, self.first)


class RelativeLocalAttention(RelativeAttention):
    """Has a learned vector for each visible distance, by head."""

    summary = (
        "Relative local attention: a token sees itself and the tokens before it, in its own block of {block} tokens and"
        " the previous block; scores depend on the distance too."
    )
    saved = ("block",)

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.block = config.block

    @staticmethod
    def reach(config: ModelConfig) -> int:
        return min(2 * config.block, config.n_positions)

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return relative_local_attention(query, key, value, self.distance.to(query.dtype), self.block)

    def trace(self, x_BTD: Tensor) -> AttentionTrace:
        """Positions outside a position's block and the previous one are hidden from it, and have no score."""
        trace = Attention.trace(self, x_BTD)
        positions_T = torch.arange(x_BTD.size(1), device=x_BTD.device)
        distances_TT = positions_T[:, None] - positions_T
        blocks_T = positions_T // self.block
        hidden_TT = trace.hidden | (blocks_T[:, None] - blocks_T > 1)
        bias = by_distance(trace.query, self.distance, distances_TT.expand(len(x_BTD), -1, -1))
        return trace._replace(scores=(trace.scores + bias).masked_fill(hidden_TT, torch.nan), hidden=hidden_TT)

    def new_masks(self, cache: Cache) -> DecodeMasks:
        return RelativeBlocks(cache, 2, self.block)

    @classmethod
    def flop(cls, config: ModelConfig, lengths: Any) -> Any:
        return 12 * config.n_embd * lengths * lengths.clip(max=2 * config.block)
