"""The only decoding loop. It is an iterator: streaming is the caller's `for`, stopping is the caller's `break`.

Shapes: B rows still being decoded, V vocabulary.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gpt2kit.config import GenerateConfig
from gpt2kit.generate import sampling
from gpt2kit.generate.beam import beam_search
from gpt2kit.generate.prefill import Answer, new_token_limit, prefill
from gpt2kit.model.device import autocast, pick_dtype
from gpt2kit.model.gpt2 import GPT2

COMPACT_BELOW = 0.75
"""Finished rows leave the batch once fewer than this share of it is alive: moving the cache costs about a step."""


def pick_decode_dtype(name: str, device: torch.device) -> str:
    """On a CPU auto means fp32: steps are small, and answers then equal the reference implementation's."""
    return "fp32" if name == "auto" and device.type != "cuda" else pick_dtype(name, device)


def decode(
    model: GPT2, prompts: Sequence[Sequence[int]], config: GenerateConfig, eos: int, numbers: Sequence[int]
) -> Iterator[list[tuple[int, int]]]:
    """Yield, step after step, the new (row, token) pairs; a row ends with `eos` or at its limit.

    Every prompt has at least one token and leaves room for one more. Row i draws from config.seed + numbers[i].
    """
    limits = [new_token_limit(len(prompt), model, config) for prompt in prompts]
    noise_RS = _noise(max(limits), [config.seed + number for number in numbers]) if config.temperature > 0 else None
    alive = list(range(len(prompts)))
    rows_B = torch.arange(len(prompts))
    logits_BV, cache = prefill(model, prompts, max(limits))
    for step in range(max(limits)):
        if noise_RS is None:
            tokens_B = logits_BV.argmax(-1)
        else:
            uniform_B = noise_RS[rows_B, step].to(logits_BV.device)
            tokens_B = sampling.draw(sampling.probabilities(logits_BV, config), uniform_B)
        rows, tokens = rows_B.tolist(), tokens_B.tolist()
        still = set(alive)
        new = [(row, token) for row, token in zip(rows, tokens, strict=True) if row in still]
        yield new
        alive = [row for row, token in new if token != eos and step + 1 < limits[row]]
        if not alive:
            return
        if len(alive) < COMPACT_BELOW * len(rows):
            still = set(alive)
            keep = torch.tensor([index for index, row in enumerate(rows) if row in still])
            rows_B = rows_B[keep]
            cache.select(keep.to(tokens_B.device))
            tokens_B = tokens_B[keep.to(tokens_B.device)]
        logits_BV = model.logits(model.cached_hidden(tokens_B[:, None], cache)[:, 0])
        cache.advance(torch.ones_like(tokens_B), 1)


def _noise(steps: int, seeds: Sequence[int]) -> Tensor:
    """Uniform numbers [rows, steps], each row from its own generator, so that batches cannot change an answer."""
    generator = torch.Generator()
    return torch.stack([torch.rand(steps, generator=generator.manual_seed(seed)) for seed in seeds])


@dataclass(frozen=True)
class Decoded:
    """The answers to one prompt, best first."""

    index: int
    answers: list[Answer]


@torch.inference_mode()
def answers(
    model: GPT2,
    prompts: Sequence[Sequence[int]],
    config: GenerateConfig,
    eos: int,
    numbers: Sequence[int] | None = None,
) -> Iterator[Decoded]:
    """Decode any number of prompts in batches of similar length; results come as they are ready, not in order.

    `numbers`, by default 0, 1, ..., give each prompt its seed when sampling.
    """
    model.eval()
    numbers = range(len(prompts)) if numbers is None else numbers
    device = model.head.device
    order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]), reverse=True)
    rows = max(1, config.batch_rows // config.beams)
    for start in range(0, len(order), rows):
        chosen = order[start : start + rows]
        batch = [prompts[index] for index in chosen]
        with autocast(device, pick_decode_dtype(config.dtype, device)):
            if config.beams > 1:
                found = beam_search(model, batch, config, eos)
            else:
                found = [[answer] for answer in _collect(model, batch, config, eos, [numbers[i] for i in chosen])]
        for index, hypotheses in zip(chosen, found, strict=True):
            yield Decoded(index, hypotheses)


def _collect(
    model: GPT2, prompts: Sequence[Sequence[int]], config: GenerateConfig, eos: int, numbers: Sequence[int]
) -> list[Answer]:
    tokens: list[list[int]] = [[] for _ in prompts]
    for new in decode(model, prompts, config, eos, numbers):
        for row, token in new:
            tokens[row].append(token)
    return [Answer(ids[:-1], None, True) if ids[-1] == eos else Answer(ids, None, False) for ids in tokens]


@torch.inference_mode()
def stream(model: GPT2, prompt: Sequence[int], config: GenerateConfig, eos: int) -> Iterator[int]:
    """The tokens of one answer as they are found, without `eos`."""
    model.eval()
    device = model.head.device
    steps = decode(model, [prompt], config, eos, [0])
    while True:
        with autocast(device, pick_decode_dtype(config.dtype, device)):
            new = next(steps, None)
        if new is None or new[0][1] == eos:
            return
        yield new[0][1]
