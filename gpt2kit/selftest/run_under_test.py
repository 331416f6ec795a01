"""The subject of a self-test: a run with its model and data, even a faulty one."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpt2kit import tensor_files
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError
from gpt2kit.model import hf, hf_config, lora
from gpt2kit.model.freeze import merged
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.recipe import Recipe
from gpt2kit.runs.folder import Run
from gpt2kit.tasks.base import Task
from gpt2kit.training import state


@dataclass(frozen=True)
class RunUnderTest:
    """The run that the checks examine."""

    run: Run
    task: Task[Any, Any]
    """The task with the tokenizer that is in the run now."""
    recipe: Recipe
    learned: GPT2
    """The model as it was trained, adapters not merged; fp32 on the CPU."""
    model: GPT2
    """The same as one GPT-2 with merged adapters, for answers."""
    base: str
    """The base model of adapters; empty without adapters."""
    step: int | None
    """The step of the training state that the weights come from, if training has saved no others yet."""
    store: Store | None
    """The validation split, unchanged since the run was trained."""
    without: str
    """Why there is none."""

    @property
    def whole(self) -> bool:
        """Whether the run folder itself is a Hugging Face checkpoint with these weights."""
        return not self.base and self.step is None


def opened(folder: Path, data: Path | None = None, moved_base: str = "") -> RunUnderTest:
    """The subject in a run folder; `data` and `moved_base` are where its prepared folder and the model that its
    adapters belong to are now, if they were moved.

    Raises DataError for a folder that is not a run, and for a run without weights.
    """
    with tensor_files.unverified():
        return _opened(Run(folder, data, moved_base))


def _opened(run: Run) -> RunUnderTest:
    task, base, step = run.unchecked_task, "", None
    if run.weights == lora.ADAPTER:
        base = run.base
        learned = hf.load_adapted(run.path, run.base_folder())
        model = merged(learned)
    elif run.weights:
        learned = model = hf.load(run.path)
    else:
        learned, step = _unfinished(run)
        model = learned
    store, without = validation(run)
    return RunUnderTest(run, task, run.recipe, learned.eval(), model.eval(), base, step, store, without)


def _unfinished(run: Run) -> tuple[GPT2, int]:
    """The model and step of a training state, before any other weights are saved."""
    path = state.newest(run.path)
    if path is None:
        raise DataError(f"{run.path} has no weights yet: training was stopped before its first save")
    weights, step = state.weights(path)
    model = GPT2(*hf_config.read(run.path))
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        why = str(error).splitlines()[0]
        raise DataError(
            f"{run.path} has no model yet, only a training state, which does not load as one: {why}"
        ) from None
    return model, step


def validation(run: Run) -> tuple[Store | None, str]:
    """The validation split that a run was trained with, or why there is none."""
    try:
        store = run.prepared_as_it_was().store("val")
        store.verify()
    except DataError as error:
        return None, str(error)
    return (store, "") if len(store) else (None, "the prepared data has no validation rows")
