"""Checks that logits computed in two ways are equal.

Shapes: T positions, N of them or texts, V vocabulary, C classes.
"""

from collections.abc import Sequence
from copy import deepcopy

import torch
from torch import Tensor

from gpt2kit.decoding.classify import probabilities
from gpt2kit.decoding.stepper import Stepper
from gpt2kit.errors import counted
from gpt2kit.model.device import autocast, native_bf16
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.inference import InferenceGPT2
from gpt2kit.selftest.check import Check, skipped, within
from gpt2kit.selftest.probes import Ids, Probes

SAME, ROUNDED = 1e-3, 0.25
"""Largest accepted error of a logit, in standard deviations of all that are compared: in fp32, where sums have another
order, and in bf16, whose numbers have 8 significant bits. A real error is 1 or more."""

LIKELY_SAME, LIKELY_ROUNDED = 1e-4, 0.05
"""The same for probabilities, not scaled."""

STEPS = 48
"""The number of tokens of a text that are read one at a time, after the rest of it."""


def apart(found: Tensor, wanted: Tensor) -> float:
    """The largest difference of two logits, in standard deviations of the wanted ones."""
    found, wanted = found.float().cpu(), wanted.float().cpu()
    return float((found - wanted).abs().max() / wanted.std().clamp(min=torch.finfo(torch.float32).tiny))


def full(model: GPT2, ids: Ids, start: int = 1) -> Tensor:
    """Logits [T - start + 1, V] of a whole text after each of its positions from the `start`-th on, in one pass."""
    hidden_TD = model.hidden(torch.tensor([ids], device=model.head.device))[0]
    return model.logits(hidden_TD[start - 1 :])


def stepped(decoder: InferenceGPT2, ids: Ids, start: int) -> Tensor:
    """The same as computed by decoding: a prefill of `start` tokens, then one at a time from the cache."""
    stepper = Stepper(decoder, [ids[:start]], len(ids) - start)
    found = [stepper.logits_PV[0].clone()]
    for id in ids[start:]:
        found.append(stepper.step(torch.tensor([[id]], device=decoder.device))[0, 0].clone())
    return torch.stack(found)


def starts(model: GPT2, ids: Ids) -> list[tuple[Ids, int]]:
    """Texts, each with the place of its first decode step: the first token, before a block's border, near the end."""
    found = [(ids[: STEPS + 1], 1), (ids, max(1, len(ids) - STEPS))]
    if (border := model.config.block) + STEPS // 2 < len(ids) and set(model.config.kinds) != {"full"}:
        found.append((ids[: border + STEPS // 2], max(1, border - STEPS // 2)))
    return found


@torch.no_grad()
def worst(model: GPT2, decoder: InferenceGPT2, texts: Sequence[Ids]) -> float:
    """The largest difference of decoding's logits from those of one pass."""
    parts = [part for ids in texts for part in starts(model, ids)]
    return max(apart(stepped(decoder, ids, start), full(model, ids, start)) for ids, start in parts)


def cached_equals_full(model: GPT2, probes: Probes) -> Check:
    name = "cached equals full"
    if model.labels:
        return skipped(name, "a classifier reads its input in one pass, without a cache")
    return within(name, worst(model, InferenceGPT2(model, "fp32"), probes.texts), SAME, probes.what)


def arithmetics() -> list[tuple[torch.device, str]]:
    """The devices of this machine with their dtypes, except for fp32 on the CPU."""
    found = [(torch.device("cpu"), "bf16")] if native_bf16(torch.device("cpu")) else []
    others = [torch.device("cuda", index) for index in range(torch.cuda.device_count())]
    others += [torch.device("mps")] if torch.backends.mps.is_available() else []
    for device in others:
        found += [(device, "fp32"), *([(device, "bf16")] if native_bf16(device) else [])]
    return found


@torch.no_grad()
def equal_in(model: GPT2, probes: Probes, device: torch.device, dtype: str, extract: int | None) -> Check:
    """Compare a device and dtype with the CPU in fp32; `extract` is the id that ends a classifier's texts."""
    name, limit = f"{device} {dtype} equals cpu fp32", SAME if dtype == "fp32" else ROUNDED
    moved = deepcopy(model).to(device)
    if extract is None:
        return within(name, worst(model, InferenceGPT2(moved, dtype), probes.texts), limit, probes.what)
    with autocast(device, dtype):
        found = alone(moved, probes.examples, extract)
    figure = further(found, alone(model, probes.examples, extract))
    limit = LIKELY_SAME if dtype == "fp32" else LIKELY_ROUNDED
    return within(name, figure, limit, f"{counted(len(found), 'example')}, their probabilities")


@torch.no_grad()
def scores(model: GPT2, texts: Sequence[Ids]) -> Tensor:
    """A classifier's logits of each text alone, [N, C]."""
    assert model.score is not None
    device = model.head.device
    return torch.stack([model.score(model.hidden(torch.tensor([text], device=device))[0, -1]) for text in texts])


def batch_equals_single(model: GPT2, probes: Probes, extract: int) -> Check:
    """For a classifier: compare the probabilities of examples read together with those of each alone."""
    found = dict(probabilities(model, probes.examples, extract))
    together = [found[index] for index in range(len(found))]
    figure = further(together, alone(model, probes.examples, extract))
    return within("batch equals single", figure, LIKELY_SAME, f"{counted(len(found), 'example')}, their probabilities")


def alone(model: GPT2, prompts: Sequence[Ids], extract: int) -> list[list[float]]:
    """A classifier's probabilities for each prompt alone."""
    return [next(probabilities(model, [prompt], extract))[1] for prompt in prompts]


def further(found: Sequence[Sequence[float]], wanted: Sequence[Sequence[float]]) -> float:
    """The largest difference of two probabilities."""
    pairs = zip(found, wanted, strict=True)
    return max(abs(one - other) for pair in pairs for one, other in zip(*pair, strict=True))
