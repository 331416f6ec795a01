"""One optimiser step: the loss it reports, its gradient, and what never reaches the weights."""

import math
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError, OutOfMemory
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training.events import StepDone
from gpt2kit.training.loop import Loop

Rows = list[tuple[list[int], list[int]]]
Write = Callable[..., Store]

VOCAB, EOS = 40, 0
CPU = torch.device("cpu")

BASE = TrainConfig(
    steps=10, batch_tokens=96, lr=1e-2, muon_lr=1e-2, dtype="fp32", compile="off", device="cpu", samples=0
)


def model_of(seed: int = 0, dropout: float = 0.0) -> GPT2:
    torch.manual_seed(seed)
    return GPT2(ModelConfig(n_layer=2, n_head=2, n_embd=32, n_positions=32, dropout=dropout), VOCAB)


def rows_of(count: int = 60, seed: int = 0) -> Rows:
    """Sources of 1 to 12 letters and a separator; the target is the source backwards, up to its eighth letter."""
    rng = np.random.default_rng(seed)
    sources = [rng.integers(2, VOCAB, rng.integers(1, 13)).tolist() for _ in range(count)]
    return [([*source, 1], [*source[::-1][:8], EOS]) for source in sources]


def weights_of(model: nn.Module) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in model.parameters()]


def up_to(step: int, events: Iterator[Any]) -> None:
    """Look at the events of a run until it has done a step."""
    while not isinstance(event := next(events), StepDone) or event.step < step:
        pass


def independent_loss(model: GPT2, rows: Rows) -> float:
    """Nats per target token, row by row and without padding."""
    total = 0.0
    for prompt, target in rows:
        logits = model(torch.tensor([[*prompt, *target]]))[0]
        total += F.cross_entropy(logits[len(prompt) - 1 : -1], torch.tensor(target), reduction="sum").item()
    return total / sum(len(target) for _, target in rows)


def losses(loop: Loop) -> list[float]:
    return [event.loss for event in loop.run(lambda model: None) if isinstance(event, StepDone)]


@pytest.fixture
def train(store_of: Write) -> Store:
    return store_of(rows_of())


def test_the_reported_loss_is_nats_per_target_token(train: Store, tmp_path: Path) -> None:
    """Label smoothing changes what is learned from, not what is reported."""
    model = model_of()
    loop = Loop(model, train, None, replace(BASE, label_smoothing=0.2, accumulate=3), tmp_path)
    first = [train.row(int(index)) for index in loop.batches.epoch(0)[0]]
    expected = independent_loss(model, first)
    assert losses(loop)[0] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_micro_batches_give_the_same_gradients(train: Store, tmp_path: Path, optimizer: str) -> None:
    """The rows of a batch have unequal lengths, so a mean of means would differ."""
    found: dict[int, tuple[list[float], list[Tensor]]] = {}
    for accumulate in (1, 2, 3, 50):
        gradients: list[Tensor] = []
        model = model_of()
        config = replace(BASE, steps=6, accumulate=accumulate, optimizer=optimizer, label_smoothing=0.1)
        loop = Loop(model, train, None, config, tmp_path)

        def record(*_: object, gradients: list[Tensor] = gradients, model: GPT2 = model) -> None:
            if not gradients:
                gradients += [p.grad.clone() for p in model.parameters() if p.grad is not None]

        loop.learner.optimizers[0].register_step_pre_hook(record)
        found[accumulate] = losses(loop), gradients
    whole_losses, whole_gradients = found[1]
    assert len(whole_gradients) == len(list(model_of().parameters()))
    for parts_losses, parts_gradients in found.values():
        assert parts_losses == pytest.approx(whole_losses, rel=1e-3)  # Muon's products may be in bf16
        for part, whole in zip(parts_gradients, whole_gradients, strict=True):
            torch.testing.assert_close(part, whole, rtol=1e-4, atol=1e-6)


def test_gradients_are_clipped_as_a_whole(train: Store, tmp_path: Path) -> None:
    norms = []
    for clip in (0.0, 1e-3):
        model = model_of()
        loop = Loop(model, train, None, replace(BASE, steps=1, clip=clip), tmp_path)

        def record(*_: object, model: GPT2 = model) -> None:
            norms.append(torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None]).norm().item())

        loop.learner.optimizers[0].register_step_pre_hook(record)
        losses(loop)
    assert norms[0] > 0.1
    assert norms[1] == pytest.approx(1e-3, rel=1e-2)


def test_a_loss_that_is_no_number(train: Store, tmp_path: Path) -> None:
    """The run ends with what would help, and can go on from its last save."""
    model = model_of()
    events = Loop(model, train, None, replace(BASE, save_every=2), tmp_path).run(lambda model: None)
    up_to(3, events)
    model.state_dict()["transformer.ln_f.bias"].fill_(math.nan)
    with pytest.raises(DataError, match=r"the loss is nan at step 4: lower train\.lr \(now 0\.01\)"):
        next(events)
    model = model_of()
    again = Loop(model, train, None, BASE, tmp_path)
    again.resume()
    assert again.progress.step == 2
    assert all(weight.isfinite().all() for weight in weights_of(model))


def test_a_gradient_that_is_no_number_never_reaches_the_weights(train: Store, tmp_path: Path) -> None:
    """The loss of that step is finite; only its gradient is not, as after an overflow."""
    model = model_of()
    events = Loop(model, train, None, replace(BASE, save_every=1, clip=0), tmp_path).run(lambda model: None)
    up_to(3, events)
    before = weights_of(model)
    model.transformer.ln_f.bias.register_hook(lambda gradient: gradient * math.inf)
    with pytest.raises(DataError, match=r"the gradients' norm is (nan|inf) at step 4: lower train\.lr \(now 0\.01\)"):
        next(events)
    for mine, wanted in zip(weights_of(model), before, strict=True):
        assert torch.equal(mine, wanted)


@pytest.mark.parametrize(("positions", "length", "fits"), [(8, 9, True), (8, 10, False), (7, 7, True), (7, 8, False)])
def test_rows_must_fit_into_the_window(
    store_of: Write, tmp_path: Path, positions: int, length: int, fits: bool
) -> None:
    """The last token is only ever a target; widths are even."""
    model = GPT2(ModelConfig(n_layer=1, n_head=2, n_embd=8, n_positions=positions), VOCAB)
    train = store_of([([2] * (length - 1), [EOS])])
    if fits:
        assert all(map(math.isfinite, losses(Loop(model, train, None, replace(BASE, steps=2), tmp_path))))
    else:
        with pytest.raises(DataError, match=f"a row has {length} tokens, the model's window {positions}"):
            Loop(model, train, None, BASE, tmp_path)


def test_too_little_memory_says_what_would_help(train: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def too_much(ids: Tensor, **_: object) -> Tensor:
        raise torch.OutOfMemoryError("no room")

    model = model_of()
    events = Loop(model, train, None, replace(BASE, accumulate=2), tmp_path).run(lambda model: None)
    up_to(3, events)
    monkeypatch.setattr(model, "hidden", too_much)
    with pytest.raises(OutOfMemory, match=r"--set train\.accumulate=4"):
        next(events)
