"""Whether a run is compiled: torch.compile has to pay back within it."""

import torch

from gpt2kit.config import TrainConfig, duration
from gpt2kit.data.batches import Batches
from gpt2kit.model.device import pick_dtype
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training import compiler, speed

PAYS_BACK = 2e14
"""Training FLOP from which torch.compile's half minute is won back on two cores; a GPU gets there at once."""

REACHED = 0.4
"""About the share of the machine's peak that training reaches, where it must be known before the first step."""


def expected_flop(config: TrainConfig, model: GPT2, batches: Batches, steps: int, device: torch.device) -> float:
    """FLOP of a whole run: of that many steps, or those that a budget of time is enough for."""
    if config.budget:
        return REACHED * speed.peak(device, pick_dtype(config.dtype, device)) * duration(config.budget)
    return 6 * model.parameter_count() * batches.epoch_tokens / len(batches) * steps


def wants_compile(config: TrainConfig, device: torch.device, flop: float) -> bool:
    """Whether a run of that many FLOP is compiled."""
    if config.compile != "auto":
        return config.compile == "on"
    if device.type == "cpu":
        return flop > PAYS_BACK and compiler.lacking() is None
    return device.type == "cuda" and flop > PAYS_BACK
