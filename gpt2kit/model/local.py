"""Local attention of T-DMCA (Liu et al. 2018, "Generating Wikipedia by Summarizing Long Sequences").

The sequence is cut into blocks that know nothing of each other; inside of one, attention is GPT-2's. Its cost grows
with the length, not with its square. Shapes: B rows, H heads, T positions, K = width of a head, N blocks.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from gpt2kit.config import ModelConfig
from gpt2kit.model.attention import Attention, AttentionTrace, causal_attention


def local_attention(query: Tensor, key: Tensor, value: Tensor, block: int) -> Tensor:
    """Causal attention in blocks of `block` positions, from position 0 on; all are [B, H, T, K]."""
    rows, _, positions, _ = query.shape
    if positions <= block:
        return causal_attention(query, key, value)
    # The fused kernel even on CPUs, where products of 256 positions are faster (a layer of 4,096 by a sixth): they keep
    # three times as much of it for the backward pass, and memory is what long windows lack.
    query, key, value = _blocks(query, block), _blocks(key, block), _blocks(value, block)
    attended = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    return attended.unflatten(0, (rows, -1)).transpose(1, 2).flatten(2, 3)[:, :, :positions]


def _blocks(x_BHTK: Tensor, block: int) -> Tensor:
    """[B x N, H, block, K]. What fills up the last block stands behind its positions, which therefore do not see it."""
    count = -(-x_BHTK.size(2) // block)
    missing = count * block - x_BHTK.size(2)
    whole = F.pad(x_BHTK, (0, 0, 0, missing)) if missing else x_BHTK
    return whole.unflatten(2, (count, block)).transpose(1, 2).flatten(0, 1)


class LocalAttention(Attention):
    """Has GPT-2's weights and no others."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.block = config.block

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return local_attention(query, key, value, self.block)

    def trace(self, x_BTD: Tensor) -> AttentionTrace:
        """What is outside of a position's block is hidden from it."""
        trace = super().trace(x_BTD)
        blocks_T = torch.arange(x_BTD.size(1), device=x_BTD.device) // self.block
        return trace._replace(hidden=trace.hidden | (blocks_T != blocks_T[:, None]))
