"""Parts switched off: what they wrote is missing, and afterwards the model is what it was."""

from collections.abc import Callable

import pytest
import torch

from gpt2kit.model.ablation import Off, without
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.trace import layers

Build = Callable[..., GPT2]
IDS = torch.tensor([[3, 1, 4, 1, 5, 9, 2, 6]])


@torch.no_grad()
def answer(model: GPT2, off: Off) -> torch.Tensor:
    with without(model, off):
        return model(IDS)


@pytest.mark.parametrize(
    "off",
    [
        Off(heads=frozenset({(0, 1)})),
        Off(heads=frozenset({(0, 0), (0, 1), (1, 0)})),
        Off(attentions=frozenset({1})),
        Off(mlps=frozenset({0, 1})),
    ],
)
def test_afterwards_everything_is_as_before(tiny_model: Build, off: Off) -> None:
    model = tiny_model()
    before = answer(model, Off())
    assert not torch.equal(answer(model, off), before)
    assert torch.equal(answer(model, Off()), before)
    with pytest.raises(RuntimeError, match="on purpose"), without(model, off):
        raise RuntimeError("on purpose")
    assert torch.equal(answer(model, Off()), before)
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in model.modules())


@torch.no_grad()
def test_a_head_that_is_off_writes_nothing_and_the_others_what_they_wrote(tiny_model: Build) -> None:
    model = tiny_model()
    whole = next(layers(model, IDS[0].tolist()))
    with without(model, Off(heads=frozenset({(0, 1)}))):
        partly = next(layers(model, IDS[0].tolist()))
    torch.testing.assert_close(partly.attention, whole.attention - whole.heads[1], atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_the_same_as_weights_of_zero(tiny_model: Build) -> None:
    model, zeroed = tiny_model(), tiny_model()
    block = zeroed.transformer.blocks()[1]
    block.attn.c_proj.weight[:, 8:] = 0
    block.mlp.c_proj.weight.zero_()
    block.mlp.c_proj.bias.zero_()
    found = answer(model, Off(heads=frozenset({(1, 1)}), mlps=frozenset({1})))
    torch.testing.assert_close(found, zeroed(IDS))


@torch.no_grad()
def test_a_layer_without_its_halves_passes_on_what_it_gets(tiny_model: Build) -> None:
    model = tiny_model()
    with without(model, Off(attentions=frozenset({0}), mlps=frozenset({0}))):
        first = next(layers(model, IDS[0].tolist()))
    assert torch.equal(first.after, first.before)


@pytest.mark.parametrize(
    "off", [Off(heads=frozenset({(2, 0)})), Off(heads=frozenset({(0, 2)})), Off(mlps=frozenset({-1}))]
)
def test_what_is_not_there_is_refused(tiny_model: Build, off: Off) -> None:
    with (
        pytest.raises(ValueError, match="expected layers from 0 to 1 and heads from 0 to 1"),
        without(tiny_model(), off),
    ):
        pass
