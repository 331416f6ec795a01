"""Beam search: exhaustive where the beam is wide enough, greedy where it is one, and the same in any batch."""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding.answer import Answer, length_penalty
from gpt2kit.decoding.beam import beam_search
from gpt2kit.decoding.decode import answers, for_inference
from gpt2kit.model.gpt2 import GPT2

Build = Callable[..., GPT2]

EOS = 0
PROMPTS = [[5, 3], [7], [1, 2, 3, 4, 5, 6, 7], [9, 9, 9], [22, 1], [14, 15, 16, 17, 18], [2], [11, 12, 13, 14]]
CONFIG = GenerateConfig(beams=4, max_new_tokens=12, device="cpu", dtype="fp32")


def run(model: GPT2, prompts: Sequence[Sequence[int]], config: GenerateConfig) -> list[list[Answer]]:
    found = {
        decoded.index: decoded.answers for decoded in answers(for_inference(model, config.dtype), prompts, config, EOS)
    }
    return [found[index] for index in range(len(prompts))]


def scored(model: GPT2, prompt: Sequence[int], found: Sequence[Answer], alpha: float) -> list[Answer]:
    """The answers with their scores: log P / ((5 + length) / 6)^alpha, the end token counted.

    One forward pass without a cache for all of them; what is padded stands after all that counts.
    """
    ids = [[*answer.ids, *[EOS] * answer.finished] for answer in found]
    longest = max(map(len, ids))
    rows = torch.tensor([[*prompt, *each, *[EOS] * (longest - len(each))] for each in ids])
    with torch.no_grad():
        log_p = model(rows)[:, len(prompt) - 1 : -1].log_softmax(-1)
    chosen = log_p.gather(2, rows[:, len(prompt) :, None])[..., 0].tolist()
    totals = [sum(row[: len(each)]) for row, each in zip(chosen, ids, strict=True)]
    return [
        replace(answer, score=total / ((5 + len(each)) / 6) ** alpha)
        for answer, total, each in zip(found, totals, ids, strict=True)
    ]


def assert_same(found: list[list[Answer]], expected: list[list[Answer]]) -> None:
    """Equal answers; scores up to rounding."""
    for mine, wanted in zip(found, expected, strict=True):
        assert [(each.ids, each.finished) for each in mine] == [(each.ids, each.finished) for each in wanted]
        assert [each.score for each in mine] == pytest.approx([each.score for each in wanted], rel=1e-4)


@pytest.mark.parametrize("alpha", [0.0, 0.6, 2.0])
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_wide_beam_is_exhaustive(tiny_model: Build, seed: int, alpha: float) -> None:
    """Three tokens and an end, at most four tokens: every answer there is, finished ones first, best first."""
    model, limit, prompts = tiny_model(vocab=4, seed=seed), 4, [[1, 2], [3], [2, 2, 1, 3, 3]]
    beams = sum(3**length for length in range(limit + 1))
    found = run(model, prompts, replace(CONFIG, beams=beams, max_new_tokens=limit, length_penalty=alpha))
    for prompt, mine in zip(prompts, found, strict=True):
        everything = [
            Answer(list(ids), None, finished)
            for length in range(limit + 1)
            for ids in itertools.product((1, 2, 3), repeat=length)
            for finished in ((True,) if length < limit else (False,))
        ]
        expected = scored(model, prompt, everything, alpha)
        expected.sort(key=lambda answer: (not answer.finished, -(answer.score or 0)))
        assert_same([mine], [expected])


def reference(model: GPT2, prompt: Sequence[int], beams: int, limit: int, alpha: float) -> list[Answer]:
    """Beam search written plainly: no cache, no batch of prompts, no tensors but the logits."""
    live: list[tuple[float, list[int]]] = [(0.0, [])]
    done: list[Answer] = []
    for step in range(limit):
        candidates = []
        with torch.no_grad():
            next_logs = model(torch.tensor([[*prompt, *ids] for _, ids in live]))[:, -1].log_softmax(-1).tolist()
        for (total, ids), next_log in zip(live, next_logs, strict=True):
            candidates += [(total + extra, ids, token) for token, extra in enumerate(next_log)]
        candidates.sort(key=lambda candidate: -candidate[0])
        live = []
        for rank, (total, ids, token) in enumerate(candidates[: 2 * beams]):
            if len(live) == beams:
                break
            if token != EOS:
                live.append((total, [*ids, token]))
            elif rank < beams:
                done.append(Answer(ids, total / length_penalty(len(ids) + 1, alpha), True))
        if len(done) >= beams:
            break
        if step + 1 == limit:
            done += [Answer(ids, total / length_penalty(len(ids), alpha), False) for total, ids in live]
    return sorted(done, key=lambda answer: (not answer.finished, -(answer.score or 0)))[:beams]


@pytest.mark.parametrize("beams", [2, 3, 4, 16])
@pytest.mark.parametrize("alpha", [0.0, 0.6])
def test_a_narrow_beam_is_the_plain_algorithm(tiny_model: Build, beams: int, alpha: float) -> None:
    model = tiny_model(seed=14)
    config = replace(CONFIG, beams=beams, length_penalty=alpha)
    expected = [reference(model, prompt, beams, 12, alpha) for prompt in PROMPTS]
    assert_same(run(model, PROMPTS, config), expected)
    assert any(answer.finished for each in expected for answer in each)
    assert any(not answer.finished for each in expected for answer in each)


@pytest.mark.parametrize("attention", ["relative", "relative-local", "local", "compressed", "local,compressed,local"])
@pytest.mark.parametrize("beams", [2, 4])
def test_every_kind_of_attention(tiny_model: Build, beams: int, attention: str) -> None:
    """Hypotheses branch inside of blocks and groups, and complete groups of their own."""
    model = tiny_model(seed=14, n_layer=max(2, attention.count(",") + 1), attention=attention, block=4)
    config = replace(CONFIG, beams=beams)
    expected = [reference(model, prompt, beams, 12, 0.6) for prompt in PROMPTS]
    assert_same(run(model, PROMPTS, config), expected)
    assert_same(run(model, PROMPTS, replace(config, batch_rows=2 * beams)), expected)


def test_scores_are_penalised_log_probabilities(tiny_model: Build) -> None:
    model = tiny_model(seed=14)
    for prompt, found in zip(PROMPTS, run(model, PROMPTS, CONFIG), strict=True):
        expected = [answer.score for answer in scored(model, prompt, found, 0.6)]
        assert [answer.score for answer in found] == pytest.approx(expected, rel=1e-4)


def test_the_penalty_is_that_of_gnmt() -> None:
    assert length_penalty(1, 0.6) == 1
    assert length_penalty(7, 1.0) == 2
    assert length_penalty(7, 0.5) == pytest.approx(2**0.5)
    assert length_penalty(50, 0.0) == 1


def test_one_beam_is_greedy(tiny_model: Build) -> None:
    model = tiny_model(seed=14)
    config = replace(CONFIG, beams=1)
    with torch.inference_mode():
        found = beam_search(for_inference(model, "fp32"), PROMPTS, config, [EOS])
    greedy = run(model, PROMPTS, config)
    assert [(each.ids, each.finished) for (each,) in found] == [(each.ids, each.finished) for (each,) in greedy]


@pytest.mark.parametrize("batch_rows", [1, 4, 12, 64])
def test_the_batch_does_not_change_an_answer(tiny_model: Build, batch_rows: int) -> None:
    model = tiny_model(seed=14)
    expected = [run(model, [prompt], CONFIG)[0] for prompt in PROMPTS]
    assert_same(run(model, PROMPTS, replace(CONFIG, batch_rows=batch_rows)), expected)


def test_the_order_does_not_change_an_answer(tiny_model: Build) -> None:
    model = tiny_model(seed=14)
    assert_same(run(model, PROMPTS[::-1], CONFIG), run(model, PROMPTS, CONFIG)[::-1])


def test_prompts_with_limits_of_their_own(tiny_model: Build) -> None:
    """Searches that end at different times, and prompts that nearly fill the window."""
    model = tiny_model(n_positions=16)
    prompts = [[5] * 16, [6] * 15, [7] * 13, [8, 9], [10]]
    config = replace(CONFIG, max_new_tokens=100)
    found = run(model, prompts, config)
    for prompt, mine in zip(prompts, found, strict=True):
        room = max(1, 16 - len(prompt))
        assert_same([mine], [reference(model, prompt, 4, room, 0.6)])
        for answer in mine:
            assert len(answer.ids) + answer.finished <= room
            assert answer.finished or len(answer.ids) == room


def test_the_limit_grows_with_the_prompt(tiny_model: Build) -> None:
    model = tiny_model(seed=14)
    config = replace(CONFIG, max_new_tokens=40, max_ratio=0.5)
    for prompt, found in zip(PROMPTS, run(model, PROMPTS, config), strict=True):
        assert_same([found], [reference(model, prompt, 4, int(0.5 * len(prompt)) + 16, 0.6)])


def test_a_vocabulary_smaller_than_the_beam(tiny_model: Build) -> None:
    model = tiny_model(vocab=3)
    found = run(model, [[1], [2, 2]], replace(CONFIG, beams=8, max_new_tokens=5))
    for prompt, mine in zip([[1], [2, 2]], found, strict=True):
        assert_same([mine], [reference(model, prompt, 8, 5, 0.6)])
        assert len({(tuple(each.ids), each.finished) for each in mine}) == len(mine)


def test_a_wider_beam_finds_no_worse_an_answer_than_greedy(tiny_model: Build) -> None:
    """Not a theorem, but true of these; without a penalty the scores are comparable."""
    model = tiny_model(seed=14)
    config = replace(CONFIG, beams=8, length_penalty=0.0)
    for prompt, beam, (greedy,) in zip(
        PROMPTS, run(model, PROMPTS, config), run(model, PROMPTS, replace(config, beams=1)), strict=True
    ):
        if greedy.finished:
            (expected,) = scored(model, prompt, [greedy], 0.0)
            assert (beam[0].score or 0) >= (expected.score or 0) - 1e-4
