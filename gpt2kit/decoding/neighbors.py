"""What training examples in similar contexts say, mixed into a model's predictions: kNN-LM (Khandelwal et al. 2020),
for translation kNN-MT (Khandelwal et al. 2021).

Shapes: V vocabulary, D width, N trained targets, K neighbors; ... is any number of rows.
"""

import math
from copy import copy
from dataclasses import dataclass

import torch
from torch import Tensor

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding.nearest import States
from gpt2kit.model.inference import InferenceGPT2


@dataclass(frozen=True)
class Neighbors:
    """The model's states before the targets of its training data, and these targets [N]."""

    states: States
    tokens_N: Tensor


def interpolated(logits: Tensor, distances_K: Tensor, tokens_K: Tensor, share: float, temperature: float) -> Tensor:
    """Log-probabilities [..., V] of (1 - share) p_model + share p_neighbors, in fp32.

    A neighbor at the squared distance d votes for its token with exp(-d / temperature), over the sum of all K:
    equation 2 of Khandelwal et al. 2020, with the temperature of 2021.
    """
    votes_K = (-distances_K / temperature).softmax(-1)
    voted = torch.zeros_like(logits, dtype=torch.float32).scatter_add_(-1, tokens_K, votes_K)
    model = logits.float().log_softmax(-1) + math.log1p(-share)
    return torch.logaddexp(model, (share * voted).log())


class _Head:
    """The head of a model, with what the neighbors of each state say."""

    def __init__(self, model: InferenceGPT2, neighbors: Neighbors, config: GenerateConfig) -> None:
        self.head, self.neighbors, self.config = model.head, neighbors, config

    def __call__(self, states: Tensor) -> Tensor:
        """Log-probabilities [..., V] of hidden states [..., D]."""
        distances, indices = self.neighbors.states.nearest(states.flatten(0, -2), self.config.knn_neighbors)
        tokens = self.neighbors.tokens_N[indices]
        shape = (*states.shape[:-1], distances.size(-1))
        share, temperature = self.config.knn, self.config.knn_temperature
        return interpolated(self.head(states), distances.view(shape), tokens.view(shape), share, temperature)


def with_neighbors(model: InferenceGPT2, neighbors: Neighbors, config: GenerateConfig) -> InferenceGPT2:
    """The same model, whose logits are log-probabilities with the share `config.knn` of its neighbors: any way to
    decode then takes them into account."""
    mixed = copy(model)
    mixed.head = _Head(model, neighbors, config)
    return mixed
