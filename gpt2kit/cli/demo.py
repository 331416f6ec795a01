"""`gpt2kit demo`: the embedded sample through the same four verbs that a real run takes."""

import time
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt2kit import tasks
from gpt2kit.cli import console, music
from gpt2kit.errors import Interrupted, UserError

if TYPE_CHECKING:
    from gpt2kit.engine import Engine
    from gpt2kit.tasks.base import Record

SHOWN = 8


def free(name: str) -> Path:
    """The first of NAME, NAME-2, NAME-3, ... that does not exist."""
    path, number = Path(name), 2
    while path.exists():
        path, number = Path(f"{name}-{number}"), number + 1
    return path


def demo(
    task: Annotated[str, typer.Argument(help="The task to show.")] = "translate",
    json: Annotated[bool, typer.Option("--json", help="The scores as JSON on stdout.")] = False,
) -> None:
    """Prepare, train, evaluate and generate on a small embedded sample, in about two minutes on two cores."""
    recipe_name = f"demo-{task}"
    sample = files("gpt2kit") / "samples" / task
    if task not in tasks.names() or not sample.is_dir():
        shown = [name for name in tasks.names() if (files("gpt2kit") / "samples" / name).is_dir()]
        raise UserError(f"there is no demo of {task!r}; there is one of {', '.join(shown)}")

    from gpt2kit import engine, pipeline, scoring
    from gpt2kit import recipe as recipes
    from gpt2kit.train import events as kinds

    started = time.monotonic()
    data, run = free(f"data/{recipe_name}"), free(f"runs/{recipe_name}")
    recipe = recipes.load(recipe_name)
    with as_file(sample) as folder:
        console.prepared(pipeline.prepare(recipe, _corpora(folder), data), str(data))
    for event in console.training(pipeline.train(recipe, data, run)):
        if isinstance(event, kinds.Stopped):
            again = f"gpt2kit {task} train {data} --out {run} --resume"
            raise Interrupted(event.signal, f"stopped, state saved; to go on:\n  {again}")
    opened = engine.load(run)
    if recipe.task.layout == "stream":
        with scoring.documents(run, opened.task) as documents:
            evaluation = scoring.evaluate_stream(opened, documents)
        following = music.demonstrate(opened, run)
    else:
        records = list(scoring.stored_records(run, opened.task, "val")[1])
        evaluation = scoring.evaluate(opened, records, "embedded held-out sample")
        following = _compared(task, opened, records, run)
    if json:
        console.result_json(evaluation.json() | {"run": str(run)})
    else:
        console.evaluated(evaluation)
    took = f"{time.monotonic() - started:.0f} seconds; the run is in {run}"
    console.say(
        f"\n{took}{', a Hugging Face GPT-2 folder' if recipe.model.attention == 'full' else ''}. Next:\n{following}"
    )


def _corpora(sample: Path) -> dict[str, list[str]]:
    """A held-out file of its own, or one corpus that says its splits."""
    if held_out := list(sample.glob("heldout.*")):
        return {"train": [str(path) for path in sample.glob("train.*")], "val": list(map(str, held_out))}
    return {"train": [str(path) for path in sample.glob("*.zip")]}


def _compared(task: str, opened: "Engine", records: "list[Record[Any, Any]]", run: Path) -> str:
    """Some held-out examples beside the model's answers; returns what may be typed next."""
    step = max(1, len(records) // SHOWN)
    chosen = records[::step][:SHOWN]
    by_line = opened.task.input_unit == "a line"
    console.say(f"\nNone of these {'sentences' if by_line else 'documents'} was in the training data:\n")
    for record, result in zip(chosen, opened.results(record.source for record in chosen), strict=True):
        console.comparison(opened.task.show(record.source), str(result.outputs[0]), str(record.target))
    asked = _quoted(opened.task.show(chosen[0].source)) if by_line else "--file YOUR.txt"
    return (
        f"  gpt2kit {task} generate --run {run} {asked}\n"
        f"  gpt2kit {task} evaluate --run {run}\n"
        f"  gpt2kit {task} prepare {opened.task.corpus_hint} --out data/mine\n"
        f"  gpt2kit {task} train data/mine --out runs/mine"
    )


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '\\"') + '"'
