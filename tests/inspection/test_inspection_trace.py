"""What is written down of a pass: the model's own numbers."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from gpt2kit.config import GenerateConfig
from gpt2kit.inspection import trace as module
from gpt2kit.inspection.subject import Subject
from gpt2kit.inspection.trace import settled_at, trace_of
from gpt2kit.model.ablation import Off
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.trace import layers, lens
from gpt2kit.pipeline.engine import Engine
from gpt2kit.tasks.lm import Lm

Build = Callable[..., GPT2]
IDS = torch.randint(23, (20,), generator=torch.Generator().manual_seed(5)).tolist()


def subject_of(model: GPT2, ids: list[int], prompt: int = 12) -> Subject:
    engine = Engine(Lm(), model, GenerateConfig(device="cpu"))
    return Subject(engine, "tiny", "lm", "", prompt, ids, [*ids[1:], -1], False)


def test_the_lens_is_that_of_the_trace(tiny_model: Build) -> None:
    model = tiny_model()
    found = trace_of(subject_of(model, IDS))
    before = next(layers(model, IDS)).before
    residuals = [before, *(layer.after for layer in layers(model, IDS))]
    for stage, residual in enumerate(residuals):
        shares = lens(model, residual).softmax(-1)
        best = shares.topk(10, -1)
        assert found.lens_ids[stage].tolist() == best.indices.tolist()
        np.testing.assert_allclose(found.lens_chances[stage], best.values, rtol=1e-5)
        for place, came in enumerate(IDS[1:]):
            assert found.ranks[stage, place] == 1 + int((shares[place] > shares[place, came]).sum())
            assert found.chances[stage, place] == pytest.approx(float(shares[place, came]), rel=1e-5)
        assert found.ranks[stage, -1] == found.chances[stage, -1] == 0
        np.testing.assert_allclose(found.stream[stage], residual.norm(dim=-1), rtol=1e-5)


def test_lengths_of_what_was_written(tiny_model: Build) -> None:
    model = tiny_model()
    found = trace_of(subject_of(model, IDS))
    for number, layer in enumerate(layers(model, IDS)):
        np.testing.assert_allclose(found.attention[number], layer.attention.norm(dim=-1), rtol=1e-5)
        np.testing.assert_allclose(found.mlp[number], layer.mlp.norm(dim=-1), rtol=1e-5)
        np.testing.assert_allclose(found.heads[number], layer.heads.norm(dim=-1), rtol=1e-5)


@pytest.mark.parametrize("attention", ["full", "relative", "local", "relative-local", "compressed"])
def test_all_weights_of_a_short_input_are_kept(tiny_model: Build, attention: str) -> None:
    model = tiny_model(attention=attention, block=4)
    found = trace_of(subject_of(model, IDS))
    for layer, looked in zip(layers(model, IDS), found.looked, strict=True):
        weights = layer.trace.weights.numpy()
        for head in range(2):
            for place in range(20):
                told = {
                    key: weight
                    for key, weight in zip(looked.columns[head, place], looked.weights[head, place], strict=True)
                    if key >= 0
                }
                assert told == pytest.approx(
                    {key: share for key, share in enumerate(weights[head, place]) if share > 0}
                )
                assert sum(told.values()) == pytest.approx(1)
        np.testing.assert_array_equal(looked.close.weights, weights)
        np.testing.assert_array_equal(looked.close.hidden, layer.trace.hidden)


@pytest.mark.parametrize("attention", ["full", "relative", "local", "relative-local", "compressed"])
def test_visible_positions_are_those_that_have_weight(tiny_model: Build, attention: str) -> None:
    model = tiny_model(attention=attention, block=4)
    found = trace_of(subject_of(model, IDS))
    for looked in found.looked:
        for place in range(20):
            seen = np.flatnonzero(looked.row(place))
            first, last = (seen[0], seen[-1]) if len(seen) else (-1, -1)
            assert looked.visible[place].tolist() == [first, last]
            assert len(seen) == (last - first + 1 if len(seen) else 0)


@pytest.mark.parametrize("attention", ["full", "compressed"])
def test_a_row_is_what_the_layer_says_of_positions(tiny_model: Build, attention: str) -> None:
    """A key of several positions is spread over them, as `weights` does."""
    model = tiny_model(attention=attention)
    found = trace_of(subject_of(model, IDS))
    for block, layer, looked in zip(model.transformer.blocks(), layers(model, IDS), found.looked, strict=True):
        with torch.no_grad():
            expected = block.attn.weights(block.ln_1(layer.before[None]))[0]
        for place in (0, 5, 19):
            np.testing.assert_allclose(looked.row(place), expected[:, place].mean(0), atol=1e-6)
            np.testing.assert_allclose(looked.row(place, [1]), expected[1, place], atol=1e-6)


def test_of_a_long_input_the_strongest_and_the_end_are_kept(tiny_model: Build, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ENTRIES", 2 * 2 * 20 * 3)
    monkeypatch.setattr(module, "CLOSE", 2 * 9 * (3 * 16 + 2 * 2 * 9))
    model = tiny_model()
    found = trace_of(subject_of(model, IDS))
    assert found.first == 11
    for layer, looked in zip(layers(model, IDS), found.looked, strict=True):
        assert looked.columns.shape == (2, 20, 3)
        np.testing.assert_allclose(looked.weights, layer.trace.weights.topk(3).values)
        np.testing.assert_array_equal(looked.close.scores, layer.trace.scores[:, 11:, 11:])
        assert looked.close.query.shape == looked.close.key.shape == looked.close.value.shape == (2, 9, 8)


def test_where_it_made_up_its_mind() -> None:
    """From the first stage on after which the rank is 1 without a break."""
    ranks = np.array([[1, 9, 1, 0, 1], [1, 1, 4, 0, 1], [1, 1, 1, 0, 2]])
    assert settled_at(ranks).tolist() == [0, 1, 2, -1, -1]


def test_the_logits_of_an_answer_are_the_model_s(tiny_model: Build) -> None:
    model = tiny_model()
    found = trace_of(subject_of(model, IDS))
    assert found.steps == tuple(range(11, 20))
    with torch.no_grad():
        np.testing.assert_allclose(found.logits, model(torch.tensor([IDS]))[0, 11:], atol=1e-5)
    assert trace_of(subject_of(model, IDS, prompt=20)).steps == tuple(range(20))


def test_parts_may_be_off(tiny_model: Build) -> None:
    model = tiny_model()
    whole = trace_of(subject_of(model, IDS))
    partly = trace_of(subject_of(model, IDS), Off(mlps=frozenset({1})))
    assert not partly.mlp[1].any()
    np.testing.assert_array_equal(partly.mlp[0], whole.mlp[0])
    np.testing.assert_array_equal(trace_of(subject_of(model, IDS)).logits, whole.logits)


def test_a_single_token(tiny_model: Build) -> None:
    found = trace_of(subject_of(tiny_model(), [7], prompt=1))
    assert found.looked[0].weights.tolist() == [[[1.0]], [[1.0]]]
    assert found.settled.tolist() == [-1]
