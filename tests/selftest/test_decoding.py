"""Answers decoded in two ways: equal, unequal, and unequal as two tokens were equally likely."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch

from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.inference import InferenceGPT2
from gpt2kit.selftest import decoding
from gpt2kit.selftest.logits import full
from gpt2kit.selftest.probes import Probes

BuildModel = Callable[..., GPT2]

STOP = 0
PROMPTS = [[3], [5, 6, 7, 8, 9], [1, 2], [4, 4, 4, 4, 4, 4, 4, 4, 4, 4]]
GIVEN = Probes([], PROMPTS, [])


@pytest.mark.parametrize("kind", ["full", "relative", "relative-local", "local", "compressed"])
def test_batches_and_one_beam_give_the_same_answers(tiny_model: BuildModel, kind: str) -> None:
    model = tiny_model(attention=kind, block=16)
    for check in (
        decoding.batch_equals_single(model, GIVEN, STOP),
        decoding.one_beam_equals_greedy(model, GIVEN, STOP),
    ):
        assert (check.passed, check.figure, check.limit) == (True, 0, 0)
        assert check.remark.startswith("of 4 answers, ")
        assert not check.remark.startswith("of 4 answers, 0")


def test_answers_end_with_their_end_token(tiny_model: BuildModel) -> None:
    model = tiny_model()
    found = decoding.greedy(InferenceGPT2(model, "fp32"), PROMPTS, STOP, 4)
    second = found[0][1]
    ended = decoding.greedy(InferenceGPT2(model, "fp32"), PROMPTS, second, 4)
    assert ended[0] == found[0][: found[0].index(second) + 1]
    assert decoding.one_beam(InferenceGPT2(model, "fp32"), PROMPTS, second) == ended


@pytest.mark.parametrize("check", [decoding.batch_equals_single, decoding.one_beam_equals_greedy])
def test_another_token_is_found(
    tiny_model: BuildModel, monkeypatch: pytest.MonkeyPatch, check: Callable[..., Any]
) -> None:
    model, honest, calls = tiny_model(), decoding.greedy, 0

    def wrong(decoder: InferenceGPT2, prompts: Sequence[list[int]], stop: int, rows: int) -> list[list[int]]:
        nonlocal calls
        found = honest(decoder, prompts, stop, rows)
        calls += 1
        if calls == 1:
            logits = full(model, [*prompts[1], *found[1][:2]], 1)[-1]
            found[1][2] = int(logits.argmin())
        return found

    monkeypatch.setattr(decoding, "greedy", wrong)
    with torch.no_grad():
        assert check(model, GIVEN, STOP).json()["figure"] == 1


def test_an_answer_that_ends_early_is_found(tiny_model: BuildModel) -> None:
    model = tiny_model()
    whole = decoding.greedy(InferenceGPT2(model, "fp32"), PROMPTS, STOP, 4)
    short = [answer[:-1] for answer in whole]
    assert decoding.differing(model, PROMPTS, whole, short) == (4, 0)
    assert decoding.differing(model, PROMPTS, whole, whole) == (0, 0)


def test_a_tie_is_told_apart(tiny_model: BuildModel) -> None:
    model = tiny_model()
    with torch.no_grad():
        model.transformer.wte.weight[5] = model.transformer.wte.weight[6]
        logits_V = full(model, PROMPTS[0], 1)[-1]
        model.transformer.wte.weight[5:7] += 10 * model.transformer.wte.weight[int(logits_V.argmax())]
        best = int(full(model, PROMPTS[0], 1)[-1].argmax())
    if best not in (5, 6):  # the head is the embedding: the other sign is the likelier one
        with torch.no_grad():
            model.transformer.wte.weight[5:7] *= -1
        best = int(full(model, PROMPTS[0], 1)[-1].argmax())
    assert best in (5, 6)
    assert decoding.differing(model, PROMPTS[:1], [[5]], [[6]]) == (1, 1)
    assert decoding.differing(model, PROMPTS[:1], [[5]], [[1]]) == (1, 0)
    assert decoding.differing(model, PROMPTS[:1], [[1]], [[2]]) == (1, 0), "neither is the likeliest"


def test_a_head_does_not_decode(tiny_model: BuildModel) -> None:
    model = tiny_model()
    model.set_classifier(("yes", "no"))
    assert decoding.one_beam_equals_greedy(model, GIVEN, STOP).passed is None
