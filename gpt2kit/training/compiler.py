"""Whether a run is worth compiling, and what torch.compile needs next to torch on a CPU: the C++ compiler that it is
going to call, and Python's headers."""

import os
import shutil
import sys
import sysconfig
from pathlib import Path

import torch

from gpt2kit.config import TrainConfig, duration
from gpt2kit.data.batches import Batches
from gpt2kit.model.device import pick_dtype
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training import speed

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
        return flop > PAYS_BACK and lacking() is None
    return device.type == "cuda" and flop > PAYS_BACK


def compiler() -> str:
    """The command that torch calls."""
    return os.environ.get("CXX") or {"win32": "cl", "darwin": "clang++"}.get(sys.platform, "g++")


def lacking() -> str | None:
    """What of it is missing, in words; None where nothing is."""
    if shutil.which(compiler()) is None:
        return f"no C++ compiler ({compiler()})"
    headers = Path(sysconfig.get_path("include"))
    if not (headers / "Python.h").is_file() and sys.platform != "darwin":  # a framework has them elsewhere
        return f"no Python.h in {headers} (the headers of Python, in python3-dev or python3-devel)"
    return None
