"""Relative attention (Shaw et al. 2018; Huang et al. 2018, "Music Transformer"): learned vectors for distances.

Shapes: H heads, T positions, S keys, K = width of a head.
"""

from typing import Any, ClassVar

import torch
from torch import Tensor, nn

from gpt2kit.config import ModelConfig
from gpt2kit.model.attention import (
    Attention,
    AttentionTrace,
    by_distance,
    cached_attention,
    causal_attention,
    relative_bias,
)
from gpt2kit.model.cache import Cache, DecodeMasks, LayerCache


class Distances(DecodeMasks):
    """Also the distance of each key from the new token."""

    distances_PWS: Tensor

    def prepare(self) -> None:
        super().prepare()
        self.distances_PWS = distances(self.cache, 0)


def distances(cache: Cache, first: int) -> Tensor:
    """The distance of each slot's token from the new token, from slot `first` on, [P, W, S']."""
    before_PS = cache.positions_P[:, None] - cache.key_positions_PS[:, first : cache.seen]
    return before_PS[:, None].expand(-1, cache.width, -1)


class RelativeAttention(Attention):
    """Adds to each score the query's product with a learned vector of the distance, by head."""

    summary = "Relative attention: a token sees itself and all tokens before it; scores depend on the distance too."
    meanings: ClassVar = {"distance": "a vector for each distance, by head"}
    knows_distances = True

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.distance = nn.Parameter(torch.empty(config.n_head, self.reach(config), config.n_embd // config.n_head))

    @staticmethod
    def reach(config: ModelConfig) -> int:
        """The number of distances."""
        return config.n_positions

    def initialise(self, std: float) -> None:
        nn.init.normal_(self.distance, std=self.distance.size(-1) ** -0.5)  # as Music Transformer's code has it

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return causal_attention(query, key, value, self.distance.to(query.dtype))

    def trace(self, x_BTD: Tensor) -> AttentionTrace:
        """Later positions have no distance, and so no score."""
        trace = super().trace(x_BTD)
        scores_BHTT = trace.scores + relative_bias(trace.query, self.distance[:, : trace.query.size(2)])
        return trace._replace(scores=scores_BHTT.masked_fill(trace.hidden, torch.nan))

    def new_masks(self, cache: Cache) -> DecodeMasks:
        return Distances(cache)

    def decode_step(self, layer: LayerCache[Any], query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        keys, values = layer.append(key, value)
        bias = by_distance(query.to(keys.dtype), self.distance, layer.masks.distances_PWS)
        return cached_attention(query, keys, values, layer.masks.mask, bias)
