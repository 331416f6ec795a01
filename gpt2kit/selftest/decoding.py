"""Checks that answers decoded in two ways are equal, token by token, except for ties.

The order of sums depends on the batch, so that either of two equally likely tokens may be decoded. The logits of one
pass over the text distinguish such a tie from an error.
"""

from collections.abc import Sequence

import torch

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding.answer import Answer
from gpt2kit.decoding.beam import beam_search
from gpt2kit.decoding.decode import answers
from gpt2kit.errors import counted
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.inference import InferenceGPT2
from gpt2kit.selftest.check import Check, skipped, within
from gpt2kit.selftest.logits import SAME, full
from gpt2kit.selftest.probes import NEW, Ids, Probes


def greedy(decoder: InferenceGPT2, prompts: Sequence[Ids], stop: int, rows: int) -> list[Ids]:
    """The answers to prompts read in batches of `rows`, end tokens included."""
    config = GenerateConfig(max_new_tokens=NEW, batch_rows=rows)
    found = {each.index: each.answers[0] for each in answers(decoder, prompts, config, stop)}
    return [_ended(found[index], stop) for index in range(len(prompts))]


@torch.inference_mode()
def one_beam(decoder: InferenceGPT2, prompts: Sequence[Ids], stop: int) -> list[Ids]:
    """The same by beam search with a single hypothesis."""
    config = GenerateConfig(max_new_tokens=NEW)
    return [_ended(found[0], stop) for found in beam_search(decoder, prompts, config, (stop,))]


def _ended(answer: Answer, stop: int) -> Ids:
    return [*answer.ids, *([stop] if answer.finished else [])]


@torch.no_grad()
def differing(
    model: GPT2, prompts: Sequence[Ids], first: Sequence[Ids], second: Sequence[Ids], tie: float = SAME
) -> tuple[int, int]:
    """The number of different answers, and how many of these differ only because the two tokens were equally likely.

    These are ties if their logits differ by at most `tie` standard deviations of all logits.
    """
    different = ties = 0
    for prompt, one, other in zip(prompts, first, second, strict=True):
        if one == other:
            continue
        different += 1
        place = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
        if place is not None:  # otherwise one of them continues where the other has ended
            text = [*prompt, *one[:place]]
            logits_V = full(model, text, len(text))[-1]
            gap = (logits_V[[one[place], other[place]]] - logits_V.max()).abs().max()
            ties += bool(gap <= tie * logits_V.std())
    return different, ties


def _compare(name: str, model: GPT2, prompts: Sequence[Ids], first: Sequence[Ids], second: Sequence[Ids]) -> Check:
    different, ties = differing(model, prompts, first, second)
    remark = f"of {counted(len(prompts), 'answer')}, {counted(sum(map(len, first)), 'token')}" + (
        f"; {ties} ties" if ties else ""
    )
    return within(name, different - ties, 0, remark)


def batch_equals_single(model: GPT2, probes: Probes, stop: int) -> Check:
    decoder, prompts = InferenceGPT2(model, "fp32"), probes.prompts
    together, alone = greedy(decoder, prompts, stop, len(prompts)), greedy(decoder, prompts, stop, 1)
    return _compare("batch equals single", model, prompts, together, alone)


def one_beam_equals_greedy(model: GPT2, probes: Probes, stop: int) -> Check:
    name = "beam 1 equals greedy"
    if model.labels:
        return skipped(name, "a classifier does not use beam search")
    decoder, prompts = InferenceGPT2(model, "fp32"), probes.prompts
    return _compare(
        name, model, prompts, one_beam(decoder, prompts, stop), greedy(decoder, prompts, stop, len(prompts))
    )
