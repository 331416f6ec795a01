"""The kinds of causal self-attention by their names in `ModelConfig.attention`."""

import math

from gpt2kit.config import VARIANT, ModelConfig
from gpt2kit.model.attention import Attention
from gpt2kit.model.compressed import CompressedAttention
from gpt2kit.model.full import FullAttention
from gpt2kit.model.local import LocalAttention
from gpt2kit.model.relative import RelativeAttention
from gpt2kit.model.relative_local import RelativeLocalAttention

KINDS: dict[str, type[Attention]] = {
    "full": FullAttention,
    "relative": RelativeAttention,
    "relative-local": RelativeLocalAttention,
    "local": LocalAttention,
    "compressed": CompressedAttention,
}


def attention_of(config: ModelConfig, layer: int) -> Attention:
    """Create the attention of a layer, counted from 0."""
    attention = KINDS[config.kinds[layer]](config)
    if not config.scale_attn_weights:
        attention.query_scale *= math.sqrt(config.n_embd // config.n_head)
    if config.scale_attn_by_inverse_layer_idx:
        attention.query_scale /= layer + 1
    return attention


def shape(config: ModelConfig) -> tuple[object, ...]:
    """Every field that decides which function the weights compute."""
    saved = sorted({key for kind in config.kinds for key in KINDS[kind].saved})
    sizes = (config.n_layer, config.n_head, config.n_embd, config.inner, config.n_positions, config.kinds)
    return (*sizes, *(getattr(config, key) for key in (*VARIANT, *saved)))
