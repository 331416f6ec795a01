"""GPT-2's own attention: every position sees itself and all that precede it."""

from torch import Tensor

from gpt2kit.model.attention import Attention, cached_attention, causal_attention
from gpt2kit.model.cache import DecodeMasks, LayerCache


class FullAttention(Attention):
    """Has only GPT-2's weights."""

    summary = "GPT-2's own attention: a token sees itself and all tokens before it."

    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        return causal_attention(query, key, value)

    def decode_step(self, layer: LayerCache[DecodeMasks], query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        keys, values = layer.append(key, value)
        return cached_attention(query, keys, values, layer.masks.mask)
