"""kNN-LM: the formula, and that every way to decode follows it, against a naive implementation without a cache."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding.answer import length_penalty
from gpt2kit.decoding.decode import Decoded, answers, for_inference, stream
from gpt2kit.decoding.nearest import States, quantized
from gpt2kit.decoding.neighbors import Neighbors, interpolated, with_neighbors
from gpt2kit.decoding.sampling import draw
from gpt2kit.model.gpt2 import GPT2

Build = Callable[..., GPT2]

EOS, VOCAB = 0, 23
PROMPTS = [[5, 3], [7], [1, 2, 3, 4, 5, 6, 7], [9, 9, 9]]
CONFIG = GenerateConfig(max_new_tokens=8, dtype="fp32", knn=0.6, knn_neighbors=3, knn_temperature=4.0)


@pytest.fixture
def neighbors() -> Neighbors:
    """40 states with any tokens but the end."""
    return Neighbors(States(*quantized(torch.randn(40, 16) * 2)), torch.randint(1, VOCAB, (40,)))


def found(model: GPT2, neighbors: Neighbors, config: GenerateConfig) -> list[Decoded]:
    mixed = with_neighbors(for_inference(model, "fp32"), neighbors, config)
    return sorted(answers(mixed, PROMPTS, config, EOS, scored=True), key=lambda each: each.index)


@torch.no_grad()
def naive(model: GPT2, neighbors: Neighbors, text: Sequence[int], config: GenerateConfig) -> Tensor:
    """The mixed probabilities [V] after a text, in float64, by the formula of the paper."""
    state = model.hidden(torch.tensor([text]))[0, -1].double()
    p_model = model.logits(state.float()).double().softmax(-1)
    distances = [float((row - state).square().sum()) for row in neighbors.states.at(torch.arange(40)).double()]
    nearest = sorted(range(40), key=distances.__getitem__)[: config.knn_neighbors]
    weights = [math.exp(-distances[index] / config.knn_temperature) for index in nearest]
    p_knn = torch.zeros(VOCAB, dtype=torch.float64)
    for index, weight in zip(nearest, weights, strict=True):
        p_knn[neighbors.tokens_N[index]] += weight / sum(weights)
    return (1 - config.knn) * p_model + config.knn * p_knn


def test_the_formula() -> None:
    logits, distances = torch.tensor([1.0, 2.0, 0.0]).log(), torch.tensor([0.0, math.log(2), math.log(4)])
    logits[2] = -1000.0
    p = interpolated(logits, distances, torch.tensor([2, 0, 2]), 0.25, 1.0).exp()
    votes = 1 + 1 / 2 + 1 / 4
    expected = [0.75 / 3 + 0.25 * (1 / 2) / votes, 0.75 * 2 / 3, 0.25 * (1 + 1 / 4) / votes]
    assert p.tolist() == pytest.approx(expected)


def test_without_a_share_nothing_changes() -> None:
    logits = torch.randn(4, VOCAB)
    p = interpolated(logits, torch.rand(4, 2), torch.randint(VOCAB, (4, 2)), 0.0, 1.0)
    torch.testing.assert_close(p, logits.log_softmax(-1))


def test_a_token_that_neither_knows_stays_possible() -> None:
    """A grammar may allow only such a token."""
    p = interpolated(torch.tensor([0.0, -500.0]), torch.zeros(1), torch.tensor([0]), 0.5, 1.0)
    assert p[1].item() == pytest.approx(-500 + math.log(0.5))


def test_greedy(tiny_model: Build, neighbors: Neighbors) -> None:
    model = tiny_model()
    plain = sorted(answers(for_inference(model, "fp32"), PROMPTS, CONFIG, EOS), key=lambda each: each.index)
    mixed = found(model, neighbors, CONFIG)
    assert [each.answers[0].ids for each in mixed] != [each.answers[0].ids for each in plain]
    for prompt, each in zip(PROMPTS, mixed, strict=True):
        ids: list[int] = []
        total = 0.0
        while len(ids) < CONFIG.max_new_tokens and EOS not in ids:
            p = naive(model, neighbors, [*prompt, *ids], CONFIG)
            ids.append(int(p.argmax()))
            total += float(p.max().log())
        assert each.answers[0].ids == [id for id in ids if id != EOS]
        assert each.answers[0].log_probability == pytest.approx(total, rel=1e-4)


def test_streaming_gives_the_same(tiny_model: Build, neighbors: Neighbors) -> None:
    mixed = with_neighbors(for_inference(tiny_model(), "fp32"), neighbors, CONFIG)
    streamed = [list(stream(mixed, prompt, CONFIG, EOS)) for prompt in PROMPTS]
    assert streamed == [each.answers[0].ids for each in found(tiny_model(), neighbors, CONFIG)]


def test_sampling(tiny_model: Build, neighbors: Neighbors) -> None:
    model, config = tiny_model(), replace(CONFIG, temperature=1.0, seed=3)
    for number, each in enumerate(found(model, neighbors, config)):
        noise = torch.rand(config.max_new_tokens, generator=torch.Generator().manual_seed(3 + number))
        ids: list[int] = []
        while len(ids) < config.max_new_tokens and EOS not in ids:
            p = naive(model, neighbors, [*PROMPTS[number], *ids], config)
            ids.append(int(draw(p[None], noise[len(ids)][None])))
        assert each.answers[0].ids == [id for id in ids if id != EOS]


def test_beams(tiny_model: Build, neighbors: Neighbors) -> None:
    """A search that keeps all hypotheses in a list, a text each."""
    model, config = tiny_model(), replace(CONFIG, beams=3, max_new_tokens=5)
    for prompt, each in zip(PROMPTS, found(model, neighbors, config), strict=True):
        live, ended = [(0.0, list[int]())], list[tuple[float, list[int]]]()
        for step in range(config.max_new_tokens):
            longer = [
                (total + score, [*ids, token])
                for total, ids in live
                for token, score in enumerate(naive(model, neighbors, [*prompt, *ids], config).log().tolist())
            ]
            longer = sorted(longer, reverse=True)[: 2 * config.beams]
            penalty = length_penalty(step + 1, config.length_penalty)
            ended += [(total / penalty, ids[:-1]) for total, ids in longer[: config.beams] if ids[-1] == EOS]
            live = [hypothesis for hypothesis in longer if hypothesis[1][-1] != EOS][: config.beams]
            if len(ended) >= config.beams:
                break
        expected = sorted(ended, reverse=True) if len(ended) >= config.beams else None
        mine = [(answer.score, answer.ids) for answer in each.answers if answer.finished]
        best = sorted(ended, reverse=True)[: config.beams]
        assert [ids for _, ids in mine] == [ids for _, ids in best]
        assert [score for score, _ in mine] == pytest.approx([score for score, _ in best], rel=1e-4)
        if expected is None:
            cut = [(answer.log_probability, answer.ids) for answer in each.answers if not answer.finished]
            assert [ids for _, ids in cut] == [ids for _, ids in live][: len(cut)]
            assert [total for total, _ in cut] == pytest.approx([total for total, _ in live][: len(cut)], rel=1e-4)


def test_an_answer_does_not_depend_on_its_batch(tiny_model: Build, neighbors: Neighbors) -> None:
    alone = found(tiny_model(), neighbors, replace(CONFIG, batch_rows=1))
    assert [each.answers[0].ids for each in alone] == [
        each.answers[0].ids for each in found(tiny_model(), neighbors, CONFIG)
    ]
