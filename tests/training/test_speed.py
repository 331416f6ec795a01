"""FLOP are counted from real tokens and targets; the peak is measured."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch

from gpt2kit.config import ModelConfig
from gpt2kit.data.batches import RowBatches
from gpt2kit.data.store import Store
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training import speed
from gpt2kit.training.speed import Speedometer, model_flop, peak


def test_flop_are_those_of_the_papers() -> None:
    """6 N + 12 L H Q T a token, where every token is a target: PaLM appendix B, and 6 N is nanoGPT's too."""
    config = ModelConfig(size="gpt2")
    lengths = np.full(8, 1025)
    tokens = 8 * 1024
    weights = sum(
        parameter.numel()
        for name, parameter in GPT2(
            ModelConfig(n_layer=1, n_head=12, n_embd=768, n_positions=1), 50257
        ).named_parameters()
        if ".h." in name and parameter.dim() == 2
    )
    n = 12 * weights + 50257 * 768
    assert model_flop(config, 50257, lengths, tokens) == pytest.approx(tokens * (6 * n + 12 * 12 * 768 * 1024))


def test_padding_and_prompts_do_not_count() -> None:
    config = ModelConfig(n_layer=2, n_head=2, n_embd=16, n_inner=40)
    short, long = np.array([5]), np.array([9])
    both = np.concatenate([short, long])
    found = model_flop(config, 100, both, 6)
    assert found == pytest.approx(model_flop(config, 100, short, 2) + model_flop(config, 100, long, 4))
    after_attention = 16 * 16 + 2 * 16 * 40  # of the last block, which goes on with positions before targets only
    assert found - model_flop(config, 100, both, 5) == pytest.approx(6 * (after_attention + 100 * 16))


def test_attention_counts_what_it_reaches() -> None:
    long, short = np.array([1201]), np.array([101])
    full = ModelConfig(n_layer=2, n_head=2, n_embd=16)
    local, mixed = replace(full, attention="local"), replace(full, attention="compressed,full")
    assert model_flop(full, 9, long, 0) - model_flop(local, 9, long, 0) == pytest.approx(
        12 * 2 * 16 * 1200 * (1200 - 256)
    )
    assert model_flop(local, 9, short, 0) == model_flop(full, 9, short, 0)
    convolution = 12 * 16 * 8 * 1200
    assert model_flop(full, 9, long, 0) - model_flop(mixed, 9, long, 0) == pytest.approx(
        12 * 16 * 1200 * (1200 - 400) - convolution
    )


def test_the_peak_is_measured_once() -> None:
    device = torch.device("cpu")
    found = peak(device, "fp32")
    assert 1e8 < found < 1e15
    assert peak(device, "fp32") == found


def test_a_share_above_one_is_not_said(
    tiny_model: Callable[..., GPT2], store_of: Callable[..., Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The peak was measured while the machine was busy: it is measured again, and later if that does not help."""
    model, batches = tiny_model(), RowBatches(store_of([([1, 2], [3, 0])] * 4), 16, 0)
    rows = batches.epoch(0)[0]
    flop = model_flop(model.config, model.vocab_size, batches.lengths(rows), batches.targets(rows))
    peaks = iter([flop / 4, flop / 2, flop / 8, 2 * flop])
    monkeypatch.setattr(speed, "measured_peak", lambda device, dtype: next(peaks))
    peak.cache_clear()
    try:
        found = Speedometer(model, batches, torch.device("cpu"), "fp32", 1)
        shares = []
        for _ in range(9):
            found.add(rows, 1.0)
            shares.append(found.of_peak)
    finally:
        peak.cache_clear()
    assert shares == pytest.approx([0.0] * 3 + [0.5] * 6)
