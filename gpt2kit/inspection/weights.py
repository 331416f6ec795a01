"""Every weight of a model, in the order in which the forward pass uses them."""

from typing import NamedTuple

from gpt2kit.model.attention_kinds import KINDS
from gpt2kit.model.checkpoint import stored
from gpt2kit.model.gpt2 import GPT2

MEANINGS = {
    "wte": "a vector for each token of the vocabulary",
    "wpe": "a vector for each position of the window",
    "ln_1": "norm before attention",
    "attn.c_attn": "query, key and value of every head",
    "attn.c_proj": "the heads merged",
    **{f"attn.{name}": meaning for kind in KINDS.values() for name, meaning in kind.meanings.items()},
    "ln_2": "norm before the MLP",
    "mlp.c_fc": "the MLP, up",
    "mlp.c_proj": "the MLP, down",
    "ln_f": "the last norm",
    "lm_head": "the head: a vector for each token, with which logits are computed",
    "score": "the second head, on the last token",
}
"""Descriptions by the beginning of a name within its part."""


class Weight(NamedTuple):
    """One tensor."""

    part: str
    """embeddings, block 1, block 2, ... or end."""
    name: str
    """The name in the checkpoint, without the number of the block."""
    shape: tuple[int, ...]
    """In the checkpoint."""
    size: int
    """Number of values."""
    meaning: str


def weights_of(model: GPT2) -> list[Weight]:
    """All weights; a head that is the token embedding is not counted again."""
    found = []
    for name, parameter in model.named_parameters():
        words = name.removeprefix("transformer.").split(".")
        part = f"block {int(words[1]) + 1}" if words[0] == "h" else "end" if words[0] != "wte" else "embeddings"
        part = "embeddings" if words[0] == "wpe" else part
        inside = ".".join(words[2:] if words[0] == "h" else words)
        meaning = next(meaning for start, meaning in MEANINGS.items() if inside.startswith(start))
        found.append(Weight(part, inside, tuple(stored(name, parameter).shape), parameter.numel(), meaning))
    return found


def totals(weights: list[Weight]) -> dict[str, int]:
    """The number of weights in each part."""
    found: dict[str, int] = {}
    for weight in weights:
        found[weight.part] = found.get(weight.part, 0) + weight.size
    return found
