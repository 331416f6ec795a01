"""Answers of a head: the same in any batch, and for texts of any length."""

from collections.abc import Callable

import pytest
import torch

from gpt2kit.decoding import classify
from gpt2kit.model.gpt2 import GPT2

BuildModel = Callable[..., GPT2]
EXTRACT = 9
TEXTS = [[[1, *range(2, 2 + (length + n) % 7), EXTRACT] for n in range(1 + length % 3)] for length in range(30)]
PROMPTS = [[id for text in texts for id in text] for texts in TEXTS]


@pytest.mark.parametrize("labels", [("a", "b", "c"), ("choice",)])
def test_a_batch_answers_as_each_alone(
    tiny_model: BuildModel, labels: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_model()
    model.set_classifier(labels)
    assert model.score is not None
    torch.nn.init.normal_(model.score.weight)
    found = []
    for positions in (1, 40, 8192):
        monkeypatch.setattr(classify, "POSITIONS", positions)
        found.append(dict(classify.probabilities(model, PROMPTS, EXTRACT)))
        assert sorted(found[-1]) == list(range(len(PROMPTS)))
    for index, texts in enumerate(TEXTS):
        assert len(found[0][index]) == (3 if len(labels) > 1 else len(texts))
        assert sum(found[0][index]) == pytest.approx(1)
        for other in found[1:]:
            assert other[index] == pytest.approx(found[0][index], abs=1e-5)
        with torch.no_grad():
            last = torch.stack([model.hidden(torch.tensor([text]))[0, -1] for text in texts])
            scores = last @ model.score.weight.t()
        wanted = (scores.sum(0) if len(labels) > 1 else scores[:, 0]).softmax(-1)
        assert found[0][index] == pytest.approx(wanted.tolist(), abs=1e-5)


def test_a_prompt_is_its_texts_one_after_the_other() -> None:
    assert [classify.texts_of(prompt, EXTRACT) for prompt in PROMPTS] == TEXTS
    assert classify.texts_of([1, 2], EXTRACT) == [], "a text that does not end is none"


def test_nothing_is_asked(tiny_model: BuildModel) -> None:
    assert list(classify.probabilities(tiny_model(), [], EXTRACT)) == []
