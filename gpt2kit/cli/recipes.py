"""`gpt2kit recipes`: lists the shipped recipes, and shows every knob with its help."""

import json
from collections.abc import Iterable, Iterator
from typing import Annotated, Any

import typer

from gpt2kit import recipe as recipes
from gpt2kit.cli import console, options

app = typer.Typer(help="List the shipped recipes, or show one with every knob.")


@app.callback(invoke_without_command=True)
def list_recipes(context: typer.Context) -> None:
    """List the shipped recipes."""
    if context.invoked_subcommand is None:
        rows = []
        for name in recipes.shipped():
            rows.append((name, recipes.load(name).task_name, recipes.description(name)))
        console.table(("recipe", "task", "description"), rows)


@app.command("show")
def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="NAME|FILE",
            help="A shipped recipe, or a .toml file.",
            autocompletion=options.completing(recipes.shipped),
        ),
    ],
    set: options.SetOption,
) -> None:
    """Print a recipe as usable TOML: every knob, its meaning, type and default, and where its value comes from."""
    for line in lines(recipes.load(name, set).task_name, recipes.described(name, set)):
        console.result(line)


def lines(task: str, knobs: Iterable[recipes.Knob]) -> Iterator[str]:
    """Every knob with its value and description, as TOML that can be saved and used."""
    section = ""
    for knob in knobs:
        if knob.section != section:
            yield f"\n[{knob.section}]" if section else f"[{knob.section}]"
            section = knob.section
            if section == "task":
                yield f"name = {_toml(task)}"
        # Knobs that model.size sets cannot be given together with it.
        line = f"{'# ' if knob.origin == 'model.size' else ''}{knob.name} = {_toml(knob.value)}"
        by = "the recipe" if knob.origin == "recipe" else knob.origin
        origin = "the default" if by == "default" else f"default {_toml(knob.default)}, set by {by}"
        yield f"{line:<32} # {knob.meaning} [{knob.type}; {origin}]"


def _toml(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False) if not isinstance(value, bool) else str(value).lower()
