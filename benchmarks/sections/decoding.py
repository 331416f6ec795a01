"""Greedy decoding of 1, 16 and 64 prompts, next to what the device's memory allows and Hugging Face's `generate`."""

import statistics
from collections.abc import Callable, Iterator
from typing import Any

import torch
from decode import BANDWIDTHS
from report import known_gpu

from gpt2kit import load_recipe
from gpt2kit.config import GenerateConfig, ModelConfig
from gpt2kit.decoding import decode
from gpt2kit.decoding.stepper import Stepper
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.inference import InferenceGPT2
from sections.work import Figures, Work, cleared, peak_gib, seconds_of

GOALS = {1: 2, 16: 3, 64: 3}
"""Largest wanted time of a step as a multiple of the bound, by prompts."""

ROUNDS, PROMPT = 3, 32

Ids = list[list[int]]


def models(work: Work) -> dict[str, tuple[ModelConfig, int]]:
    if work.toy:
        return {"toy": (work.gpt2, work.vocabulary)}
    return {"gpt2-124M": (work.gpt2, 50257), "multi30k-4.3M": (load_recipe("multi30k").model, 8192)}


def new_tokens(work: Work, config: ModelConfig) -> int:
    return 6 if work.toy else min(256, config.n_positions - PROMPT)


def inputs(work: Work, prompts: int, vocabulary: int) -> Ids:
    length = 5 if work.toy else PROMPT
    return torch.randint(vocabulary, (prompts, length), generator=torch.Generator().manual_seed(4)).tolist()


def decoder_of(config: ModelConfig, vocabulary: int, device: torch.device) -> tuple[GPT2, InferenceGPT2]:
    torch.manual_seed(0)
    model = GPT2(config, vocabulary).to(device).eval()
    return model, decode.for_inference(model, "auto")


def bound_ms(model: InferenceGPT2, weights: int, prompts: int, slots: float, bandwidth: float) -> float:
    """Milliseconds in which the weights, and the keys and values of all rows, are read once."""
    size = torch.finfo(model.dtype).bits // 8
    keys_and_values = 2 * model.config.n_layer * model.config.n_embd * size
    return 1e3 * (size * weights + prompts * slots * keys_and_values) / bandwidth


def step_ms(model: InferenceGPT2, prompts: Ids, new: int) -> float:
    """Milliseconds of a step alone, without choosing tokens."""
    with torch.inference_mode():
        stepper = Stepper(model, prompts, new)
        tokens_P1 = stepper.logits_PV.argmax(-1)[:, None]
        stepper.step(tokens_P1)  # captures

        def steps() -> None:
            for _ in range(new - 2):
                stepper.step(tokens_P1)

        return 1e3 * seconds_of(steps) / (new - 2)


def batches(work: Work) -> Iterator[Figures]:
    bandwidth = known_gpu(BANDWIDTHS)
    for name, (config, vocabulary) in models(work).items():
        cleared()
        model, ours = decoder_of(config, vocabulary, work.device)
        peer = _peer(model)
        new = new_tokens(work, config)
        for count in (1, 2) if work.toy else (1, 16, 64):
            if work.late(8):
                yield {"row": f"{name}, {count} prompts", "skipped": "no time left"}
                continue
            prompts = inputs(work, count, vocabulary)
            own, theirs = _turns(ours, peer, prompts, new, work)
            within = min(new, 90)  # steps that one graph computes
            step = step_ms(ours, prompts, within)
            figures: Figures = {
                "row": f"{name}, {count} prompts",
                "tokens_per_second": round(count * new / own),
                "transformers": round(count * new / theirs),
                "gpt2kit_over_it": round(theirs / own, 2),
                "ms_a_token": round(1e3 * own / new, 4),
                "ms_a_step_alone": round(step, 4),
                "peak_gib": peak_gib(),
            }
            if bandwidth:
                slots = len(prompts[0]) + new / 2
                bound = bound_ms(ours, model.parameter_count(), count, slots, bandwidth)
                figures |= {
                    "bound_ms": round(bound, 4),
                    "times_bound": round(1e3 * own / new / bound, 2),
                    "step_times_bound": round(step / bound, 2),
                    "goal": GOALS[count],
                }
            yield figures


def _turns(ours: InferenceGPT2, peer: Any, prompts: Ids, new: int, work: Work) -> tuple[float, float]:
    """Seconds of an answer to all prompts: medians of a few, in turn, after one of each."""
    config = GenerateConfig(max_new_tokens=new)
    ids = torch.tensor(prompts, device=work.device)
    mask = torch.ones_like(ids)

    def own() -> None:
        found = list(decode.answers(ours, prompts, config, stop=-1))
        assert all(len(one.answers[0].ids) == new for one in found)

    def theirs() -> None:
        with torch.inference_mode():
            peer.generate(ids, attention_mask=mask, max_new_tokens=new, do_sample=False)

    taken: dict[Callable[[], None], list[float]] = {own: [], theirs: []}
    for number in range(ROUNDS + 1):
        for answer, seconds in taken.items():
            once = seconds_of(answer)
            if number:
                seconds.append(once)
    return statistics.median(taken[own]), statistics.median(taken[theirs])


def _peer(model: GPT2) -> Any:
    """Hugging Face's model with the same weights, in the same arithmetic; it has no end token."""
    from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel

    config = model.config
    shape = {key: getattr(config, key) for key in ("n_layer", "n_head", "n_embd", "n_positions")}
    peer: Any = GPT2LMHeadModel(GPT2Config(vocab_size=model.vocab_size, **shape))
    peer.generation_config = GenerationConfig(eos_token_id=None, pad_token_id=0)
    peer.config.eos_token_id = None
    for parameter, name in ((p, n) for n, p in peer.named_parameters()):
        own = model.get_parameter(name).detach()
        parameter.data = own.t().contiguous() if name.endswith(TRANSPOSED) else own.clone()
    peer.tie_weights()
    return peer.to(model.head.device, torch.bfloat16 if model.head.is_cuda else torch.float32).eval()


TRANSPOSED = ("c_attn.weight", "c_proj.weight", "c_fc.weight")
"""Hugging Face keeps these the other way round."""


def compiled_step(work: Work) -> Iterator[Figures]:
    """What `torch.compile` would make of a step; a rehearsal computes it as it is."""
    bandwidth = known_gpu(BANDWIDTHS)
    name, (config, vocabulary) = next(iter(models(work).items()))
    for count in (1,) if work.toy else (1, 64):
        if work.late(45):
            yield {"row": f"{name}, {count} prompts, compiled step", "skipped": "no time left"}
            continue
        cleared()
        model, ours = decoder_of(config, vocabulary, work.device)
        prompts, new = inputs(work, count, vocabulary), 6 if work.toy else 90
        plain = step_ms(ours, prompts, new)
        if not work.toy:
            ours.compute = torch.compile(ours.compute, dynamic=False)  # type: ignore[method-assign] # an experiment
        step = step_ms(ours, prompts, new)
        figures: Figures = {"ms_a_step_alone": round(step, 4), "plain_ms": round(plain, 4)}
        if bandwidth:
            bound = bound_ms(ours, model.parameter_count(), count, PROMPT + new / 2, bandwidth)
            figures["step_times_bound"] = round(step / bound, 2)
        yield {"row": f"{name}, {count} prompts, compiled step", **figures}
