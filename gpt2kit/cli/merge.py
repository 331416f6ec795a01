"""`gpt2kit merge`: merges adapters into the weights."""

from typing import Annotated

import typer

from gpt2kit.cli import console, options


def merge(
    run: Annotated[str, typer.Argument(help="A run that was trained with train.lora.")],
    out: options.OutOption = "",
    overwrite: options.OverwriteOption = False,
    json: options.JsonOption = False,
) -> None:
    """Merge a run's LoRA adapters into its weights: a complete GPT-2 folder, whose logits are checked."""
    from gpt2kit.pipeline.merge import merge as merged

    folder = out or f"{run.rstrip('/')}-merged"
    difference = merged(run, folder, overwrite)
    console.say(f"written to {folder}; logits differ by {difference:.1e} at most")
    if json:
        console.result_json({"run": run, "out": folder, "largest_difference": difference})
