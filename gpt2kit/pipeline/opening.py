"""Opens a run folder, or a pretrained model, as an engine."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gpt2kit import recipe, tasks
from gpt2kit.config import GenerateConfig, with_generation
from gpt2kit.data.hub import fetch
from gpt2kit.errors import DataError, UserError
from gpt2kit.model import hf, hf_config, lora
from gpt2kit.model.attention_kinds import shape
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.vocabulary import is_padding, set_aside
from gpt2kit.pipeline.engine import Engine
from gpt2kit.runs.folder import Run
from gpt2kit.tasks.base import Task

PROMPT_KNOBS = ("kind", "template")
"""Knobs of [task] that decide what a prompt looks like, beside the vocabulary."""


def zero_shot(name: str, init: str, settings: dict[str, Any] | None = None, **task_settings: Any) -> Engine:
    """A task on a pretrained model without training: `init` is a GPT-2 folder or a Hub id.

    Raises UserError for a task that has to be trained.
    """
    folder = fetch(init)
    hf_config.read(folder)  # of a folder without a model, its tokenizer is not asked for
    opened = recipe.build_section(tasks.find(name), "task", task_settings).opened(folder)
    task, defaults = opened.zero_shot()
    model = model_of_tokens(folder, task.vocabulary.size)
    if model.vocab_size < task.vocabulary.size:
        raise DataError(_mismatch(folder, model, task))
    generation = with_generation(defaults, settings or {})
    return Engine(task, model, recipe.build_section(GenerateConfig, "generate", generation), None, task_settings)


def _mismatch(folder: Path, model: GPT2, task: Task[Any, Any]) -> str:
    sizes = f"{model.vocab_size} tokens and the tokenizer {task.vocabulary.size}"
    return f"{folder}: the model has {sizes}: they do not belong together"


def model_in(folder: Path, dropout: float | None = None, base: str = "") -> GPT2:
    """Load the model of a folder; adapters are merged into their base, which is in `base` if it was moved."""
    if (folder / lora.ADAPTER).is_file():
        return hf.load(folder, dropout, Run(folder, moved_base=base).base_folder())
    if base:
        raise UserError(f"--base {base}: {folder} has no adapters, so it needs no base model; leave it out")
    return hf.load(folder, dropout)


def model_of_tokens(folder: Path, tokens: int, dropout: float | None = None) -> GPT2:
    """Load the model of a folder whose tokenizer has `tokens` tokens, with the surplus rows of a padded one aside."""
    model = model_in(folder, dropout)
    rows = model.vocab_size
    if surplus := set_aside(model, tokens):
        others = "the other row is" if surplus == 1 else f"the other {surplus:,} rows are"
        found = f"{folder} has {rows:,} rows in its token embedding and {tokens:,} tokens in its tokenizer: {others}"
        if is_padding(rows, tokens):
            model.remarks += (f"{found} neither used nor changed",)
        else:
            model.doubts += (f"{found} not padding; is this the tokenizer that the model was trained with?",)
    return model


def load(
    run: str | Path | Sequence[str | Path],
    settings: dict[str, Any] | None = None,
    *,
    data: str | Path | None = None,
    base: str | Path | None = None,
    **task_settings: Any,
) -> Engine:
    """Open a run folder; `settings` are [generate] keys, the other arguments are [task] keys, such as `to="de"`.

    `data` and `base` are the folders of the prepared data and of the model that adapters belong to, if they were moved.

    Of several run folders, which must have one vocabulary, the probabilities are averaged at every token. Their shapes
    may differ; settings and data are those of the first.

    Raises DataError for a file that is missing, damaged or of another run, and for runs that do not belong together.
    """
    folders = [run] if isinstance(run, str | Path) else run
    return load_run(opened_runs(folders, data or "", base or ""), settings, **task_settings)


def opened_runs(folders: Sequence[str | Path], data: str | Path = "", base: str | Path = "") -> list[Run]:
    """Open one run folder or several, the first of which may have moved data, and all a moved base model."""
    if not folders:
        raise UserError("run: give at least one run folder")
    return [opened_run(folder, "" if number else data, base) for number, folder in enumerate(folders)]


def opened_run(run: str | Path, data: str | Path = "", base: str | Path = "") -> Run:
    """Open a run folder whose data or base model may have been moved."""
    found = Run(Path(run), Path(data) if data else None, str(base))
    _ = found.task
    return found


def _check_as_trained(run: Run, model: GPT2, trained: recipe.Recipe) -> None:
    """Raises DataError where the files of a Hugging Face checkpoint, which have no digest, differ from the recipe."""
    if shape(model.config) != shape(trained.model) or model.labels != run.task.layout.labels:
        raise DataError(f"{hf_config.path_of(run.path)} says another model than the run's recipe.toml and task.json")
    if run.weights == lora.ADAPTER and lora.alpha_of(run.path) != trained.train.lora_alpha:
        raise DataError(f"{run.path}: {lora.ADAPTER_CONFIG} says another lora_alpha than the run's recipe.toml")


def load_run(run: Run | Sequence[Run], settings: dict[str, Any] | None = None, **task_settings: Any) -> Engine:
    """Like `load`, for runs that are already open."""
    run, *others = [run] if isinstance(run, Run) else run
    for other in others:
        _check_together(run, other)
    task, model = run.task, _trained_model(run)
    if task_settings:
        settled = recipe.values(task) | task.merge_settings(task_settings)
        task = recipe.build_section(type(task), "task", settled).opened(run.path)
    generation = with_generation(recipe.values(run.recipe.generate), settings or {})
    config = recipe.build_section(GenerateConfig, "generate", generation)
    return Engine(task, model, config, run, task_settings, [(other, _trained_model(other)) for other in others])


def _check_together(run: Run, other: Run) -> None:
    """Raises DataError unless both runs mean the same by an id, and make the same prompts."""
    if other.task_name != run.task_name:
        found = f"a run of {other.task_name}, and {run.path} one of {run.task_name}"
        raise DataError(f"{other.path} is {found}: runs of one task can be averaged")
    for knob in PROMPT_KNOBS:
        here, there = (getattr(each.task, knob, "") for each in (run, other))
        if here != there:
            found = f"task.{knob} = {there!r}, and {run.path} {here!r}"
            raise DataError(f"{other.path} has {found}: runs with the same prompts can be averaged")
    if not other.task.vocabulary.has_fingerprint(run.task.vocabulary.fingerprint()):
        there, here = (each.task.vocabulary.size for each in (other, run))
        sizes = f"{there:,} and {here:,} tokens" if there != here else f"{here:,} tokens that are not the same"
        raise DataError(
            f"{other.path} has another vocabulary than {run.path} ({sizes}): runs can be averaged that were trained on "
            "the same prepared data, or on data that was prepared with --tokenizer"
        )


def _trained_model(run: Run) -> GPT2:
    """The model of a run, which must be as its files say."""
    task = run.task
    if not run.weights:
        missing = lora.ADAPTER if run.recipe.train.lora else hf.WEIGHTS
        raise DataError(f"{run.path} has no {missing} yet: its training has not saved a model so far")
    model = model_in(run.path, base=run.moved_base)
    if model.vocab_size != task.vocabulary.size:
        raise DataError(_mismatch(run.path, model, task))
    if (trained := run.recorded_recipe) is not None:
        _check_as_trained(run, model, trained)
    return model
