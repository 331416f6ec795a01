"""`gpt2kit demo`: the embedded samples through the same four verbs as a real run."""

import os
import shlex
import signal
import time
from importlib.resources import as_file
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt2kit import samples, tasks
from gpt2kit.cli import cards, console, options, progress, reports
from gpt2kit.cli.performance.demonstration import demonstrate
from gpt2kit.errors import PARTLY_DONE, Interrupted, UserError

if TYPE_CHECKING:
    from gpt2kit.pipeline.engine import Engine
    from gpt2kit.pipeline.evaluate import Evaluation
    from gpt2kit.tasks.record import Record

SHOWN = 8


def shown() -> list[str]:
    """The tasks that have a demo."""
    return [name for name in tasks.names() if samples.sample(name).is_dir()]


def free(name: str) -> Path:
    """The first of NAME, NAME-2, NAME-3, ... that does not exist."""
    path, number = Path(name), 2
    while path.exists():
        path, number = Path(f"{name}-{number}"), number + 1
    return path


def demo(
    task: Annotated[
        str,
        typer.Argument(
            metavar="TASK", help=f"One of {', '.join(shown())}.", autocompletion=options.completing(lambda: shown())
        ),
    ] = samples.DEFAULT,
    json: Annotated[bool, options.switch("--json", help="Write the scores as JSON to stdout.")] = False,
) -> None:
    """Prepare, train, evaluate and generate on a small embedded sample, in about two minutes on two cores."""
    if task not in shown():
        raise UserError(f"no demo of {task!r}; accepted: {', '.join(shown())}")
    started = time.monotonic()
    pretrained = None
    if (first := samples.PRETRAINED.get(task)) is not None:
        console.say(f"First the demo of {first}, then fine-tuning of its model on ten labeled lines:")
        _, pretrained = _trained(first)
    opened, run = _trained(task, pretrained)
    evaluation, (following, is_whole) = _evaluated(task, opened, run)
    scores = evaluation.json() | {"run": str(run)}
    if not json:
        reports.evaluated(evaluation)
    if pretrained is not None:
        console.say("\nThe same ten lines and steps from random weights:")
        opened, alone = _trained(task)
        without, _ = _evaluated(task, opened, alone)
        scores["from_random_weights"] = without.json() | {"run": str(alone)}
        if not json:
            reports.evaluated(without)
    if json:
        console.result_json(scores)
    took = f"\n{time.monotonic() - started:.0f} seconds; the run is in {run}"
    if evaluation.at_chance:
        console.say(
            f"{took}. Its model has learned nothing, perhaps because other programs used the processor. Run the demo "
            f"again when the machine is idle, or train longer:\n  {_longer(task, run, pretrained)}"
        )
        raise typer.Exit(PARTLY_DONE)
    is_gpt2 = opened.model.config.attention == "full"
    console.say(f"{took}{', a Hugging Face GPT-2 folder' if is_gpt2 else ''}. Next:\n{following}")
    if not is_whole:
        raise typer.Exit(PARTLY_DONE)


def _longer(task: str, run: Path, init: Path | None) -> str:
    """The command that trains three times as long as a demo did."""
    from gpt2kit.config import duration
    from gpt2kit.runs.folder import Run

    trained = Run(run)
    train, data = trained.recipe.train, os.path.relpath(trained.data_path)
    if train.budget:
        longer = f"train.budget={3 * duration(train.budget):.0f}s"
    else:
        longer = f"train.steps={3 * train.steps}" if train.steps else f"train.epochs={3 * train.epochs:g}"
    words = ["gpt2kit", task, "train", data, "--out", str(free(f"runs/demo-{task}")), "--recipe", f"demo-{task}"]
    return shlex.join([*words, *(["--init", str(init)] if init else []), "--set", longer])


def _trained(task: str, init: Path | None = None) -> "tuple[Engine, Path]":
    """Prepare and train the demo of a task, from random weights or those of a run."""
    from gpt2kit import recipe as recipes
    from gpt2kit.decoding.seeds import reproducible
    from gpt2kit.pipeline import opening, prepare, train
    from gpt2kit.training import events

    name = f"demo-{task}"
    data, run = free(f"data/{name}"), free(f"runs/{name}")
    recipe = recipes.load(name, [f"task.tokenizer={init}"] if init else [])
    with as_file(samples.sample(task)) as folder:
        reports.prepared(prepare.prepare(recipe, _corpora(folder), data), str(data))
    for event in progress.training(train.train(recipe, data, run, str(init) if init else None)):
        if isinstance(event, events.Stopped):
            raise progress.stopped(event, task, run, f"gpt2kit {task} train {data} --out {run} --resume")
    opened = opening.load(run)
    opened.config = reproducible(opened.config)
    return opened, run


Following = tuple[str, bool]
"""Commands to try next, and whether the example of the model's output lacks nothing."""


def _evaluated(task: str, opened: "Engine", run: Path) -> "tuple[Evaluation, Following]":
    """Score a run and print examples of its output."""
    try:
        return _scored(task, opened, run)
    except KeyboardInterrupt:
        use = f"gpt2kit {task} generate --run {run}\n  gpt2kit {task} evaluate --run {run}"
        raise Interrupted(signal.SIGINT, f"stopped; the model is trained; to use it:\n  {use}") from None


def _scored(task: str, opened: "Engine", run: Path) -> "tuple[Evaluation, Following]":
    from gpt2kit.pipeline.evaluate import evaluate_records, evaluate_stream
    from gpt2kit.pipeline.evaluation_sets import documents, run_of, stored_records

    folder = run_of(opened)
    if opened.task.layout.continues:
        with documents(opened) as found:
            evaluation = evaluate_stream(opened, found)
        cards.scored(folder, evaluation.json(), evaluation.samples)
        return evaluation, _continued(task, opened, run)
    records = list(stored_records(folder.prepared, opened.task, "val")[1])
    evaluation = evaluate_records(opened, records, "embedded held-out sample")
    cards.scored(folder, evaluation.json(), evaluation.samples)
    return evaluation, (_compared(task, opened, records, run), True)


def _corpora(sample: Path) -> dict[str, list[str]]:
    """A separate held-out file, or one corpus that names its splits."""
    if held_out := list(sample.glob("heldout.*")):
        return {"train": [str(path) for path in sample.glob("train.*")], "val": list(map(str, held_out))}
    return {"train": [str(path) for path in sample.glob("*.zip")]}


def _continued(task: str, opened: "Engine", run: Path) -> Following:
    """Print a sample from an empty prompt."""
    if opened.task.about.medium == "performance":
        return demonstrate(task, opened, run)
    (result,) = opened.results([""])
    console.say(f"\nFrom an empty prompt it writes:\n\n{result.outputs[0]}\n")
    following = (
        f'  gpt2kit {task} generate --run {run} "The river rises"\n'
        f"  gpt2kit {task} evaluate --run {run}\n"
        f"{_own_data(task, opened)}"
    )
    return following, True


def _compared(task: str, opened: "Engine", records: "list[Record[Any, Any]]", run: Path) -> str:
    """Print some held-out examples next to the model's answers; returns a command to try next."""
    step = max(1, len(records) // SHOWN)
    chosen = records[::step][:SHOWN]
    by_line = opened.task.about.input_unit == "a line"
    console.say(f"\nNone of these {'sentences' if by_line else 'documents'} was in the training data:\n")
    for record, result in zip(chosen, opened.results(record.source for record in chosen), strict=True):
        reports.comparison(opened.task.show(record.source), str(result.outputs[0]), str(record.target))
    asked = _quoted(opened.task.show(chosen[0].source)) if by_line else "--file YOUR.txt"
    return (
        f"  gpt2kit {task} generate --run {run} {asked}\n"
        f"  gpt2kit {task} evaluate --run {run}\n"
        f"{_own_data(task, opened)}"
    )


def _own_data(task: str, opened: "Engine") -> str:
    """The commands that prepare and train a user's own data, from the pretrained model that the demo used, if any."""
    from gpt2kit.pipeline.evaluation_sets import run_of

    init = run_of(opened).init
    model = shlex.quote(os.path.relpath(init)) if init else ""
    tokenizer, start = (f" --tokenizer {model}", f" --init {model}") if model else ("", "")
    return (
        f"  gpt2kit {task} prepare {opened.task.about.corpus} --out data/mine{tokenizer}\n"
        f"  gpt2kit {task} train data/mine --out runs/mine{start}"
    )


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'
