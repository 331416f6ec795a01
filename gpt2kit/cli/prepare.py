"""`gpt2kit TASK prepare`."""

import shlex
import signal
from pathlib import Path
from typing import Annotated

import typer

from gpt2kit.cli import console, loading, options, reports, several
from gpt2kit.errors import PARTLY_DONE, Interrupted


@several.by_torchrun
def prepare(
    task: str,
    flags: dict[str, str],
    *,
    corpus: Annotated[
        list[str],
        typer.Argument(
            metavar="CORPUS",
            help="Files or folders of the task's kind, or hf:OWNER/NAME[:CONFIG] of the Hugging Face Hub; of text and "
            "tables also globs in quotes and URLs.",
        ),
    ],
    val: options.ValOption,
    test: options.TestOption,
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="DIR", show_default="data/TASK", help="Write the prepared data here.")
    ] = "",
    recipe: options.RecipeOption = "",
    set: options.SetOption,
    devices: several.ProcessesOption = 1,
    overwrite: options.OverwriteOption = False,
    json: options.JsonOption = False,
) -> None:
    """Turn a corpus into token ids on disk, and report what was kept, cut and dropped."""
    from gpt2kit import recipe as recipes
    from gpt2kit.data.hub import has_model
    from gpt2kit.overwriting import check_folder
    from gpt2kit.pipeline.prepare import inputs_of, prepare, rendered
    from gpt2kit.pipeline.preparing.kept import KEPT, parts_kept
    from gpt2kit.runs.kinds import PREPARED
    from gpt2kit.runs.prepared import Prepared

    options.check_task_settings(task, set, "prepare")
    loaded = recipes.load(recipe or task, options.settings_of(task, set, flags), task)
    corpora = {"train": corpus} | ({"val": val} if val else {}) | ({"test": test} if test else {})
    folder = out or f"data/{task}"
    taken = check_folder(Path(folder), overwrite, PREPARED, inputs_of(loaded, corpora))
    if several.is_main():
        reports.replaced(folder, taken)
    loading.say_hidden(getattr(loaded.task, "tokenizer", ""))
    counter = console.Counter("records")
    try:
        found = prepare(
            *(loaded, corpora, folder, overwrite, counter), processes=devices, group=several.group, say=console.say
        )
    except KeyboardInterrupt:
        if not parts_kept(Path(folder)):
            raise
        raise Interrupted(signal.SIGINT, f"interrupted; {KEPT}") from None
    several.leave_to_main()
    counter.done()
    prepared = Prepared.open(folder)
    files = prepared.report["files"]
    reports.files_read(files, corpora)
    reports.prepared(found, folder)
    selections, examples = prepared.selections, rendered(prepared)
    reports.described([line for each in selections for line in each.lines()], prepared.task.describe(), examples)
    tokenizer = getattr(prepared.task, "tokenizer", "")
    init = f" --init {shlex.quote(tokenizer)}" if tokenizer and has_model(tokenizer) else ""
    console.say(f"next:\n  gpt2kit {task} train{f' {shlex.quote(out)}' if out else ''}{init}")
    if json:
        shown = {"columns": [each.json() for each in selections], "examples": examples, "files": files}
        console.result_json({split: report.json() for split, report in found.items()} | shown | {"out": folder})
    if any(report.has_damage for report in found.values()):
        raise typer.Exit(PARTLY_DONE)
