"""Switch parts of a model off for a while, to see their effect."""

from collections.abc import Callable, Collection, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from gpt2kit.model.gpt2 import GPT2


class Off(NamedTuple):
    """The parts to switch off, counted from 0. A part that is off adds nothing to the residual stream."""

    heads: frozenset[tuple[int, int]] = frozenset()
    """(layer, head)."""
    attentions: frozenset[int] = frozenset()
    """Layers whose attention writes nothing."""
    mlps: frozenset[int] = frozenset()
    """Layers whose MLP writes nothing."""


@contextmanager
def without(model: GPT2, off: Off) -> Iterator[GPT2]:
    """The model without these parts; they are restored bit by bit afterwards, also after an error.

    Raises ValueError for a part that the model does not have.
    """
    blocks, heads = model.transformer.blocks(), model.config.n_head
    named = [*off.attentions, *off.mlps, *(layer for layer, _ in off.heads)]
    if any(not 0 <= layer < len(blocks) for layer in named) or any(not 0 <= head < heads for _, head in off.heads):
        raise ValueError(f"expected layers from 0 to {len(blocks) - 1} and heads from 0 to {heads - 1}")
    with ExitStack() as hooks:
        for layer, block in enumerate(blocks):
            if silent := [head for each, head in off.heads if each == layer]:
                hooks.callback(block.attn.c_proj.register_forward_pre_hook(_silencer(silent, heads)).remove)
            for part, layers in ((block.attn, off.attentions), (block.mlp, off.mlps)):
                if layer in layers:
                    hooks.callback(part.register_forward_hook(_nothing).remove)
        yield model


def _silencer(silent: Collection[int], heads: int) -> Callable[[nn.Module, tuple[Any, ...]], tuple[Tensor]]:
    def silence(_: nn.Module, given: tuple[Any, ...]) -> tuple[Tensor]:
        x: Tensor = given[0].clone()
        x.unflatten(-1, (heads, -1))[..., list(silent), :] = 0
        return (x,)

    return silence


def _nothing(_: nn.Module, given: tuple[Any, ...], made: Tensor) -> Tensor:
    return torch.zeros_like(made)
