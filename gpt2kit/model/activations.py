"""The activation functions of GPT-2 and its variants, by their names in `ModelConfig.activation_function`."""

import math
from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

Activation = Callable[[Tensor], Tensor]


def gelu_new(x: Tensor) -> Tensor:
    """The tanh form of GELU, which the released weights were trained with. When compiled it is written as a sigmoid,
    (1 + tanh y) / 2 = sigmoid(2 y), for which there is fast CPU code: half the time, forward and backward."""
    if not torch.compiler.is_compiling():
        return F.gelu(x, approximate="tanh")
    return x * torch.sigmoid(2 * math.sqrt(2 / math.pi) * (x + 0.044715 * x * x * x))


ACTIVATIONS: dict[str, Activation] = {"gelu_new": gelu_new, "gelu": F.gelu, "relu": F.relu}

ALIASES = {
    "gelu_pytorch_tanh": "gelu_new",
    "gelu_python_tanh": "gelu_new",
    "gelu_fast": "gelu_new",
    "gelu_accurate": "gelu_new",
    "gelu_python": "gelu",
}
"""Other names that transformers has for the same functions."""
