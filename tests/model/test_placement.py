"""Every tensor is made on the model's device. Here the meta device stands for a GPU: an operation on tensors of two
devices raises, and so does reading a number back to the host, which on a GPU would make the host wait."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from gpt2kit.data.batches import Batch
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.inference import InferenceGPT2
from gpt2kit.model.loss import TargetLoss
from gpt2kit.training.objective import objective_of

Build = Callable[..., GPT2]

META = torch.device("meta")

KINDS = pytest.mark.parametrize(
    "attention", ["full", "relative", "local", "compressed", "relative-local", "local,compressed"]
)
SHORT_BLOCKS = {"block": 4}
"""Of local attention, so that a row has several."""


@pytest.fixture
def on_meta(tiny_model: Build) -> Build:
    """The same on the meta device."""
    return lambda **shape: tiny_model(n_positions=48, **SHORT_BLOCKS, **shape).to(META)


def on_device(*tensors: Tensor) -> bool:
    return all(tensor.device.type == "meta" for tensor in tensors)


@KINDS
def test_a_pass_without_gradients(on_meta: Build, attention: str) -> None:
    logits = on_meta(attention=attention)(torch.zeros(3, 21, dtype=torch.long, device=META))
    assert on_device(logits)
    assert logits.shape == (3, 21, 23)


@pytest.mark.parametrize(("smoothing", "dropout"), [(0.0, 0.0), (0.1, 0.2)])
@KINDS
def test_loss_and_gradients(on_meta: Build, attention: str, smoothing: float, dropout: float) -> None:
    model = on_meta(attention=attention, dropout=dropout)
    objective = objective_of(model, TargetLoss(smoothing)).train()
    targets = torch.arange(60)
    batch = Batch(torch.zeros(3, 21, dtype=torch.long), targets, torch.zeros_like(targets), tokens=63)
    inputs = batch.inputs(META)
    assert on_device(*inputs)
    loss, plain = objective(*inputs)
    loss.backward()
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    assert on_device(loss, plain, *gradients)
    assert len(gradients) == len(list(model.parameters()))


@KINDS
def test_the_loss_of_a_validation(on_meta: Build, attention: str) -> None:
    objective = objective_of(on_meta(attention=attention), TargetLoss()).eval()
    targets = torch.arange(60, device=META)
    loss, _ = objective(torch.zeros(3, 21, dtype=torch.long, device=META), targets, torch.zeros_like(targets))
    assert on_device(loss)


@torch.inference_mode()
@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize(("lengths", "width"), [([9, 9, 9], 1), ([9, 2, 5], 2)])
@KINDS
def test_prefill_and_decode_steps(on_meta: Build, attention: str, lengths: list[int], width: int, static: bool) -> None:
    """Past the ends of a block and of a group; `static` is what a CUDA graph captures."""
    decoder = InferenceGPT2(on_meta(attention=attention), "bf16")
    cache = decoder.new_cache(3, 9 + 5 * width, width, static)
    logits = decoder.prefill(torch.zeros(3, 9, dtype=torch.long, device=META), lengths, cache)
    assert on_device(logits)
    tokens = torch.zeros(3, width, dtype=torch.long, device=META)
    for _ in range(5):
        logits = decoder.step(tokens, cache)
        assert on_device(logits)
        assert logits.shape == (3, width, 23)
        cache.branch(torch.zeros(3, width, dtype=torch.long, device=META))
    assert on_device(cache.positions_P, cache.visible_PWS, *(x for layer in cache.layers for x in layer.slots))
