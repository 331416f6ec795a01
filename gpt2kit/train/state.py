"""Everything a killed run needs to go on to the same numbers: one safetensors file, replaced at once."""

import json
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from gpt2kit import files
from gpt2kit.errors import DataError
from gpt2kit.train.optim import Average

STATE_FILE = "state.safetensors"


def save(
    path: Path, model: nn.Module, average: Average | None, optimizers: list[Optimizer], progress: dict[str, Any]
) -> None:
    """Write weights, their average, the optimisers' moments and the random generators; `progress` is JSON."""
    tensors = {f"model.{name}": parameter.detach() for name, parameter in model.named_parameters()}
    if average is not None:
        tensors |= {f"average.{name}": weight for name, weight in average.weights.items()}
    numbers: dict[str, float] = {}
    for which, optimizer in enumerate(optimizers):
        for index, moments in optimizer.state_dict()["state"].items():
            for name, value in moments.items():
                key = f"optimizer{which}.{index}.{name}"
                if isinstance(value, Tensor):
                    tensors[key] = value
                else:
                    numbers[key] = value
    tensors["random.cpu"] = torch.get_rng_state()
    if torch.cuda.is_available():
        tensors["random.cuda"] = torch.cuda.get_rng_state()
    tensors = {name: tensor.contiguous().cpu() for name, tensor in tensors.items()}
    files.write_tensors(path, tensors, {"progress": json.dumps(progress), "numbers": json.dumps(numbers)})


def load(path: Path, model: nn.Module, average: Average | None, optimizers: list[Optimizer]) -> dict[str, Any]:
    """Put a saved state back and return its progress. Raises DataError when it belongs to another model."""
    tensors, metadata = files.read_tensors(path)
    try:
        progress: dict[str, Any] = json.loads(metadata["progress"])
        numbers: dict[str, float] = json.loads(metadata["numbers"])
        _check(tensors, model, average, optimizers)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.copy_(tensors[f"model.{name}"])
                if average is not None:
                    average.weights[name].copy_(tensors[f"average.{name}"])
        for which, optimizer in enumerate(optimizers):
            optimizer.load_state_dict(
                optimizer.state_dict() | {"state": _moments(f"optimizer{which}.", tensors, numbers)}
            )
    except (KeyError, ValueError, RuntimeError) as error:
        raise DataError(f"{path} is not the state of this run's model and optimiser: {error}") from error
    torch.set_rng_state(tensors["random.cpu"])
    if torch.cuda.is_available() and "random.cuda" in tensors:
        torch.cuda.set_rng_state(tensors["random.cuda"])
    return progress


def _check(tensors: dict[str, Tensor], model: nn.Module, average: Average | None, optimizers: list[Optimizer]) -> None:
    """Raises ValueError unless names and shapes are those that this model and these optimisers would save."""
    wanted = {f"model.{name}": parameter.shape for name, parameter in model.named_parameters()}
    if average is not None:
        wanted |= {f"average.{name}": weight.shape for name, weight in average.weights.items()}
    found = {name: tensor.shape for name, tensor in tensors.items() if name.startswith(("model.", "average."))}
    if different := sorted(name for name in wanted.keys() | found.keys() if wanted.get(name) != found.get(name)):
        raise ValueError(f"other weights: {', '.join(different[:3])}")
    shapes = {
        f"optimizer{which}.{index}": parameter.shape
        for which, optimizer in enumerate(optimizers)
        for index, parameter in enumerate(p for group in optimizer.param_groups for p in group["params"])
    }
    for name, tensor in tensors.items():
        if name.startswith("optimizer") and tensor.dim() and shapes.get(name.rpartition(".")[0]) != tensor.shape:
            raise ValueError(f"other moments: {name}")


def _moments(prefix: str, tensors: dict[str, Tensor], numbers: dict[str, float]) -> dict[int, dict[str, Any]]:
    state: dict[int, dict[str, Any]] = {}
    for key, value in [*tensors.items(), *numbers.items()]:
        if key.startswith(prefix):
            index, name = key.removeprefix(prefix).split(".")
            state.setdefault(int(index), {})[name] = value
    return state
