"""Writes a run with other weights: adapters merged into them, or in another number type."""

from pathlib import Path

import torch

from gpt2kit.model import hf, hf_config, lora
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.runs.copying import copy_files
from gpt2kit.runs.folder import Run


def write_complete(run: Run, model: GPT2, folder: Path, dtype: torch.dtype = torch.float32) -> None:
    """Write `run` with the weights of `model` into an existing folder: all of its files but the state of training."""
    copy_files(run, folder, (lora.ADAPTER_CONFIG, hf_config.MERGED_CONFIG))
    eos, generate = run.task.vocabulary.eos, run.recipe.generate
    hf.save(folder, model, eos, step=run.weights_step, dtype=dtype, generate=generate)
