"""The model that a run starts from: random weights, or those of a pretrained model, all trained or only a part."""

from pathlib import Path
from typing import Any

from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.data.hub import fetch
from gpt2kit.errors import DataError, UserError
from gpt2kit.model import hf_config, lora
from gpt2kit.model.freeze import freeze_below
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.vocabulary import grow_vocabulary
from gpt2kit.pipeline.opening import model_of_tokens
from gpt2kit.recipe import SHAPE, Recipe
from gpt2kit.runs.folder import Run
from gpt2kit.tasks.base import Task


def first_model(recipe: Recipe, task: Task[Any, Any], init: str | None) -> GPT2:
    """The initial model of a run: random weights, or those of `init`."""
    model = _start_from(init, recipe, task) if init else GPT2(recipe.model, task.vocabulary.size, task.layout.labels)
    if not init and recipe.train.zero_projections:
        model.start_without_blocks()
    keep_weights(model, recipe.train, task, init)
    return model


def keep_weights(model: GPT2, config: TrainConfig, task: Task[Any, Any], init: str | None) -> None:
    """Freeze pretrained weights as far as `freeze` or `lora` says, and position vectors that are not to be trained.
    Raises UserError for settings that do not fit."""
    if not config.position_vectors:
        model.transformer.wpe.requires_grad_(False)
    if not (config.lora or config.freeze):
        return
    if not init:
        raise UserError("freeze and lora keep pretrained weights as they are: name them with --init")
    if config.freeze > model.config.n_layer:
        raise UserError(
            f"train.freeze = {config.freeze}, but {init} has {model.config.n_layer} blocks; expected 0 to "
            f"{model.config.n_layer}"
        )
    folder = fetch(init)
    new = model.vocab_size - min(hf_config.read(folder)[1], _tokens(task, folder))
    if not config.lora:
        freeze_below(model, config.freeze, new)
        return
    if (folder / lora.ADAPTER).is_file():
        raise UserError(f"--init {init} has adapters itself: `gpt2kit merge {init}` first, and start from that")
    lora.adapt(model, config.lora, config.lora_alpha, config.lora_targets, new)


def inputs_of(recipe: Recipe, data: str | Path, init: str | Path | None) -> list[str | Path]:
    """The files and folders that training reads, which it must not replace: adapters are read with their base."""
    base = Run(Path(init)).base if init and (Path(init) / lora.ADAPTER).is_file() else None
    return [each for each in (data, init, base, recipe.file) if each]


def check_shape(recipe: Recipe, model: ModelConfig, name: str, free: tuple[str, ...] = ()) -> None:
    """Raise UserError if --set asks for another model than the pretrained one, except for the knobs in `free`.

    The shape that a recipe states is for random weights, and gives way.
    """
    for key, asked in sorted((key, name) for name in recipe.asked for key in (SHAPE if name == "size" else (name,))):
        wanted, found = (getattr(each, "inner" if key == "n_inner" else key) for each in (recipe.model, model))
        if wanted != found and key not in free:
            raise UserError(
                f"model.{key} = {wanted}, but {name} has {key} = {found}, which cannot be changed; leave out --set "
                f"model.{asked}, or start from random weights"
            )


def _tokens(task: Task[Any, Any], folder: Path) -> int:
    """The number of tokens of a pretrained model's own tokenizer, which the task's extends."""
    return task.opened(folder).vocabulary.size


def _start_from(init: str, recipe: Recipe, task: Task[Any, Any]) -> GPT2:
    """A pretrained model whose vocabulary grows by the task's new tokens; ids of the old ones must mean the same.

    A classifier head with labels other than the task's is replaced.
    """
    folder = fetch(init)
    if not task.vocabulary.extends(folder):
        window = hf_config.read(folder)[0].n_positions
        longer = task.layout.row_limit(window) is not None and recipe.model.n_positions > window
        shorter = f" --set model.n_positions={window}" if longer else ""
        raise DataError(f"{init} has another tokenizer than the data: prepare it with --tokenizer {init}{shorter}")
    check_shape(recipe, hf_config.read(folder)[0], init, free=("dropout",))
    model = model_of_tokens(folder, _tokens(task, folder), recipe.model.dropout)
    # An answer begins a text. A classifier's tokens end a text or separate two: their rows start at the mean.
    grow_vocabulary(model, task.vocabulary.size, task.vocabulary.eos if task.layout.has_answers else None)
    if model.labels != task.layout.labels:  # a head with the same labels is kept
        model.set_classifier(task.layout.labels)
    return model
