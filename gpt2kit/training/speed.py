"""The speed of a run, as a share of the machine's speed in matrix products: model FLOP utilisation.

Counted as in PaLM (Chowdhery et al. 2022, appendix B) and nanoGPT: 6 FLOP for each weight of a matrix and each token
that passes it, forward and backward, and the FLOP that each layer's kind of attention adds. Dropout, norms, padding and
recomputation are not counted: they reduce the share.
"""

import time
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray

from gpt2kit.config import ModelConfig
from gpt2kit.data.batches import Batches, BatchRows
from gpt2kit.model.attention_kinds import KINDS
from gpt2kit.model.gpt2 import GPT2

SMOOTHING = 0.95
"""Weight of the past in the displayed speed."""


class Speedometer:
    """The speed of a run, smoothed over its last steps."""

    def __init__(self, model: GPT2, batches: Batches, device: torch.device, dtype: str, processes: int) -> None:
        """A peak is that of all processes, whose devices are alike."""
        self.model, self.batches, self.device, self.dtype, self.processes = model, batches, device, dtype, processes
        self.peak = processes * peak(device, dtype)
        self._seconds = self._tokens = self._flop = 0.0
        self._steps, self._doubted = 0, 1

    def add(self, rows: BatchRows, seconds: float) -> None:
        """Add a step on a batch."""
        lengths, targets = self.batches.lengths(rows), self.batches.targets(rows)
        flop = model_flop(self.model.config, self.model.vocab_size, lengths, targets)
        self._seconds = SMOOTHING * self._seconds + seconds
        self._tokens = SMOOTHING * self._tokens + self.batches.tokens(rows)
        self._flop = SMOOTHING * self._flop + flop
        self._steps += 1
        if self._share > 1 and self._steps >= self._doubted:
            self.measure_again()
            self._doubted = 2 * self._steps

    def measure_again(self) -> None:
        """Measure the peak once more: the machine may have been busy before."""
        self.peak = max(self.peak, self.processes * measured_peak(self.device, self.dtype))

    @property
    def tokens_per_second(self) -> float:
        return self._tokens / self._seconds if self._seconds else 0.0

    @property
    def of_peak(self) -> float:
        """Model FLOP per second as a share of the peak; 0 if that is not known, as no measurement was as fast."""
        return self._share if self._share <= 1 else 0.0

    @property
    def _share(self) -> float:
        return self._flop / self._seconds / self.peak if self._seconds else 0.0

    @property
    def step_seconds(self) -> float:
        """Seconds of an average step; 0 if not yet known."""
        mean = self.batches.epoch_tokens / len(self.batches)
        return mean / self.tokens_per_second if self.tokens_per_second else 0.0


def model_flop(config: ModelConfig, vocab_size: int, lengths: NDArray[np.int64], targets: int) -> float:
    """FLOP of a training step on rows of `lengths` tokens, the last of which is only a target."""
    inputs = lengths.astype(np.float64) - 1
    width = config.n_embd
    after_attention = width * width + 2 * width * config.inner
    everywhere = config.n_layer * 3 * width * width + (config.n_layer - 1) * after_attention
    at_targets = after_attention + vocab_size * width  # the end of the last block, and the head
    attention = sum(KINDS[kind].flop(config, inputs).sum() for kind in config.kinds)
    return float(6 * everywhere * inputs.sum() + attention + 6 * at_targets * targets)


@lru_cache
def peak(device: torch.device, dtype: str) -> float:
    """`measured_peak`, measured once."""
    return measured_peak(device, dtype)


def measured_peak(device: torch.device, dtype: str) -> float:
    """FLOP per second of a large matrix product, the best within a fifth of a second (on a GPU: within a few
    milliseconds)."""
    size, patience = (8192, 0.02) if device.type == "cuda" else (1024, 0.2)
    kind = torch.bfloat16 if dtype == "bf16" else torch.float32
    # Random numbers: a GPU multiplies constants faster, as less of it changes its state and draws power.
    left = torch.rand(size, size, device=device, generator=torch.Generator(device).manual_seed(0)).to(kind)
    right, best, began = left.clone(), float("inf"), time.perf_counter()
    left @ right
    while best == float("inf") or time.perf_counter() - began < patience:
        _finish(device)
        started = time.perf_counter()
        left @ right
        _finish(device)
        best = min(best, time.perf_counter() - started)
    return 2 * size**3 / best


def _finish(device: torch.device) -> None:
    """Wait for the device: kernels are only queued."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()
