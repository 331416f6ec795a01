"""merge: turns a run with adapters into one without: adds them to the weights and compares the logits."""

from pathlib import Path

import torch

from gpt2kit import overwriting
from gpt2kit.errors import DataError
from gpt2kit.model import hf, lora
from gpt2kit.model.freeze import merged
from gpt2kit.pipeline.complete import write_complete
from gpt2kit.runs.card import write as card
from gpt2kit.runs.folder import Run
from gpt2kit.runs.kinds import RUN

TOLERANCE = 1e-3
"""Largest accepted difference of a logit, in fp32: the order of summation differs."""

COMPARED = 64
"""Number of random tokens whose logits are compared."""


def merge(run: str | Path, out: str | Path, overwrite: bool = False, base: str | Path = "") -> float:
    """Write `run` to `out` as a complete GPT-2 folder; returns the largest difference of their logits.

    `base` is where the model is now that the adapters were trained on, if it was moved.

    Raises DataError without adapters, and if logits differ by more than rounding explains.
    """
    source, target = Run(Path(run), moved_base=str(base)), Run(Path(out))
    if source.weights != lora.ADAPTER:
        raise DataError(f"{source.path} has no {lora.ADAPTER} to merge: only runs with train.lora have one")
    inputs = (source.path, source.base)
    overwriting.check_folder(target.path, overwrite, RUN, inputs)
    _ = source.task  # raises if it is damaged
    source.check_copied()
    _ = source.recorded_recipe
    model = hf.load_adapted(source.path, source.base_folder()).eval()
    complete = merged(model)
    generator = torch.Generator().manual_seed(0)
    length = min(COMPARED, model.config.n_positions)
    ids_BT = torch.randint(model.vocab_size, (1, length), generator=generator)
    with torch.no_grad():
        difference = float((model(ids_BT) - complete(ids_BT)).abs().max())
    if not difference <= TOLERANCE:  # also rejects NaN
        raise DataError(
            f"{source.path}: merging changes logits by {difference:.2g}, more than {TOLERANCE:g}: nothing was written"
        )
    with overwriting.new_folder(target.path, overwrite, RUN, inputs) as folder:
        write_complete(source, complete, folder)
    card.write(target)
    return difference
