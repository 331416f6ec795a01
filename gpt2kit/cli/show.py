"""`gpt2kit TASK show`: prepared data as training reads it."""

from pathlib import Path
from typing import Annotated

import typer

from gpt2kit.cli import console, options


def show(
    task: str,
    flags: dict[str, str],
    *,
    data: Annotated[str, typer.Argument(help="A prepared folder, or a run.")] = "",
    split: Annotated[str, typer.Option("--split", help="The prepared split.")] = "train",
    n: Annotated[int, typer.Option("--n", min=1, help="So many rows, or windows of a stream.")] = 3,
    tokens: Annotated[int, typer.Option("--tokens", min=2, help="The middle of longer rows is left out.")] = 200,
    recipe: options.RecipeOption = "",
    set: options.SetOption,
    json: options.JsonOption = False,
) -> None:
    """Show rows as training reads them, and which of their tokens carry loss."""
    from gpt2kit import recipe as recipes
    from gpt2kit.errors import DataError, UserError
    from gpt2kit.pipeline import show as showing
    from gpt2kit.pipeline import train as pipeline
    from gpt2kit.runs import folder as folders

    folder = Path(data or f"data/{task}")
    if (folder / folders.RUN_FILE).is_file():
        if recipe or set:
            raise UserError(f"{folder} is a run, which has its recipe: leave --recipe and --set out")
        loaded = folders.recipe_of(folder)
        if loaded.task_name != task:
            raise DataError(f"{folder} is a run of {loaded.task_name}, not of {task}")
        folder = folders.data_of(folder, folders.load_task(folder)[1])
    else:
        options.check_task_settings(task, set, "train")
        loaded = recipes.load(recipe or task, set, task)
    opened, _ = pipeline.opened(loaded, folder, fresh=False)
    if not json:
        console.loss_legend()
    for row in showing.shown(loaded, folder, opened, split, n):
        if json:
            spelled = map(opened.vocabulary.spell, row.ids)
            texts = (each if isinstance(each, str) else each.decode("utf-8", "backslashreplace") for each in spelled)
            marked = zip(row.ids, texts, row.loss, strict=True)
            told = [{"id": id, "text": text, "loss": loss} for id, text, loss in marked]
            console.result_json({"example": row.example, "answer": row.answer, "weight": row.weight, "tokens": told})
        else:
            learned = f"{sum(row.loss):,} of {len(row.ids):,} tokens carry loss"
            weight = f", each counts {row.weight:.3g}" if row.weight != 1 else ""
            answer = f", the answer is {row.answer}" if row.answer else ""
            console.marked(f"{split} {row.example}: {learned}{weight}{answer}", row.spans(opened, tokens))
