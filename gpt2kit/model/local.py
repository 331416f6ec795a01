"""Local attention of T-DMCA (Liu et al. 2018, "Generating Wikipedia by Summarizing Long Sequences").

The sequence is cut into independent blocks; within a block, attention is GPT-2's. Its cost grows with the length, not
with its square. Shapes: B rows, H heads, T positions, K = width of a head, N blocks; see cache.py too.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gpt2kit.config import ModelConfig
from gpt2kit.model.attention import Attention, AttentionTrace, cached_attention, causal_attention
from gpt2kit.model.cache import Cache, DecodeMasks, LayerCache
from gpt2kit.model.cache_slots import BUCKET


def local_attention(query: Tensor, key: Tensor, value: Tensor, block: int) -> Tensor:
    """Causal attention in blocks of `block` positions, starting at position 0; all are [B, H, T, K]."""
    rows, _, positions, _ = query.shape
    if positions <= block:
        return causal_attention(query, key, value)
    # The fused kernel even on CPUs, where products of 256 positions are faster (by a sixth for a layer of 4,096): the
    # products keep three times as much for the backward pass, and long windows are short of memory.
    query, key, value = _blocks(query, block), _blocks(key, block), _blocks(value, block)
    attended = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    return attended.unflatten(0, (rows, -1)).transpose(1, 2).flatten(2, 3)[:, :, :positions]


def _blocks(x_BHTK: Tensor, block: int) -> Tensor:
    """[B x N, H, block, K]. Padding of the last block comes after its positions, which therefore do not see it."""
    count = -(-x_BHTK.size(2) // block)
    missing = count * block - x_BHTK.size(2)
    whole = F.pad(x_BHTK, (0, 0, 0, missing)) if missing else x_BHTK
    return whole.unflatten(2, (count, block)).transpose(1, 2).flatten(0, 1)


class Blocks(DecodeMasks):
    """The new token sees its own block and those before it, `blocks` in all, of `block` positions each."""

    def __init__(self, cache: Cache, blocks: int, block: int) -> None:
        super().__init__(cache)
        self.blocks, self.block = blocks, block
        self.lengths: list[int] = []
        """Lengths of the prompts."""

    @property
    def shapes(self) -> tuple[int, ...]:
        return (self.first,)

    def begin(self, lengths: Sequence[int]) -> None:
        self.lengths = list(lengths)
        self._find_first()

    def prepare(self) -> None:
        super().prepare()
        if self.visible is not None:
            cache = self.cache
            begins_P = (cache.positions_P // self.block - self.blocks + 1) * self.block
            inside_PS = cache.key_positions_PS[:, self.first : cache.seen] >= begins_P[:, None]
            self.visible = self.visible[..., self.first :] & inside_PS[:, None, None]

    def count(self) -> None:
        self._find_first()

    def keep(self, prompts_P: Tensor) -> None:
        self.lengths = [self.lengths[prompt] for prompt in prompts_P.tolist()]
        self._find_first()

    def _find_first(self) -> None:
        """The first slot that any prompt sees in the next step."""
        cache = self.cache
        steps = (cache.filled - cache.longest) // cache.width
        begins = {length: (length + steps) // self.block - self.blocks + 1 for length in self.lengths}
        first = min(self._slot_of(length, max(0, block) * self.block) for length, block in begins.items())
        self.first = first // BUCKET * BUCKET if cache.static else first

    def _slot_of(self, length: int, position: int) -> int:
        """The slot of a position, or of the first one after it, for a prompt of that length."""
        cache = self.cache
        return position if position < length else cache.longest + (position - length) * cache.width


class LocalAttention(Attention):
    """Has only GPT-2's weights."""

    summary = "Local attention: a token sees itself and the tokens before it, in its own block of {block} tokens only."
    saved = ("block",)

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.block = config.block

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return local_attention(query, key, value, self.block)

    def trace(self, x_BTD: Tensor) -> AttentionTrace:
        """Positions outside a position's block are hidden from it."""
        trace = super().trace(x_BTD)
        blocks_T = torch.arange(x_BTD.size(1), device=x_BTD.device) // self.block
        return trace._replace(hidden=trace.hidden | (blocks_T != blocks_T[:, None]))

    def new_masks(self, cache: Cache) -> DecodeMasks:
        return Blocks(cache, 1, self.block)

    def decode_step(self, layer: LayerCache[Any], query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        keys, values = layer.append(key, value)
        return cached_attention(query, keys, values, layer.masks.mask)

    @classmethod
    def flop(cls, config: ModelConfig, lengths: Any) -> Any:
        return 12 * config.n_embd * lengths * lengths.clip(max=config.block)
