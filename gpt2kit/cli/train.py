"""`gpt2kit TASK train`: in this process, or in several that it starts."""

import os
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gpt2kit.cli import cards, console, loading, options, progress, reports
from gpt2kit.cli.arguments import AUTO, PLAIN
from gpt2kit.cli.dry_run import say_plan
from gpt2kit.errors import DataError, Interrupted, UserError

if TYPE_CHECKING:
    from gpt2kit.recipe import Recipe
    from gpt2kit.runs.folder import Run


def train(
    task: str,
    flags: dict[str, str],
    *,
    data: Annotated[
        str,
        typer.Argument(
            metavar="DIR",
            show_default="data/TASK",
            help="The prepared folder; with --resume by default that of the run.",
        ),
    ] = "",
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="DIR", show_default="runs/TASK", help="Write the run here.")
    ] = "",
    recipe: options.RecipeOption = "",
    set: options.SetOption,
    init: Annotated[
        str,
        typer.Option(
            "--init",
            metavar="DIR|HUB_ID",
            show_default="random weights",
            help="Start from these weights: a run, a GPT-2 folder, or a model of the Hub such as gpt2.",
        ),
    ] = "",
    resume: Annotated[
        str,
        typer.Option(
            "--resume",
            metavar="[on|auto]",
            show_default="off",
            help="Continue the run in --out, which was stopped; or a finished one, with more epochs, steps or budget. "
            "auto: or start it, if it is not there, and end at once if it is complete: for jobs that are requeued.",
            autocompletion=options.completing(lambda: [AUTO]),
        ),
    ] = "",
    base: Annotated[
        str,
        typer.Option(
            "--base",
            metavar="DIR|HUB_ID",
            show_default="as recorded in the run",
            help="With --resume: the model that the run was started from, if it was moved.",
        ),
    ] = "",
    device: options.DeviceOption = "",
    budget: Annotated[
        str,
        typer.Option(
            "--budget",
            metavar="TIME",
            show_default="no limit, or the recipe's",
            help="Train for this long, such as 90s, 30m or 1h30m.",
        ),
    ] = "",
    tensorboard: Annotated[
        bool, options.switch("--tensorboard", help="Also write curves for TensorBoard into the run.")
    ] = False,
    freeze: Annotated[
        int | None,
        typer.Option(
            "--freeze",
            metavar="N",
            show_default="0, or the recipe's",
            help="With --init: do not train the embeddings and the first N blocks.",
        ),
    ] = None,
    lora: Annotated[
        int | None,
        typer.Option(
            "--lora",
            metavar="N",
            show_default="0: none, or the recipe's",
            help="With --init: train LoRA adapters of rank N instead of the weights.",
        ),
    ] = None,
    devices: Annotated[
        int, typer.Option("--devices", min=1, metavar="N", help="Train on N GPUs, or with N processes on the CPU.")
    ] = 1,
    dry_run: Annotated[
        bool,
        options.switch("--dry-run", help="Report what would be trained, in how much time and memory; write nothing."),
    ] = False,
    overwrite: options.OverwriteOption = False,
    json: options.JsonOption = False,
) -> None:
    """Train a model on a prepared folder."""
    from gpt2kit import recipe as recipes
    from gpt2kit.runs.folder import RECIPE_FILE, Run

    options.check_task_settings(task, set, "train")
    if resume not in ("", PLAIN, AUTO):
        raise UserError(f"--resume={resume}: expected {PLAIN}, which is what --resume alone means, or {AUTO}")
    run, named = Path(out or f"runs/{task}"), data or ("" if resume == PLAIN else f"data/{task}")
    if overwrite and resume:
        raise UserError("--resume continues a run as it is: leave out --overwrite")
    if init and resume == PLAIN:
        raise UserError("--resume continues a run as it is: leave out --init")
    if base and not resume:
        raise UserError("--base is for --resume; to start from the weights of a model, give it with --init")
    if dry_run and (resume or devices > 1):
        raise UserError("--dry-run is for a new run on one device: leave out --resume and --devices")
    settings = [*options.settings_of(task, set, flags), *([f"train.device={device}"] if device else [])]
    settings += [*([f'train.budget="{budget}"'] if budget else []), *(["train.tensorboard=true"] * tensorboard)]
    settings += [f"train.{key}={value}" for key, value in (("freeze", freeze), ("lora", lora)) if value is not None]
    there = Run(run).is_there
    if resume == PLAIN and not there:
        raise DataError(f"{run} is not a run, as {run / RECIPE_FILE} is missing: leave out --resume to start one")
    if resume == PLAIN and not recipe:
        loaded = recipes.with_settings(run.name, Run(run).recipe.table(), settings)
    else:
        loaded = recipes.load(recipe or task, settings, task)
    if resume and there:
        if (trained := Run(run).recipe.task_name) != task:
            raise DataError(f"{run} is a run of {trained}, not of {task}")
        loading.say_edited(Run(run))
    data = named or _data_of(Run(run), task)
    if dry_run:
        _say_start(loaded, init, data)
        say_plan(loaded, data, run, init, overwrite, json)
        return
    words = [task, "train", *([named] if named else []), "--out", str(run)]
    again = f"gpt2kit {shlex.join([*words, '--resume'])}"
    if devices == 1:
        _train(loaded, data, run, init, resume, overwrite, json, again, base)
        return
    from gpt2kit.training import launch

    launch.check_devices(devices, loaded.train.device)
    words += [word for setting in settings for word in ("--set", setting)]
    for option, value in (("--recipe", recipe), ("--init", init), ("--base", base)):
        words += [option, value] if value else []
    words += ["--resume", *([] if resume == PLAIN else [resume])] if resume else []
    given = {"--overwrite": overwrite, "--json": json}
    try:
        kept = f"the state of the last save is untouched; to continue from it:\n  {again} --devices {devices}"
        launch.launch([*words, *(word for word in given if given[word])], devices, kept)
    except Interrupted as stopped:  # the main process has printed it
        raise typer.Exit(stopped.exit_code) from None


def _data_of(run: "Run", task: str) -> str:
    """The prepared data of a run that is resumed without naming it. Raises DataError if it is gone."""
    if not run.data_path.is_dir():
        again = shlex.join(["gpt2kit", task, "train", "DATA", "--out", str(run.path), "--resume"])
        raise DataError(
            f"{run.path}: its prepared data {run.data_path} no longer exists; if it was moved, name its new place:\n"
            f"  {again}"
        )
    return str(run.data_path)


def _say_start(loaded: "Recipe", init: str, data: str) -> None:
    """Remark on knobs without effect, and on a directory that hides a model of the Hub or on what is missing without
    --init: a tokenizer of another model is most often taken to start from its weights."""
    from gpt2kit.data.hub import has_model
    from gpt2kit.pipeline.train import task_to_train
    from gpt2kit.runs.prepared import Prepared

    task = task_to_train(loaded, Prepared.open(data), fresh=False)
    for line in task.layout.ignored():
        console.warn(line)
    if init:
        loading.say_hidden(init)
        return
    if task.about.pretrained:
        console.warn(
            "nothing is pretrained: without --init, training starts from scratch; prepare with --tokenizer and train "
            "with --init of the same model: a run, a folder, or a model of the Hub such as gpt2"
        )
    if (tokenizer := getattr(task, "tokenizer", "")) and has_model(tokenizer):
        init = f"--init {shlex.quote(tokenizer)}"
        console.say(f"random weights: the data has the tokenizer of {tokenizer}; {init} starts from its weights")


def _train(
    loaded: "Recipe",
    data: str,
    run: Path,
    init: str,
    resume: str,
    overwrite: bool,
    json: bool,
    again: str,
    base: str,
) -> None:
    """Train in this process. Of several processes only the main one prints; the launcher reports their errors."""
    from gpt2kit.overwriting import check_folder
    from gpt2kit.pipeline.start import inputs_of
    from gpt2kit.pipeline.train import train
    from gpt2kit.runs import checkpoints
    from gpt2kit.runs.folder import Run
    from gpt2kit.runs.kinds import RUN
    from gpt2kit.training import distributed, events

    rank, processes = distributed.place()
    started_here = distributed.STARTED_BY in os.environ
    if rank:
        console.silence()
    if processes > 1:
        torchrun = "the same torchrun command" if resume == AUTO else "the same torchrun command with --resume"
        again = f"{again} --devices {processes}" if started_here else torchrun
    last: events.Validation | None = None
    before, started = run.exists(), False
    continues = resume == PLAIN or (resume == AUTO and Run(run).is_there)
    stream = train(loaded, data, run, init or None, AUTO if resume == AUTO else bool(resume), overwrite, base)
    if overwrite and not rank:
        reports.replaced(run, check_folder(run, overwrite, RUN, inputs_of(loaded, data, init)))
    try:
        if not continues:
            _say_start(loaded, init, data)
        for event in progress.training(stream):
            started = True
            if isinstance(event, events.Validation):
                last = event
            if isinstance(event, events.Stopped):
                raise progress.stopped(event, loaded.task_name, run, again)
    except KeyboardInterrupt:
        raise progress.interrupted(run, continues, before and not started, again) from None
    except UserError as error:
        if processes == 1:
            raise
        distributed.record_error(error)
        if rank or started_here:
            raise typer.Exit(error.exit_code) from error
        raise
    if not rank:
        cards.own(Run(run))
    if not started:
        console.say(f"{run} is complete: nothing is left to train")
    name, task = shlex.quote(str(run)), loaded.task_name
    if kept := checkpoints.summary(Run(run)):
        console.say(kept)
    console.say(
        f"trained: {run}; next:\n  gpt2kit {task} generate --run {name}\n  gpt2kit {task} evaluate --run {name}"
    )
    if json and not rank:
        console.result_json({"run": str(run), "validation_loss": last.loss if last else None})
