"""What a state consists of: tensors and numbers by name, whichever way they are stored.

Names are `model.NAME`, `average.NAME` and `OPTIMISER.NAME.MOMENT`; `surplus` has the surplus rows of the token
embedding, `surplus.lm_head` those of a head of its own.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gpt2kit.model.gpt2 import EMBEDDING, GPT2, HEAD
from gpt2kit.training.optim import Average

SURPLUS = {EMBEDDING: "surplus", HEAD: f"surplus.{HEAD}"}
"""Names of the surplus rows of each table."""

PREFIXES = ("model.", "average.")
"""Prefixes of the names of weights; an average replaces its weight."""


def of(model: GPT2, average: Average | None, optimizers: list[Optimizer]) -> tuple[dict[str, Tensor], dict[str, float]]:
    """The tensors of a state, of sharded ones this process's part, and its numbers."""
    tensors = {f"model.{name}": parameter.detach() for name, parameter in model.named_parameters()}
    if average is not None:
        tensors |= {f"average.{name}": weight for name, weight in average.weights.items()}
    tensors |= {SURPLUS[name]: rows for name, rows in model.surplus_of.items()}
    numbers: dict[str, float] = {}
    for prefix, optimizer, parameter in _optimised(model, optimizers):
        for moment, value in optimizer.state[parameter].items() if parameter in optimizer.state else ():
            if isinstance(value, Tensor):
                tensors[f"{prefix}.{moment}"] = value
            else:
                numbers[f"{prefix}.{moment}"] = value
    return tensors, numbers


def parameters_of_moments(model: nn.Module, optimizers: list[Optimizer]) -> dict[str, nn.Parameter]:
    """The weight of each OPTIMISER.NAME."""
    return {prefix: parameter for prefix, _, parameter in _optimised(model, optimizers)}


def set_moments(values: Mapping[str, Any], model: nn.Module, optimizers: list[Optimizer]) -> None:
    """Give the optimisers their moments, which are sharded as their weights are."""
    moments: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        prefix, _, moment = key.rpartition(".")
        moments.setdefault(prefix, {})[moment] = value
    for optimizer in optimizers:
        # torch numbers the weights of an optimiser in the order of its groups
        found = {
            index: moments[prefix]
            for index, (prefix, _, _) in enumerate(_optimised(model, [optimizer]))
            if prefix in moments
        }
        optimizer.load_state_dict(optimizer.state_dict() | {"state": found})


def check(
    shapes: Mapping[str, torch.Size], model: nn.Module, average: Average | None, optimizers: list[Optimizer]
) -> None:
    """Raises ValueError unless names and shapes are those that this model and these optimisers would save.

    `shapes` are those of the tensors and, empty, of the numbers; without surplus rows.
    """
    wanted = {f"model.{name}": parameter.shape for name, parameter in model.named_parameters()}
    if average is not None:
        wanted |= {f"average.{name}": weight.shape for name, weight in average.weights.items()}
    weights = {name: shape for name, shape in shapes.items() if name.startswith(PREFIXES)}
    if different := sorted(name for name in wanted.keys() | weights.keys() if wanted.get(name) != weights.get(name)):
        raise ValueError(f"other weights: {', '.join(different[:3])}")
    optimised = {prefix: parameter.shape for prefix, _, parameter in _optimised(model, optimizers)}
    moments = {name: shape for name, shape in shapes.items() if name not in weights}
    found = {name.rpartition(".")[0] for name in moments}
    if found and (different := sorted(found ^ optimised.keys())):  # before the first step there are none
        raise ValueError(f"other moments: {', '.join(different[:3])}")
    for name, shape in moments.items():
        if shape and shape != optimised[name.rpartition(".")[0]]:
            raise ValueError(f"other moments: {name}")


def _optimised(model: nn.Module, optimizers: list[Optimizer]) -> Iterator[tuple[str, Optimizer, nn.Parameter]]:
    """Every weight with its optimiser and the prefix of the names of its moments."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    for optimizer in optimizers:
        for param_group in optimizer.param_groups:
            for parameter in param_group["params"]:
                yield f"{type(optimizer).__name__}.{names[parameter]}", optimizer, parameter
