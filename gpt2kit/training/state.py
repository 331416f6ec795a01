"""Everything a killed run needs to continue with the same numbers: one safetensors file, replaced atomically.

Tensors are whole and keyed by name, `model.NAME`, `average.NAME` and `OPTIMISER.NAME.MOMENT`; `surplus` has the surplus
rows of the token embedding, `surplus.lm_head` those of a head of its own. The file is the same for any number of
processes.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gpt2kit import tensor_files
from gpt2kit.errors import DataError
from gpt2kit.model.gpt2 import EMBEDDING, GPT2, HEAD
from gpt2kit.training.distributed import full_tensor, like
from gpt2kit.training.optim import Average

STATE_FILE = "state.safetensors"
SURPLUS = {EMBEDDING: "surplus", HEAD: f"surplus.{HEAD}"}
"""Names of the surplus rows of each table."""


def save(
    path: Path,
    model: GPT2,
    average: Average | None,
    optimizers: list[Optimizer],
    progress: dict[str, Any],
    writes: bool = True,
) -> None:
    """Write weights, their average and the optimisers' moments; `progress` is JSON.

    Every process must call this, as each has a part of a sharded tensor; the one with `writes` writes the file.
    (torch.distributed.checkpoint would let each write its own part, but pickles the list of parts.)
    """
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
    complete: dict[str, Tensor] = {}
    for name, tensor in tensors.items():
        full = full_tensor(tensor)  # one at a time, and kept only by the writer
        if writes:
            complete[name] = full.contiguous().cpu()
    if writes:
        tensor_files.write_tensors(path, complete, {"progress": json.dumps(progress), "numbers": json.dumps(numbers)})


def load(path: Path, model: GPT2, average: Average | None, optimizers: list[Optimizer]) -> dict[str, Any]:
    """Load a saved state and return its progress. Raises DataError if it belongs to another model."""
    tensors, metadata = tensor_files.read_tensors(path)
    surplus = {name: tensors.pop(stored) for name, stored in SURPLUS.items() if stored in tensors}
    try:
        progress: dict[str, Any] = dict(json.loads(metadata["progress"]))
        values: dict[str, Any] = tensors | dict(json.loads(metadata["numbers"]))
        _check(values, model, average, optimizers)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(like(tensors[f"model.{name}"], parameter))
                if average is not None and name in average.weights:
                    average.weights[name].copy_(like(tensors[f"average.{name}"], parameter))
        moments: dict[str, dict[str, Any]] = {}
        for key, value in values.items():
            prefix, _, moment = key.rpartition(".")
            moments.setdefault(prefix, {})[moment] = value
        for optimizer in optimizers:
            found: dict[int, dict[str, Any]] = {}
            # torch numbers the weights of an optimiser in the order of its groups
            for index, (prefix, _, parameter) in enumerate(_optimised(model, [optimizer])):
                if prefix in moments:
                    found[index] = {
                        moment: like(value, parameter) if isinstance(value, Tensor) else value
                        for moment, value in moments[prefix].items()
                    }
            optimizer.load_state_dict(optimizer.state_dict() | {"state": found})
        model.surplus_of = surplus
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise DataError(f"{path} is not the state of this run's model and optimiser: {error}") from error
    return progress


def weights(path: Path) -> tuple[dict[str, Tensor], int]:
    """The weights by name, averaged if the run averages them, and the step of a saved state; no surplus rows.

    Raises DataError if the file is missing, damaged or not a state.
    """
    tensors, metadata = tensor_files.read_tensors(path)
    try:
        step = int(json.loads(metadata["progress"])["step"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} is not the state of a run: {error}") from None
    last, averaged = ({n[len(prefix) :]: t for n, t in tensors.items() if n.startswith(prefix)} for prefix in PREFIXES)
    return last | averaged, step


PREFIXES = ("model.", "average.")
"""Prefixes of the names of weights; an average replaces its weight."""


def _optimised(model: nn.Module, optimizers: list[Optimizer]) -> Iterator[tuple[str, Optimizer, nn.Parameter]]:
    """Every weight with its optimiser and the prefix of the names of its moments."""
    names = {parameter: name for name, parameter in model.named_parameters()}
    for optimizer in optimizers:
        for param_group in optimizer.param_groups:
            for parameter in param_group["params"]:
                yield f"{type(optimizer).__name__}.{names[parameter]}", optimizer, parameter


def _check(values: dict[str, Any], model: nn.Module, average: Average | None, optimizers: list[Optimizer]) -> None:
    """Raises ValueError unless names and shapes are those that this model and these optimisers would save."""
    wanted = {f"model.{name}": parameter.shape for name, parameter in model.named_parameters()}
    if average is not None:
        wanted |= {f"average.{name}": weight.shape for name, weight in average.weights.items()}
    weights = {name: value.shape for name, value in values.items() if name.startswith(("model.", "average."))}
    if different := sorted(name for name in wanted.keys() | weights.keys() if wanted.get(name) != weights.get(name)):
        raise ValueError(f"other weights: {', '.join(different[:3])}")
    shapes = {prefix: parameter.shape for prefix, _, parameter in _optimised(model, optimizers)}
    moments = {name: value for name, value in values.items() if name not in weights}
    found = {name.rpartition(".")[0] for name in moments}
    if found and (different := sorted(found ^ shapes.keys())):  # before the first step there are none
        raise ValueError(f"other moments: {', '.join(different[:3])}")
    for name, value in moments.items():
        if isinstance(value, Tensor) and value.dim() and value.shape != shapes[name.rpartition(".")[0]]:
            raise ValueError(f"other moments: {name}")
