"""Loads the model that a command's options name."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gpt2kit.cli import console, options, several
from gpt2kit.errors import DataError, UserError

if TYPE_CHECKING:
    from gpt2kit.data.store import Store
    from gpt2kit.model.gpt2 import GPT2
    from gpt2kit.pipeline.engine import Engine
    from gpt2kit.runs.folder import Run
    from gpt2kit.training.events import Start


def load(
    task: str,
    run: "str | Run | Sequence[str]",
    generation: dict[str, Any],
    device: str,
    settings: list[str],
    flags: dict[str, str],
    zero_shot: str = "",
    data: str = "",
    base: str = "",
) -> Any:
    """The engine of a run, which must be one of this task, of several, or of a pretrained model without training.

    `data` and `base` are the first run's prepared folder and the model of the runs' adapters, if they were moved.
    """
    from gpt2kit import recipe as recipes
    from gpt2kit.pipeline import opening
    from gpt2kit.runs.folder import Run

    options.check_task_settings(task, settings, "generate", "evaluate")
    table = recipes.apply({}, settings)
    if unknown := [section for section in table if section not in ("generate", "task")]:
        raise UserError(
            f"--set {unknown[0]}.…: only generate.… and task.… can be set now; the rest is fixed in the run"
        )
    generate = table.get("generate", {}) | {key: value for key, value in generation.items() if value is not None}
    if device:
        generate["device"] = device
    own = table.get("task", {}) | flags
    if zero_shot and (moved := [f"--{name}" for name, value in (("data", data), ("base", base)) if value]):
        raise UserError(f"{moved[0]} is for a run, and --zero-shot uses none: leave out one of them")
    if zero_shot:
        say_hidden(zero_shot)
        generate = several.with_own_device(generate, "auto")
        pretrained = opening.zero_shot(task, zero_shot, generate, **own)
        say_unusual(pretrained.model)
        return pretrained
    folders = run or f"runs/{task}"
    if isinstance(folders, Run):
        opened = [folders]
    else:
        opened = opening.opened_runs([folders] if isinstance(folders, str) else folders, data, base)
    for each in opened:
        if each.task_name != task:
            raise DataError(f"{each.path} is a run of {each.task_name}, not of {task}")
    generate = several.with_own_device(generate, opened[0].recipe.generate.device)
    loaded = opening.load_run(opened, generate, **own)
    say_edited(opened[0])
    return loaded


def say_edited(run: "Run") -> None:
    """Warn if [generate] of a run's recipe is not as training wrote it: a user may edit it."""
    if run.generation_is_edited:
        console.warn(f"{run.path / 'recipe.toml'}: [generate] is not as training wrote it; it is used as it is now")


def say_unusual(model: "GPT2 | Start") -> None:
    """Print what was unusual about the files of a pretrained model."""
    for remark in model.remarks:
        console.say(remark)
    for doubt in model.doubts:
        console.warn(doubt)


def say_hidden(name: str) -> None:
    """Print a remark if `name` is a directory here that hides a model of the Hub."""
    from gpt2kit.data.hub import hidden

    if remark := hidden(name):
        console.say(remark)


ESCAPES = {"\\n": "\n", "\\t": "\t", "\\\\": "\\"}
"""Characters of --stop that are hard to type."""


def stop_texts(texts: Sequence[str]) -> list[str] | None:
    """The texts of --stop with their escapes replaced; None without any. Raises for one that is not UTF-8."""
    check_texts(texts)
    return [re.sub(r"\\[nt\\]", lambda found: ESCAPES[found[0]], text) for text in texts] or None


def settle_seed(engine: "Engine", given: int | None) -> None:
    """Give an engine that samples a number as its seed; print it unless it was `given`, which must have an effect, and
    how minimum Bayes risk finds its answers. Raises UserError first if it cannot find any."""
    from gpt2kit.decoding.seeds import with_seed

    engine.config = with_seed(engine.config)
    engine.check_mbr(engine.config)
    samples = engine.config.temperature > 0 and not engine.task.layout.labels
    if given is not None and not samples:
        console.say(f"--seed {given} has no effect: nothing is sampled here; a temperature above 0 samples")
    if samples and (mbr := engine.config.mbr):
        how = f"temperature {engine.config.temperature:g}, top-p {engine.config.top_p:g}"
        console.say(
            f"the one of {mbr} samples ({how}) that is most similar to the others, by {engine.config.mbr_metric}"
        )
    if given is None and samples:
        console.say(f"seed: {engine.config.seed}; the same again with --seed {engine.config.seed}")


def check_zero_shot(zero_shot: bool, init: str, run: Sequence[str]) -> None:
    """Raises UserError unless there is exactly one model: a run, or a pretrained one."""
    if zero_shot != bool(init) or (zero_shot and run):
        raise UserError(
            "--zero-shot and --init go together, instead of --run: they use a pretrained model without training"
        )


def check_texts(texts: Sequence[str]) -> None:
    """Raises DataError for a word of the command line that is not UTF-8."""
    for number, text in enumerate(texts, 1):
        try:
            text.encode()
        except UnicodeEncodeError:
            raise DataError(f"input {number}, {text!r}, is not valid UTF-8 text") from None


def training_of(engine: "Engine") -> "Store | None":
    """The data that a run was trained on, if copying from it is scored; prints a remark if it no longer exists."""
    from gpt2kit.pipeline.evaluation_sets import training_store

    try:
        return training_store(engine)
    except DataError as error:
        console.say(f"cannot measure how much is copied from the training data: {error}")
        return None
