"""A run that is opened to be looked at, also one in which something is wrong."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpt2kit.data.hub import fetch
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError
from gpt2kit.model import hf, lora
from gpt2kit.model.freeze import merged
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.recipe import Recipe
from gpt2kit.runs import folder as folders
from gpt2kit.tasks.base import Task
from gpt2kit.training import state


@dataclass(frozen=True)
class Subject:
    """What the checks are about."""

    run: Path
    task: Task[Any, Any]
    """With the tokenizer that is in the run now."""
    made_with: tuple[str, int]
    """Fingerprint and size of the tokenizer that the run was trained with."""
    recipe: Recipe
    learned: GPT2
    """As it was trained, adapters beside the weights; fp32 on the CPU."""
    model: GPT2
    """The same as one GPT-2, adapters merged: what answers."""
    base: str
    """What adapters were learned on; nothing where there are none."""
    step: int | None
    """The step that the weights are of, where they are those of a state: training has saved no others yet."""
    store: Store | None
    """The validation split, as it was when the run was trained."""
    without: str
    """Why there is none."""

    @property
    def whole(self) -> bool:
        """Whether the run folder itself is a Hugging Face checkpoint with these weights."""
        return not self.base and self.step is None


def opened(run: Path, data: Path | None = None) -> Subject:
    """A run folder; `data` is where its prepared folder is now, if that was moved.

    Raises DataError for what is no run, and for one that has no weights yet.
    """
    _, task, made_with = folders.described_task(run)
    base, step = "", None
    if (run / lora.ADAPTER).is_file():
        base = lora.base_of(run)
        learned = hf.load_adapted(run, fetch(base))
        model = merged(learned)
    elif hf.saved(run):
        learned = model = hf.load(run)
    else:
        learned, step = _unfinished(run)
        model = learned
    store, without = _validation(run, data)
    recipe = folders.recipe_of(run)
    return Subject(run, task, made_with, recipe, learned.eval(), model.eval(), base, step, store, without)


def _unfinished(run: Path) -> tuple[GPT2, int]:
    """The weights of a state, of which no others have been saved yet; and their step."""
    if not (run / state.STATE_FILE).is_file():
        raise DataError(f"{run} has no weights yet: its training has not come to its first save")
    weights, step = state.weights(run / state.STATE_FILE)
    model = GPT2(*hf.read_config(run))
    try:
        model.load_state_dict(weights)
    except RuntimeError as error:
        why = str(error).splitlines()[0]
        raise DataError(f"{run}: what it has learned is not saved as a model yet, only as a state: {why}") from None
    return model, step


def _validation(run: Path, data: Path | None) -> tuple[Store | None, str]:
    try:
        store = Store(folders.data_as_it_was(run, data), "val")
    except DataError as error:
        return None, str(error)
    return (store, "") if len(store) else (None, "nothing was held out for validation")
