"""Memory-compressed attention of T-DMCA (Liu et al. 2018, "Generating Wikipedia by Summarizing Long Sequences").

Keys and values, after their projection, are shortened by a convolution whose stride is its kernel: a group of C
positions becomes one slot. Queries are not shortened. As in the paper, a query sees only slots and not the positions of
its own group (except at the group's end): the local layers before and after show it those.

Shapes: B rows, H heads, T positions, C = compression, S slots = 1 + T // C, D width, K = D / H.

Slot 0 holds a key and a value learned for each head, without which the first queries would see nothing. Every query
sees it, and a head that finds nothing can attend to it. (tensor2tensor shows the first position instead, which is then
seen twice, and differently from all others.) Slot 1 + j holds positions C j ... C j + C - 1, and the query at position
i sees it if C j + C - 1 <= i: it sees slots 0 ... (i + 1) // C.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gpt2kit.config import ModelConfig
from gpt2kit.model.attention import Attention, AttentionTrace, cached_attention, causal_attention, scaled_scores
from gpt2kit.model.cache import Cache, DecodeMasks, LayerCache
from gpt2kit.model.compressed_cache import GroupLayerCache, Groups


def shortened(x_BHTK: Tensor, weight_HCKK: Tensor) -> Tensor:
    """The convolution: whole groups of C positions to one slot each, [B, H, T // C, K]; separately for each head.

    It has no bias: the preceding projection already adds one.
    """
    compression = weight_HCKK.size(1)
    groups = x_BHTK.size(2) // compression
    whole = x_BHTK[:, :, : groups * compression].unflatten(2, (groups, compression))
    return joined(whole, weight_HCKK)


def joined(group_BHSCK: Tensor, weight_HCKK: Tensor) -> Tensor:
    """The C vectors of each group as a weighted sum, [B, H, S, K]."""
    return group_BHSCK.flatten(3) @ weight_HCKK.flatten(1, 2)


def after_null(x_BHSK: Tensor, null_D: Tensor) -> Tensor:
    """The slots after the learned one, [B, H, 1 + S, K]."""
    rows, heads, _, _ = x_BHSK.shape
    null = null_D.to(x_BHSK.dtype).view(heads, 1, -1).expand(rows, -1, -1, -1)
    return torch.cat([null, x_BHSK], 2)


def mean_of_group(weight_HCKK: Tensor) -> Tensor:
    """The convolution weight that makes a slot the mean of its group.

    Training starts near it: slots then resemble the keys and values that they summarize. A random matrix would shrink
    and scramble them, and make useless what queries had learned about keys.
    """
    _, compression, width, _ = weight_HCKK.shape
    return torch.eye(width, device=weight_HCKK.device).expand_as(weight_HCKK) / compression


def compressed_attention(query: Tensor, keys: Tensor, values: Tensor, compression: int) -> Tensor:
    """Attention of queries [B, H, T, K] to the slots [B, H, S, K] that each may see; [B, H, T, K].

    With one empty query in front, each C queries see the same slots, and the m-th C see slots 0 ... m. So the first
    queries of each C form square causal attention with the slots, the second queries form another, and so on: C times
    as many heads of plain causal attention, without a mask, in kernels that never hold all scores.
    """
    heads, positions = query.size(1), query.size(2)
    attended = causal_attention(
        _squares(query, keys.size(2), compression), _for_each(keys, compression), _for_each(values, compression)
    )
    return _unsquared(attended, heads, positions)


def _squares(query: Tensor, slots: int, compression: int) -> Tensor:
    """[B, H, T, K] to [B, H x C, S, K]."""
    after = slots * compression - query.size(2) - 1
    padded = F.pad(query, (0, 0, 1, after))
    return padded.unflatten(2, (slots, compression)).transpose(2, 3).flatten(1, 2)


def _unsquared(x: Tensor, heads: int, positions: int) -> Tensor:
    """[B, H x C, S, X] back to [B, H, T, X]."""
    return x.unflatten(1, (heads, -1)).transpose(2, 3).flatten(2, 3)[:, :, 1 : positions + 1]


def _for_each(slots_BHSK: Tensor, compression: int) -> Tensor:
    """The same slots for each of the C queries, [B, H x C, S, K]."""
    return slots_BHSK[:, :, None].expand(-1, -1, compression, -1, -1).flatten(1, 2)


class CompressedAttention(Attention):
    """GPT-2's weights, and `compress_k`, `compress_v` [H, C, K, K] (each head's convolution: position in the group, in,
    out), `null_k`, `null_v` [D] (slot 0, head by head)."""

    summary = (
        "Memory-compressed attention: each {compression} tokens share one key and one value, which are visible from the"
        " last of them on; ∅ is a learned key that belongs to no token."
    )
    saved = ("compression",)
    meanings: ClassVar = {
        "compress": "the keys or values of a group, combined into one",
        "null": "a learned key and value that belong to no token",
    }

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.compression = config.compression
        width = config.n_embd // config.n_head
        self.compress_k = nn.Parameter(torch.empty(config.n_head, config.compression, width, width))
        self.compress_v = nn.Parameter(torch.empty(config.n_head, config.compression, width, width))
        self.null_k = nn.Parameter(torch.empty(config.n_embd))
        self.null_v = nn.Parameter(torch.empty(config.n_embd))

    def initialise(self, std: float) -> None:
        for weight in (self.compress_k, self.compress_v):
            nn.init.normal_(weight, std=std)
            with torch.no_grad():
                weight.add_(mean_of_group(weight))
        for null in (self.null_k, self.null_v):
            nn.init.zeros_(null)  # at first as likely as any other key, and adds nothing

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return compressed_attention(query, *self.slots_of(key, value), self.compression)

    def slots_of(self, key: Tensor, value: Tensor) -> tuple[Tensor, Tensor]:
        """Slot 0 and those of the whole groups, [B, H, 1 + T // C, K], for keys and values."""
        keys = after_null(shortened(key, self.compress_k), self.null_k)
        return keys, after_null(shortened(value, self.compress_v), self.null_v)

    def trace(self, x_BTD: Tensor) -> AttentionTrace:
        """Keys and values are slots."""
        query, key, value = self.projected(x_BTD)
        keys, values = self.slots_of(key, value)
        slots_S = torch.arange(keys.size(2), device=query.device)
        seen_T1 = (torch.arange(query.size(2), device=query.device)[:, None] + 1) // self.compression
        begins_S1 = (slots_S[:, None] - 1) * self.compression
        spans = torch.cat((begins_S1, begins_S1 + self.compression - 1), 1)
        spans[0] = -1
        return AttentionTrace(query, keys, values, scaled_scores(query, keys), slots_S > seen_T1, spans)

    def weights(self, x_BTD: Tensor) -> Tensor:
        """A slot's weight is spread evenly over its group; without slot 0's weight they sum to less than 1."""
        weights_BHTS = self.trace(x_BTD).weights
        spread = (weights_BHTS[..., 1:] / self.compression).repeat_interleave(self.compression, -1)
        return F.pad(spread, (0, x_BTD.size(1) - spread.size(-1)))

    def new_masks(self, cache: Cache) -> DecodeMasks:
        return Groups(cache, self.compression)

    def new_layer_cache(self, masks: Groups) -> LayerCache[Groups]:
        return GroupLayerCache(masks)

    def prefill(self, layer: GroupLayerCache, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        keys, values = self.slots_of(key, value)
        layer.fill(keys, values)
        layer.fill_tails(key, value)
        return compressed_attention(query, keys, values, self.compression)

    def decode_step(self, layer: GroupLayerCache, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """The slot of the token's group is written at each step, and visible once the group is whole."""
        key_tails, value_tails = layer.extend_tails(key, value)
        new_keys = joined(key_tails.to(self.compress_k.dtype), self.compress_k)
        keys, values = layer.append(new_keys, joined(value_tails.to(self.compress_v.dtype), self.compress_v))
        return cached_attention(query, keys, values, layer.masks.mask)

    @classmethod
    def flop(cls, config: ModelConfig, lengths: Any) -> Any:
        """Each key or value is multiplied by its head's matrix for its place in the group."""
        scores_and_sums = lengths * lengths / config.compression
        return 12 * config.n_embd * (scores_and_sums + config.n_embd // config.n_head * lengths)
