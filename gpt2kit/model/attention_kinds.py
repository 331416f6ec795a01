"""The kinds of causal self-attention by their names in `ModelConfig.attention`."""

from gpt2kit.config import ModelConfig
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


def attention_of(kind: str, config: ModelConfig) -> Attention:
    """Create a layer's attention; `kind` is one of config.kinds."""
    return KINDS[kind](config)


def shape(config: ModelConfig) -> tuple[object, ...]:
    """Every field that decides which function the weights compute."""
    saved = sorted({key for kind in config.kinds for key in KINDS[kind].saved})
    sizes = (config.n_layer, config.n_head, config.n_embd, config.inner, config.n_positions, config.kinds)
    return (*sizes, *(getattr(config, key) for key in saved))
