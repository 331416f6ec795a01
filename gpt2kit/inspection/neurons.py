"""The neurons of the MLPs that fire at a position, and the tokens that each makes likelier or less likely.

Shapes: L layers, P positions, T positions of the input, F neurons of an MLP, D width, V vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gpt2kit.model.gpt2 import GPT2

STRONGEST = 5
"""Neurons of each layer at each position."""

PUSHED = 5
"""Tokens that a neuron pushes up, and as many that it pushes down."""

AT_ONCE = 64
"""Neurons whose logits are in memory together."""


Pushed = tuple[list[int], list[int]]
"""The tokens that a neuron pushes up the most, and those that it pushes down the most."""


@dataclass(frozen=True)
class Neurons:
    """The strongest neurons at some positions."""

    numbers: NDArray[np.int64]
    """[L, P, 5], the largest activation first."""
    activations: NDArray[np.float32]
    """[L, P, 5]."""


def strongest(activations_TF: Tensor, positions: Sequence[int]) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """The numbers of a layer's strongest neurons at each position, and their activations, [P, 5] each."""
    best = activations_TF[list(positions)].topk(min(STRONGEST, activations_TF.size(-1)), -1)
    return best.indices.cpu().numpy(), best.values.float().cpu().numpy()


@torch.no_grad()
def pushed(model: GPT2, layer: int, neurons: Sequence[int]) -> dict[int, Pushed]:
    """For each neuron of a layer's MLP the tokens whose logits grow and shrink the most with its activation.

    It is the neuron's column of `c_proj`, through the gain of the last norm and the head: what later layers make of it
    is left out.
    """
    weight_DF, found = model.transformer.blocks()[layer].mlp.c_proj.weight, dict[int, Pushed]()
    for start in range(0, len(neurons), AT_ONCE):
        part = list(neurons[start : start + AT_ONCE])
        columns_ND = weight_DF[:, part].T
        directions_ND = (columns_ND - columns_ND.mean(-1, keepdim=True)) * model.transformer.ln_f.weight
        logits_NV = model.logits(directions_ND).float()
        count = min(PUSHED, logits_NV.size(-1))
        up, down = (logits_NV.topk(count, largest=each).indices.tolist() for each in (True, False))
        found |= dict(zip(part, zip(up, down, strict=True), strict=True))
    return found


def pushed_by(model: GPT2, neurons: Neurons) -> dict[tuple[int, int], Pushed]:
    """What each of the strongest neurons pushes, by (layer, neuron)."""
    found = dict[tuple[int, int], Pushed]()
    for layer, numbers in enumerate(neurons.numbers):
        tokens = pushed(model, layer, np.unique(numbers).tolist())
        found |= {(layer, neuron): each for neuron, each in tokens.items()}
    return found
