"""`gpt2kit recipes`: what ships, and every knob with its meaning."""

from typing import Annotated

import typer

from gpt2kit import recipe as recipes
from gpt2kit.cli import console
from gpt2kit.cli.verbs import SetOption

app = typer.Typer(help="List the shipped recipes; show one with every knob.")


@app.callback(invoke_without_command=True)
def list_recipes(context: typer.Context) -> None:
    """List the shipped recipes."""
    if context.invoked_subcommand is None:
        rows = []
        for name in recipes.shipped():
            comment = recipes.shipped_text(name).split("\n")[0].removeprefix("# ")
            rows.append((name, recipes.load(name).task_name, comment))
        console.recipe_list(rows)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(help="A shipped recipe or a .toml file.")],
    set: SetOption,
) -> None:
    """Print a recipe as TOML that can be used: each knob, what it means and accepts, and where its value is from."""
    console.recipe_shown(recipes.load(name, set).task_name, recipes.described(name, set))
