"""What each part adds to a logit: the parts add up to the model's own."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import gpt2kit
from gpt2kit.inspection.attribution import Parts
from gpt2kit.inspection.subject import Subject
from gpt2kit.inspection.subject import subject_of as inspected
from gpt2kit.inspection.trace import trace_of
from gpt2kit.model.ablation import Off, without
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.trace import layers
from tests.inspection.test_inspection_trace import IDS, subject_of

Build = Callable[..., GPT2]
OFF = Off(frozenset({(0, 1)}), frozenset({1}), frozenset({0}))


@pytest.mark.parametrize("attention", ["full", "relative", "local", "relative-local", "compressed"])
@pytest.mark.parametrize("off", [Off(), OFF])
def test_the_parts_add_up_to_the_logit(tiny_model: Build, attention: str, off: Off) -> None:
    model = tiny_model(attention=attention, block=4, n_layer=2)
    found = trace_of(subject_of(model, IDS), off).attribution
    with torch.no_grad(), without(model, off):
        logits = model(torch.tensor([IDS]))[0, 11:].numpy()
    expected = np.where(found.ids >= 0, np.take_along_axis(logits, np.maximum(found.ids, 0), 1), 0)
    np.testing.assert_allclose(found.logits, expected, atol=1e-5)
    assert (found.heads[..., 1, :] == 0).all() == bool(off.attentions)
    assert (found.heads[..., 0, 1] == 0).all() == bool(off.heads)
    assert (found.mlps[..., 0] == 0).all() == bool(off.mlps)


def test_a_part_is_what_the_logit_loses_with_it(tiny_model: Build) -> None:
    """As long as the last norm's scale and mean stay: the definition."""
    model = tiny_model(n_layer=2, tie_word_embeddings=False)
    *_, last = layers(model, IDS)
    parts = Parts(model, IDS, [13], Off())
    for layer in layers(model, IDS):
        parts.add(layer)
    found = parts.attribution(np.array([[5]]))
    norm, row = model.transformer.ln_f, model.head[5]
    with torch.no_grad():
        scale = (last.after[13].var(unbiased=False) + norm.eps).rsqrt()
        head = next(layers(model, IDS)).heads[1, 13]
        alone = ((head - head.mean()) * scale * norm.weight) @ row
        assert found.heads[0, 0, 0, 1] == pytest.approx(float(alone), rel=1e-4)
        assert found.norm[0, 0] == pytest.approx(float(norm.bias @ row), rel=1e-5)
    assert np.abs(found.flat).min() > 0


def test_the_tokens_are_the_likeliest_and_the_actual_one(tiny_model: Build) -> None:
    found = trace_of(subject_of(tiny_model(), IDS))
    for step, position in enumerate(found.steps):
        likeliest, actual = found.lens_ids[-1, position].tolist(), ([*IDS[1:], -1])[position]
        assert found.attribution.ids[step].tolist() == [*likeliest, -1 if actual in likeliest else actual]


def test_the_largest_parts_have_names(tiny_model: Build) -> None:
    found = trace_of(subject_of(tiny_model(), IDS)).attribution
    largest = found.largest(2, 1, 4 + 2 * 2 + 2)
    values = dict(largest)
    assert [abs(value) for _, value in largest] == sorted(map(abs, values.values()), reverse=True)
    assert values["head 2.1"] == pytest.approx(float(found.heads[2, 1, 1, 0]))
    assert values["MLP 1"] == pytest.approx(float(found.mlps[2, 1, 0]))
    assert values["norm"] == pytest.approx(float(found.norm[2, 1]))
    assert sum(values.values()) == pytest.approx(float(found.logits[2, 1]), abs=1e-5)


def test_the_parts_of_a_label_add_up(labelled: Callable[..., Subject]) -> None:
    made = labelled("label", "It was good.")
    found, model = trace_of(made).labels, made.engine.model
    assert found is not None
    assert model.score is not None
    with torch.no_grad():
        scores = model.score(model.hidden(torch.tensor([made.ids]))[0, -1])
    np.testing.assert_allclose(found.logits[0], scores, atol=1e-5)
    shares = dict(zip(model.labels, torch.from_numpy(found.logits[0]).softmax(-1).tolist(), strict=True))
    assert shares == pytest.approx(made.labels, abs=1e-5)


@pytest.mark.parametrize(
    ("kind", "text", "count"), [("choice", "7 is\todd\teven\todd", 3), ("similar", "3 or so\ta", 2)]
)
def test_the_parts_of_several_texts_add_up(run_of: Callable[..., Path], kind: str, text: str, count: int) -> None:
    """A choice has the logit of its own text; a label's is the sum over the texts."""
    engine, off = gpt2kit.load(run_of(kind)), Off(heads=frozenset({(0, 1)}))
    made = inspected(engine, "", "finetune", engine.task.parse(text))
    found, model = trace_of(made, off).labels, engine.model
    assert len(made.texts) == count
    assert made.ids in made.texts
    assert found is not None
    assert model.score is not None
    with torch.no_grad(), without(model, off):
        scores = torch.stack([model.score(model.hidden(torch.tensor([ids]))[0, -1]) for ids in made.texts])
    np.testing.assert_allclose(found.logits[0], scores[:, 0] if kind == "choice" else scores.sum(0), atol=1e-5)
    assert len(made.answers) == found.logits.shape[1]
    if kind == "choice":
        assert made.answers == ("odd", "even", "odd")
