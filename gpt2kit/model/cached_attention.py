"""How the heads of a frozen layer attend, by kind: to whole prompts, which a cache receives, then from new tokens.

Shapes: P prompts, W hypotheses of each, T positions, H heads, K = width of a head.
"""

from typing import Protocol

import torch
from torch import Tensor

from gpt2kit.model.attention import Attention, RelativeAttention, by_distance, cached_attention, causal_attention
from gpt2kit.model.cache import Cache, DecodeMasks
from gpt2kit.model.compressed import CompressedAttention, compressed_attention
from gpt2kit.model.groups import Shortening
from gpt2kit.model.local import LocalAttention, local_attention
from gpt2kit.model.relative_local import RelativeLocalAttention, relative_local_attention


class Attending(Protocol):
    """One layer's attention."""

    def read(self, query: Tensor, key: Tensor, value: Tensor, lengths_P: Tensor, cache: Cache) -> Tensor:
        """All positions of prompts padded on the right, all [P, H, T, K]; the cache receives them."""

    def step(self, query: Tensor, key: Tensor, value: Tensor, masks: DecodeMasks, cache: Cache) -> Tensor:
        """One more token of each hypothesis, all [P, H, W, K]."""


def attending(attentions: list[Attention], dtype: torch.dtype) -> list[Attending]:
    """For each layer; what a kind has of weights of its own is copied in `dtype`."""
    found: list[Attending] = []
    plain = compressed = 0  # their layers are numbered each for themselves
    for attention in attentions:
        if isinstance(attention, CompressedAttention):
            found.append(_Compressed(compressed, attention, dtype))
            compressed += 1
            continue
        if isinstance(attention, LocalAttention):
            found.append(_Local(plain, attention.block))
        elif isinstance(attention, RelativeLocalAttention):
            distance_HSK = attention.distance.detach().to(dtype, copy=True)
            found.append(_RelativeLocal(plain, distance_HSK, attention.block))
        elif isinstance(attention, RelativeAttention):
            found.append(_Relative(plain, attention.distance.detach().to(dtype, copy=True)))
        else:
            found.append(_Full(plain))
        plain += 1
    return found


class _Full:
    def __init__(self, layer: int) -> None:
        self.layer = layer

    def read(self, query: Tensor, key: Tensor, value: Tensor, lengths_P: Tensor, cache: Cache) -> Tensor:
        cache.fill(self.layer, key, value)
        return causal_attention(query, key, value)

    def step(self, query: Tensor, key: Tensor, value: Tensor, masks: DecodeMasks, cache: Cache) -> Tensor:
        keys, values = cache.append(self.layer, key, value)
        return cached_attention(query, keys, values, masks.mask)


class _Relative:
    def __init__(self, layer: int, distance_HSK: Tensor) -> None:
        self.layer, self.distance_HSK = layer, distance_HSK

    def read(self, query: Tensor, key: Tensor, value: Tensor, lengths_P: Tensor, cache: Cache) -> Tensor:
        cache.fill(self.layer, key, value)
        return causal_attention(query, key, value, self.distance_HSK)

    def step(self, query: Tensor, key: Tensor, value: Tensor, masks: DecodeMasks, cache: Cache) -> Tensor:
        keys, values = cache.append(self.layer, key, value)
        assert masks.distances_PWS is not None
        bias = by_distance(query.to(keys.dtype), self.distance_HSK, masks.distances_PWS)
        return cached_attention(query, keys, values, masks.mask, bias)


class _RelativeLocal:
    def __init__(self, layer: int, distance_HSK: Tensor, block: int) -> None:
        self.layer, self.distance_HSK, self.block = layer, distance_HSK, block

    def read(self, query: Tensor, key: Tensor, value: Tensor, lengths_P: Tensor, cache: Cache) -> Tensor:
        cache.fill(self.layer, key, value)
        return relative_local_attention(query, key, value, self.distance_HSK, self.block)

    def step(self, query: Tensor, key: Tensor, value: Tensor, masks: DecodeMasks, cache: Cache) -> Tensor:
        keys, values = (x[:, :, masks.start :] for x in cache.append(self.layer, key, value))
        assert masks.distances_PWS is not None
        bias = by_distance(query.to(keys.dtype), self.distance_HSK, masks.distances_PWS[..., masks.start :])
        return cached_attention(query, keys, values, masks.local, bias)


class _Local:
    def __init__(self, layer: int, block: int) -> None:
        self.layer, self.block = layer, block

    def read(self, query: Tensor, key: Tensor, value: Tensor, lengths_P: Tensor, cache: Cache) -> Tensor:
        cache.fill(self.layer, key, value)
        return local_attention(query, key, value, self.block)

    def step(self, query: Tensor, key: Tensor, value: Tensor, masks: DecodeMasks, cache: Cache) -> Tensor:
        keys, values = cache.append(self.layer, key, value)
        return cached_attention(query, keys[:, :, masks.start :], values[:, :, masks.start :], masks.local)


class _Compressed:
    def __init__(self, layer: int, attention: CompressedAttention, dtype: torch.dtype) -> None:
        weights = (attention.compress_k, attention.null_k), (attention.compress_v, attention.null_v)
        copies = [[weight.detach().to(dtype, copy=True) for weight in pair] for pair in weights]
        self.shorten = tuple(Shortening(*pair) for pair in copies)
        self.layer, self.compression = layer, attention.compression

    def read(self, query: Tensor, key: Tensor, value: Tensor, lengths_P: Tensor, cache: Cache) -> Tensor:
        assert cache.groups is not None
        keys, values = cache.groups.fill(self.layer, key, value, lengths_P, self.shorten)
        return compressed_attention(query, keys, values, self.compression)

    def step(self, query: Tensor, key: Tensor, value: Tensor, masks: DecodeMasks, cache: Cache) -> Tensor:
        assert cache.groups is not None
        keys, values = cache.groups.append(self.layer, key, value, self.shorten)
        return cached_attention(query, keys, values, masks.groups)
