"""`gpt2kit merge`: merges adapters into the weights."""

from pathlib import Path
from typing import Annotated

import typer

from gpt2kit.cli import console, loading, options, reports


def merge(
    run: Annotated[str, typer.Argument(metavar="RUN", help="A run that was trained with --lora.")],
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="DIR", show_default="RUN-merged", help="Write the merged model here.")
    ] = "",
    base: options.BaseOption = "",
    overwrite: options.OverwriteOption = False,
    json: options.JsonOption = False,
) -> None:
    """Merge a run's LoRA adapters into its weights, and check the logits: the result is a complete GPT-2 folder."""
    from gpt2kit.overwriting import check_folder
    from gpt2kit.pipeline.merge import merge as merged
    from gpt2kit.runs.folder import Run
    from gpt2kit.runs.kinds import RUN

    folder = out or f"{run.rstrip('/')}-merged"
    taken = check_folder(Path(folder), overwrite, RUN, [run, base])
    difference = merged(run, folder, overwrite, base)
    loading.say_edited(Run(Path(run)))
    reports.replaced(folder, taken)
    console.say(f"written to {folder}; logits differ by {difference:.1e} at most")
    if json:
        console.result_json({"run": run, "out": folder, "largest_difference": difference})
