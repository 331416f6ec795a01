"""`gpt2kit TASK train`: in this process, or in several that it starts."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpt2kit.cli import cards, console, options, progress
from gpt2kit.cli.dry_run import say_plan
from gpt2kit.errors import Interrupted, UserError

if TYPE_CHECKING:
    from gpt2kit.recipe import Recipe


def train(
    task: str,
    flags: dict[str, str],
    *,
    data: Annotated[str, typer.Argument(help="A prepared folder.")] = "",
    out: options.OutOption = "",
    recipe: options.RecipeOption = "",
    set: options.SetOption,
    init: Annotated[str, typer.Option("--init", help="A run, GPT-2 folder or Hub id to start from.")] = "",
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run that was stopped.")] = False,
    device: options.DeviceOption = "",
    budget: Annotated[str, typer.Option("--budget", help="Time to train in, such as 30m or 1h30m.")] = "",
    tensorboard: Annotated[bool, typer.Option("--tensorboard", help="Also write curves for TensorBoard.")] = False,
    freeze: Annotated[int, typer.Option("--freeze", help="With --init: so many blocks stay as they are.")] = 0,
    lora: Annotated[int, typer.Option("--lora", help="With --init: learn adapters of this rank, not the weights.")] = 0,
    devices: Annotated[int, typer.Option("--devices", min=1, help="So many GPUs, or processes on a CPU.")] = 1,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would be trained and what it would take; write nothing.")
    ] = False,
    overwrite: options.OverwriteOption = False,
    json: options.JsonOption = False,
) -> None:
    """Train a model on a prepared folder."""
    from gpt2kit import recipe as recipes
    from gpt2kit.runs.folder import Run

    options.check_task_settings(task, set, "train")
    run, data = Path(out or f"runs/{task}"), data or f"data/{task}"
    if resume and (init or overwrite):
        raise UserError("--resume goes on with a run as it is: it takes neither --init nor --overwrite")
    if dry_run and (resume or devices > 1):
        raise UserError("--dry-run looks at a new run, on one device: leave --resume and --devices out")
    settings = [*options.settings_of(set, flags), *([f"train.device={device}"] if device else [])]
    settings += [*([f'train.budget="{budget}"'] if budget else []), *(["train.tensorboard=true"] * tensorboard)]
    settings += [f"train.{key}={value}" for key, value in (("freeze", freeze), ("lora", lora)) if value]
    if resume and not recipe:
        loaded = recipes.build(run.name, recipes.apply(Run(run).recipe.table(), settings))
    else:
        loaded = recipes.load(recipe or task, settings, task)
    if dry_run:
        say_plan(loaded, data, run, init, overwrite, json)
        return
    words = [task, "train", data, "--out", str(run)]
    again = f"gpt2kit {shlex.join([*words, '--resume'])}"
    if devices == 1:
        _train(loaded, data, run, init, resume, overwrite, json, again)
        return
    from gpt2kit.training import launch

    launch.check_devices(devices, loaded.train.device)
    words += [word for setting in settings for word in ("--set", setting)]
    words += [*(["--recipe", recipe] if recipe else []), *(["--init", init] if init else [])]
    given = {"--resume": resume, "--overwrite": overwrite, "--json": json}
    try:
        launch.launch([*words, *(word for word in given if given[word])], devices, f"{again} --devices {devices}")
    except Interrupted as stopped:  # the main process has printed it
        raise typer.Exit(stopped.exit_code) from None


def _train(
    loaded: "Recipe", data: str, run: Path, init: str, resume: bool, overwrite: bool, json: bool, again: str
) -> None:
    """Train in this process; of several, one prints for all, and the launcher reports why the others ended."""
    from gpt2kit.pipeline.train import train
    from gpt2kit.runs.folder import Run
    from gpt2kit.training import distributed, events

    rank, processes = distributed.place()
    started_here = distributed.STARTED_BY in os.environ
    if rank:
        console.silence()
    if processes > 1:
        again = f"{again} --devices {processes}" if started_here else "the same torchrun command with --resume"
    last: events.Validation | None = None
    stream = train(loaded, data, run, init or None, resume, overwrite)
    try:
        for event in progress.training(stream):
            if isinstance(event, events.Validation):
                last = event
            if isinstance(event, events.Stopped):
                raise progress.stopped(event, loaded.task_name, run, again)
    except UserError as error:
        if processes == 1:
            raise
        distributed.record_error(error)
        if rank or started_here:
            raise typer.Exit(error.exit_code) from error
        raise
    if not rank:
        cards.own(Run(run))
    name, task = shlex.quote(str(run)), loaded.task_name
    console.say(f"trained: {run}; try\n  gpt2kit {task} generate --run {name}\n  gpt2kit {task} evaluate --run {name}")
    if json and not rank:
        console.result_json({"run": str(run), "validation_loss": last.loss if last else None})
