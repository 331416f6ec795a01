"""Several models that answer as one: at every step, their probabilities of the next token are averaged.

Shapes: V vocabulary; ... is any number of rows.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

from gpt2kit.model.inference import InferenceGPT2


class Average:
    """Two or more models with one vocabulary, on one device. Shapes, attention and windows may differ: each model has
    its own cache, and the shortest window is that of all."""

    def __init__(self, members: Sequence[InferenceGPT2]) -> None:
        first = members[0]
        self.members = tuple(members)
        self.device, self.vocab_size, self.threads = first.device, first.vocab_size, first.threads
        self.window = min(member.window for member in members)


Model = InferenceGPT2 | Average
"""What decoding asks for the next token."""


def together(models: Sequence[InferenceGPT2]) -> Model:
    """One model as it is, or the average of several."""
    return models[0] if len(models) == 1 else Average(models)


def averaged(logits: Sequence[Tensor]) -> Tensor:
    """The logits [..., V] of the mean of the members' probabilities, in fp32: its logarithm plus the mean of the
    members' normalizers, which is the same for all tokens. So the average of equal logits is these logits, and what
    depends on their sign, as a repetition penalty does, means the same as for one model."""
    if len(logits) == 1:
        return logits[0]
    each = torch.stack(list(logits))
    normalizers = each.logsumexp(-1, keepdim=True)
    return (each - normalizers).logsumexp(0) - math.log(len(logits)) + normalizers.mean(0)
