"""`gpt2kit TASK prepare`."""

from typing import Annotated

import typer

from gpt2kit.cli import console, options, reports
from gpt2kit.errors import PARTLY_DONE


def prepare(
    task: str,
    flags: dict[str, str],
    *,
    corpus: Annotated[list[str], typer.Argument(help="Files of the task's kind, or hf:owner/name; more than once.")],
    val: options.ValOption,
    test: options.TestOption,
    out: options.OutOption = "",
    recipe: options.RecipeOption = "",
    set: options.SetOption,
    overwrite: options.OverwriteOption = False,
    json: options.JsonOption = False,
) -> None:
    """Turn a corpus into ids on disk, and say what became of every line."""
    from gpt2kit import recipe as recipes
    from gpt2kit.pipeline.prepare import prepare, rendered
    from gpt2kit.runs.folder import Prepared

    options.check_task_settings(task, set, "prepare")
    loaded = recipes.load(recipe or task, options.settings_of(set, flags), task)
    corpora = {"train": corpus} | ({"val": val} if val else {}) | ({"test": test} if test else {})
    folder = out or f"data/{task}"
    counter = console.Counter("records")
    found = prepare(loaded, corpora, folder, overwrite, counter)
    counter.done()
    reports.prepared(found, folder)
    prepared = Prepared.open(folder)
    if told := prepared.task.describe():
        reports.described(told, rendered(prepared))
    if json:
        console.result_json({split: report.json() for split, report in found.items()} | {"out": folder})
    if any(report.damaged for report in found.values()):
        raise typer.Exit(PARTLY_DONE)
