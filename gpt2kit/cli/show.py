"""`gpt2kit TASK show`: prepared data as training reads it."""

from pathlib import Path
from typing import Annotated

import typer

from gpt2kit.cli import console, options


def show(
    task: str,
    flags: dict[str, str],
    *,
    data: Annotated[
        str, typer.Argument(metavar="DIR", show_default="data/TASK", help="A prepared folder, or a run.")
    ] = "",
    moved: options.MovedDataOption = "",
    split: options.SplitOption = "train",
    n: Annotated[int, typer.Option("--n", min=1, metavar="N", help="Show N rows, or N windows of a stream.")] = 3,
    tokens: Annotated[
        int,
        typer.Option(
            "--tokens",
            min=2,
            metavar="N",
            help="Leave out the middle of rows with more than N tokens; of events, whole lines.",
        ),
    ] = 200,
    recipe: options.RecipeOption = "",
    set: options.SetOption,
    json: options.JsonOption = False,
) -> None:
    """Show rows as training reads them, and which of their tokens carry loss."""
    from gpt2kit import recipe as recipes
    from gpt2kit.errors import DataError, UserError
    from gpt2kit.pipeline.show import shown
    from gpt2kit.pipeline.train import task_to_train
    from gpt2kit.runs.folder import RUN_FILE, Run
    from gpt2kit.runs.prepared import Prepared

    folder = Path(data or f"data/{task}")
    if (folder / RUN_FILE).is_file():
        if recipe or set:
            raise UserError(f"{folder} is a run, which has its own recipe: leave out --recipe and --set")
        run = Run(folder, Path(moved) if moved else None)
        loaded = run.recipe
        if loaded.task_name != task:
            raise DataError(f"{folder} is a run of {loaded.task_name}, not of {task}")
        prepared = run.prepared
    else:
        if moved:
            raise UserError(f"--data is for a run, and {folder} is none: give the prepared folder alone")
        options.check_task_settings(task, set, "train")
        loaded = recipes.load(recipe or task, set, task)
        prepared = Prepared.open(folder)
    opened = task_to_train(loaded, prepared, fresh=False)
    if not json:
        console.loss_legend()
    for row in shown(loaded, prepared, opened, split, n):
        if json:
            spelled = map(opened.vocabulary.spell, row.ids)
            texts = (each if isinstance(each, str) else each.decode("utf-8", "backslashreplace") for each in spelled)
            marked = zip(row.ids, texts, row.loss, strict=True)
            spans = [{"id": id, "text": text, "loss": loss} for id, text, loss in marked]
            console.result_json({"example": row.example, "answer": row.answer, "weight": row.weight, "tokens": spans})
        else:
            learned = f"{sum(row.loss):,} of {len(row.ids):,} tokens carry loss"
            weight = f", each counts {row.weight:.3g}" if row.weight != 1 else ""
            answer = f", the answer is {row.answer}" if row.answer else ""
            console.marked(f"{split} {row.example}: {learned}{weight}{answer}", row.spans(opened, tokens))
