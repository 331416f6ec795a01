"""Everything a killed run needs to continue with the same numbers, and where it is in the run's folder.

The state of weights that every process has whole is one safetensors file, replaced atomically; it is the same for any
number of processes. That of sharded weights is a folder, `states/step-000300` (`sharded_state`). Either can be loaded
by any number of processes, sharded or not.
"""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from gpt2kit import tensor_files
from gpt2kit.errors import DataError
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training import state_folders, state_tensors
from gpt2kit.training.distributed import ProcessGroup, like, sharded
from gpt2kit.training.optim import Average
from gpt2kit.training.state_tensors import PREFIXES, SURPLUS

if TYPE_CHECKING:
    from gpt2kit.training.sharded_state import Background

STATE_FILE = "state.safetensors"


class Saver:
    """Saves the states of a run; a sharded one is written while the run goes on, the last `keep` of those are kept.

    Every process must call the methods.
    """

    def __init__(self, folder: Path, group: ProcessGroup, keep: int) -> None:
        self.folder, self.group, self.keep = folder, group, keep
        self._background: Background | None = None

    def save(self, model: GPT2, average: Average | None, optimizers: list[Optimizer], progress: dict[str, Any]) -> None:
        """Save a state, whose tensors may change as soon as this returns; the one before is complete by then."""
        file = self.folder / STATE_FILE
        if any(sharded(parameter) for parameter in model.parameters()):
            from gpt2kit.training.sharded_state import Background

            self._background = self._background or Background(self.keep)
            tensors, numbers = state_tensors.of(model, average, optimizers)
            path = state_folders.path_of(self.folder, progress["step"])
            self._background.save(path, tensors, numbers, progress, replaced=file)
        elif self.group.is_main:
            save(file, model, average, optimizers, progress)
            state_folders.remove(self.folder)

    def wait(self) -> None:
        """Wait until the last state is complete. Raises MachineError if a process could not write its part."""
        if self._background is not None:
            self._background.wait()


def newest(folder: Path) -> Path | None:
    """The newest complete state of a run: a file or a folder; None before the first."""
    file, sharded_one = folder / STATE_FILE, state_folders.newest(folder)
    if not file.is_file() or sharded_one is None:
        return file if file.is_file() else sharded_one
    # One kind was replaced by the other, and the process was killed before it removed the old one.
    return sharded_one if state_folders.step_of(sharded_one) >= _step(file) else file


def remove(folder: Path) -> None:
    """Remove all states of a run."""
    (folder / STATE_FILE).unlink(missing_ok=True)
    state_folders.remove(folder)


def save(
    path: Path, model: GPT2, average: Average | None, optimizers: list[Optimizer], progress: dict[str, Any]
) -> None:
    """Write weights, their average and the optimisers' moments, none of them sharded; `progress` is JSON."""
    tensors, numbers = state_tensors.of(model, average, optimizers)
    complete = {name: tensor.contiguous().cpu() for name, tensor in tensors.items()}
    tensor_files.write_tensors(path, complete, {"progress": json.dumps(progress), "numbers": json.dumps(numbers)})


def load(path: Path, model: GPT2, average: Average | None, optimizers: list[Optimizer]) -> dict[str, Any]:
    """Load a saved state and return its progress. Raises DataError if it belongs to another model.

    Every process must call this, as each reads its part of a sharded state.
    """
    try:
        if path.is_dir():
            from gpt2kit.training import sharded_state

            return sharded_state.load(path, model, average, optimizers)
        return _load_file(path, model, average, optimizers)
    except (KeyError, ValueError, TypeError, RuntimeError) as error:
        raise DataError(f"{path} is not the state of this run's model and optimiser: {error}") from error


def _load_file(path: Path, model: GPT2, average: Average | None, optimizers: list[Optimizer]) -> dict[str, Any]:
    tensors, metadata = tensor_files.read_tensors(path)
    surplus = {name: tensors.pop(stored) for name, stored in SURPLUS.items() if stored in tensors}
    progress: dict[str, Any] = dict(json.loads(metadata["progress"]))
    numbers: dict[str, Any] = dict(json.loads(metadata["numbers"]))
    shapes = {name: tensor.shape for name, tensor in tensors.items()} | dict.fromkeys(numbers, torch.Size())
    state_tensors.check(shapes, model, average, optimizers)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(like(tensors.pop(f"model.{name}"), parameter))
            if average is not None and name in average.weights:
                average.weights[name].copy_(like(tensors.pop(f"average.{name}"), parameter))
    parameters = state_tensors.parameters_of_moments(model, optimizers)
    moments = {name: like(value, parameters[name.rpartition(".")[0]]) for name, value in tensors.items()}
    state_tensors.set_moments(moments | numbers, model, optimizers)
    model.surplus_of = surplus
    return progress


def weights(path: Path) -> tuple[dict[str, Tensor], int]:
    """The weights by name, averaged if the run averages them, and the step of a saved state; no surplus rows.

    Raises DataError if the file is missing, damaged or not a state.
    """
    if path.is_dir():
        from gpt2kit.training import sharded_state

        tensors = sharded_state.weights(path)
        step = state_folders.step_of(path)
    else:
        tensors, step = tensor_files.read_tensors(path)[0], _step(path)
    last, averaged = ({n[len(prefix) :]: t for n, t in tensors.items() if n.startswith(prefix)} for prefix in PREFIXES)
    return last | averaged, step


def _step(path: Path) -> int:
    """The step of a state in one file."""
    try:
        return int(json.loads(tensor_files.read_metadata(path)["progress"])["step"])
    except (KeyError, TypeError, ValueError) as error:
        raise DataError(f"{path} is not the state of a run: {error}") from None
