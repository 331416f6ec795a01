"""Decides whether a run is compiled: torch.compile has to pay off within it."""

import torch

from gpt2kit.config import TrainConfig, duration
from gpt2kit.data.batches import Batches
from gpt2kit.model.device import pick_dtype
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training import compiler, speed

PAYS_BACK = 2e14
"""Training FLOP from which on torch.compile saves its half minute on two cores; a GPU gets there quickly."""

REACHED = 0.4
"""The approximate share of the machine's peak that training reaches, for estimates before the first step."""


def expected_flop(config: TrainConfig, model: GPT2, batches: Batches, steps: int, device: torch.device) -> float:
    """FLOP of a whole run: of `steps` steps, or of as many as a time budget allows."""
    if config.budget:
        return REACHED * speed.peak(device, pick_dtype(config.dtype, device)) * duration(config.budget)
    return 6 * model.parameter_count() * batches.epoch_tokens / len(batches) * steps


def wants_compile(config: TrainConfig, device: torch.device, flop: float) -> bool:
    """Whether a run of `flop` FLOP is compiled."""
    if config.compile != "auto":
        return config.compile == "on"
    if device.type == "cpu":
        return flop > PAYS_BACK and compiler.lacking() is None
    return device.type == "cuda" and flop > PAYS_BACK
