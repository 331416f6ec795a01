"""The strongest neurons, and the tokens that they push."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from gpt2kit.inspection import neurons as module
from gpt2kit.inspection.neurons import pushed, pushed_by
from gpt2kit.inspection.trace import trace_of
from gpt2kit.model.gpt2 import GPT2
from tests.inspection.test_inspection_trace import IDS, subject_of

Build = Callable[..., GPT2]


def test_the_strongest_are_those_of_the_mlp(tiny_model: Build) -> None:
    model = tiny_model(n_layer=2, activation_function="relu")
    seen: list[torch.Tensor] = []
    hooks = [
        block.mlp.c_proj.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
        for block in model.transformer.blocks()
    ]
    with torch.no_grad():
        model(torch.tensor([IDS]))
    for hook in hooks:
        hook.remove()
    found = trace_of(subject_of(model, IDS))
    for layer, activations in enumerate(seen):
        best = activations[0, list(found.steps)].topk(5, -1)
        np.testing.assert_allclose(found.neurons.activations[layer], best.values, rtol=1e-5)
        np.testing.assert_array_equal(found.neurons.numbers[layer], best.indices)


def test_a_neuron_pushes_what_it_writes_towards(tiny_model: Build) -> None:
    model = tiny_model(n_layer=2)
    neurons = trace_of(subject_of(model, IDS)).neurons
    tokens = pushed_by(model, neurons)
    assert set(tokens) == {(layer, int(number)) for layer in (0, 1) for number in np.unique(neurons.numbers[layer])}
    for (layer, neuron), (up, down) in tokens.items():
        with torch.no_grad():
            column = model.transformer.blocks()[layer].mlp.c_proj.weight[:, neuron]
            logits = model.head @ (model.transformer.ln_f.weight * (column - column.mean()))
        assert up == logits.topk(5).indices.tolist()
        assert down == (-logits).topk(5).indices.tolist()


def test_all_neurons_of_a_layer(tiny_model: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    """Some at a time, with the same result."""
    model = tiny_model()
    whole = pushed(model, 1, range(64))
    monkeypatch.setattr(module, "AT_ONCE", 7)
    assert pushed(model, 1, range(64)) == whole
    assert list(whole) == list(range(64))
