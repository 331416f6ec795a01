"""Recomputing instead of keeping changes no loss."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.data.store import Store
from gpt2kit.model.gpt2 import GPT2, Block
from gpt2kit.training.events import StepDone, Validation
from gpt2kit.training.loop import Loop

BASE = TrainConfig(steps=8, batch_tokens=64, lr=1e-2, dtype="fp32", compile="off", device="cpu", evaluate_every=4)


@pytest.mark.parametrize("dropout", [0.0, 0.3])
@pytest.mark.parametrize("accumulate", [1, 3])
def test_the_same_losses(store_of: Callable[..., Store], tmp_path: Path, dropout: float, accumulate: int) -> None:
    rows = [([5, 6, 7][: n % 3 + 1], [8 + n % 7, 4, 0]) for n in range(40)]
    train, val = store_of(rows), store_of(rows[:5], "val")
    found, calls = [], []
    for checkpointing in (False, True):
        torch.manual_seed(0)
        model = GPT2(ModelConfig(n_layer=2, n_head=2, n_embd=16, n_positions=16, dropout=dropout), 20)
        names = [name for name, _ in model.named_parameters()]
        count = [0]
        for block in model.transformer.blocks():
            block.ln_1.register_forward_hook(lambda *_, count=count: count.__setitem__(0, count[0] + 1))
        config = replace(BASE, checkpointing=checkpointing, accumulate=accumulate)
        loop = Loop(model, train, val, config, tmp_path)
        found.append([event.loss for event in loop.run(lambda model: None) if isinstance(event, StepDone | Validation)])
        calls.append(count[0])
        assert [name for name, _ in model.named_parameters()] == names
        assert all(isinstance(block, Block) for block in model.transformer.h)
    assert found[0] == found[1]
    assert calls[1] > 1.5 * calls[0], "and yet blocks were computed twice"
