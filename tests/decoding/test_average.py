"""The average of several models, against plain passes without a cache and against all answers there are."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding import stepper
from gpt2kit.decoding.answer import Answer, length_penalty, new_token_limit
from gpt2kit.decoding.average import averaged, together
from gpt2kit.decoding.decode import answers, for_inference, stream
from gpt2kit.decoding.sampling import draw
from gpt2kit.model.gpt2 import GPT2

Build = Callable[..., GPT2]

EOS = 0
PROMPTS = [[5, 3], [7], [1, 2, 3, 4, 5, 6, 7], [9, 9, 9], [22, 1]]
GREEDY = GenerateConfig(max_new_tokens=12, dtype="fp32", seed=3)
CONFIGS = {
    "greedy": GREEDY,
    "sampled": replace(GREEDY, temperature=1.3),
    "beams": replace(GREEDY, beams=3),
    "penalty": replace(GREEDY, repetition_penalty=1.7),
}


@pytest.fixture(scope="module")
def models(tiny_model: Build) -> list[GPT2]:
    """Three of different depths, widths, windows and kinds of attention."""
    return [
        tiny_model(seed=14),
        tiny_model(seed=2, n_layer=1, n_head=4, n_embd=32, n_positions=40, attention="relative"),
        tiny_model(seed=3, n_positions=64, attention="compressed", block=8),
    ]


def found(
    models: Sequence[GPT2], config: GenerateConfig, prompts: Sequence[Sequence[int]] = PROMPTS
) -> list[list[Answer]]:
    model = together([for_inference(model, "fp32") for model in models])
    made = {each.index: each.answers for each in answers(model, prompts, config, EOS, scored=True)}
    return [made[index] for index in range(len(prompts))]


@torch.no_grad()
def mean(models: Sequence[GPT2], text: Sequence[int]) -> Tensor:
    """The mean of the models' probabilities [V] after a text, in float64."""
    each = [model(torch.tensor([text]))[0, -1].double().softmax(-1) for model in models]
    return torch.stack(each).mean(0)


def test_the_formula() -> None:
    first, second = torch.tensor([[0.1, 0.2, 0.7]]), torch.tensor([[0.5, 0.4, 0.1]])
    logits = averaged([first.log() + 3, second.log() - 7])
    torch.testing.assert_close(logits.softmax(-1), torch.tensor([[0.3, 0.3, 0.4]]))
    certain = averaged([torch.tensor([[0.0, -1e4]]), torch.tensor([[-1e4, 0.0]])])
    torch.testing.assert_close(certain.softmax(-1), torch.tensor([[0.5, 0.5]]))
    one = torch.randn(4, 9)
    torch.testing.assert_close(averaged([one, one]), one)
    assert averaged([one]) is one


@pytest.mark.parametrize("name", CONFIGS)
def test_a_model_averaged_with_itself_is_the_model(models: list[GPT2], name: str) -> None:
    (model, *_), config = models, CONFIGS[name]
    for mine, alone in zip(found([model, model], config), found([model], config), strict=True):
        assert [(each.ids, each.finished) for each in mine] == [(each.ids, each.finished) for each in alone]
        assert [each.score for each in mine] == pytest.approx([each.score for each in alone], rel=1e-4)


@pytest.mark.parametrize("temperature", [0.0, 1.3])
def test_every_token_is_that_of_the_mean(models: list[GPT2], temperature: float) -> None:
    config = replace(GREEDY, temperature=temperature)
    for number, (prompt, (answer,)) in enumerate(zip(PROMPTS, found(models, config), strict=True)):
        limit = new_token_limit(len(prompt), 40, config)
        noise = torch.rand(limit, generator=torch.Generator().manual_seed(3 + number))
        ids, total = list[int](), 0.0
        while len(ids) < limit and EOS not in ids:
            p = mean(models, [*prompt, *ids])
            drawn = (
                draw((p.log() / temperature).softmax(-1)[None], noise[len(ids)][None]) if temperature else p.argmax()
            )
            ids.append(int(drawn))
            total += math.log(p[ids[-1]])
        assert answer.ids == [id for id in ids if id != EOS]
        assert answer.finished == (EOS in ids)
        assert answer.log_probability == pytest.approx(total, rel=1e-4)


def test_a_wide_beam_finds_the_best_of_all_answers(tiny_model: Build) -> None:
    """Three tokens and an end, at most three of them."""
    models, limit, prompt = [tiny_model(vocab=4, seed=seed) for seed in (1, 2)], 3, [2, 1]
    beams = sum(3**length for length in range(limit + 1))
    config = GenerateConfig(beams=beams, max_new_tokens=limit, dtype="fp32")
    expected = []
    for length in range(limit + 1):
        for ids in itertools.product((1, 2, 3), repeat=length):
            made = [*ids, EOS] if length < limit else [*ids]
            total = sum(math.log(mean(models, [*prompt, *made[:place]])[id]) for place, id in enumerate(made))
            expected.append((length < limit, total / length_penalty(len(made), config.length_penalty), [*ids]))
    expected.sort(reverse=True)
    (mine,) = found(models, config, [prompt])
    assert [(each.finished, each.ids) for each in mine] == [(finished, ids) for finished, _, ids in expected]
    assert [each.score for each in mine] == pytest.approx([score for _, score, _ in expected], rel=1e-4)


@pytest.mark.parametrize("name", CONFIGS)
def test_an_answer_does_not_depend_on_its_batch(models: list[GPT2], name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    expected = [[each.ids for each in mine] for mine in found(models, CONFIGS[name])]
    monkeypatch.setitem(stepper.COMPACT_BELOW, "cpu", 1.0)
    for rows in (1, 4):
        alone = found(models, replace(CONFIGS[name], batch_rows=rows))
        assert [[each.ids for each in mine] for mine in alone] == expected


def test_the_shortest_window_ends_an_answer(models: list[GPT2]) -> None:
    config = replace(GREEDY, max_new_tokens=100, ban_ids=(EOS,))
    (answer,), *_ = found(models, config, [[5, 3]])
    assert len(answer.ids) == 40 - 2
    assert not answer.finished


def test_a_stream_is_the_answer(models: list[GPT2]) -> None:
    model = together([for_inference(each, "fp32") for each in models])
    assert [*stream(model, PROMPTS[0], GREEDY, EOS)] == found(models, GREEDY)[0][0].ids
