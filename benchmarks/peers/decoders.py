"""Decoding, by gpt2kit and by its peers: the same prompts as ids in, answers as ids out; a tick after each pass.

A pass answers every prompt once; what goes back with a turn are the answers of its last pass, end tokens left out.
Settings: weights (a Hugging Face folder), prompts (a JSON file of lists of ids), dtype, beams, length_penalty, new (the
most tokens of an answer), eos (-1: there is none, every answer has `new` tokens), rows (prompts a batch, for peers),
warm (least seconds of warm-up, where a program needs them).
"""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from turns import Program, Settings, Turn

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding import decode
from gpt2kit.model import hf
from gpt2kit.model.device import pick_device

Ids = list[list[int]]

WARM_PROMPTS = 64
"""Prompts that are answered before the first turn: all of them where there are fewer."""

WARM_SECONDS = 2
"""What is faster than this is answered twice."""


def passes(settings: Settings, turn: Turn, answer: Callable[[Ids], Ids]) -> None:
    """Warm up, then answer all prompts once for each tick."""
    prompts: Ids = json.loads(Path(settings["prompts"]).read_text())
    few = prompts[:: max(1, len(prompts) // WARM_PROMPTS)]
    started = time.perf_counter()
    answer(few)
    if time.perf_counter() - started < WARM_SECONDS:
        answer(few)
    while time.perf_counter() - started < settings.get("warm", 0):
        answer(few)
    turn.ready()
    while True:
        answers = answer(prompts)
        tokens = sum(map(len, answers))
        if settings["eos"] < 0 and tokens != settings["new"] * len(prompts):
            raise ValueError(f"{tokens} tokens for {len(prompts)} prompts, not {settings['new']} for each")
        turn.tick(tokens if settings["eos"] < 0 else len(prompts), answers=answers)


def gpt2kit(settings: Settings, turn: Turn) -> None:
    """The public path: `hf.load`, `decode.for_inference`, `decode.answers`, with the batches of its defaults."""
    config = GenerateConfig(
        beams=settings["beams"],
        length_penalty=settings["length_penalty"],
        max_new_tokens=settings["new"],
        dtype=settings["dtype"],
    )
    model = decode.for_inference(hf.load(Path(settings["weights"])).to(pick_device("auto")), config.dtype)

    def answer(prompts: Ids) -> Ids:
        found = {decoded.index: decoded for decoded in decode.answers(model, prompts, config, settings["eos"])}
        return [found[index].answers[0].ids for index in range(len(prompts))]

    passes(settings, turn, answer)


def huggingface(settings: Settings, turn: Turn) -> None:
    """`generate` on batches of similar length, padded on the left; `cache` may name a cache implementation."""
    from transformers import GenerationConfig, GPT2LMHeadModel

    device = pick_device("auto")
    model: Any = GPT2LMHeadModel.from_pretrained(settings["weights"], dtype=getattr(torch, settings["dtype"]))
    model.to(device).eval()
    eos, beams = settings["eos"], settings["beams"]
    chosen: dict[str, Any] = {"max_new_tokens": settings["new"], "num_beams": beams, "do_sample": False}
    if beams > 1:  # as many hypotheses end as there are beams, and the search is over: gpt2kit's rule
        chosen |= {"early_stopping": True, "length_penalty": settings["length_penalty"]}
    if settings.get("cache"):
        chosen["cache_implementation"] = settings["cache"]
    # Without an end token none of its limits on length costs anything: every answer has as many tokens as may be.
    model.generation_config = GenerationConfig(eos_token_id=eos if eos >= 0 else None, pad_token_id=max(0, eos))
    model.config.eos_token_id = model.generation_config.eos_token_id

    @torch.inference_mode()
    def batch(prompts: Ids) -> Ids:
        width = max(map(len, prompts))
        ids = torch.tensor([[0] * (width - len(prompt)) + prompt for prompt in prompts], device=device)
        mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts], device=device)
        found = model.generate(ids, attention_mask=mask, **chosen)[:, width:].tolist()
        return [answer[: answer.index(eos)] if eos in answer else answer for answer in found]

    passes(settings, turn, lambda prompts: by_length(prompts, settings["rows"], batch))


def by_length(prompts: Ids, rows: int, batch: Callable[[Ids], Ids]) -> Ids:
    """Longest first, so many rows at a time; answers in the order of the prompts."""
    order = sorted(range(len(prompts)), key=lambda index: -len(prompts[index]))
    answers: Ids = [[] for _ in prompts]
    for start in range(0, len(order), rows):
        part = order[start : start + rows]
        for index, found in zip(part, batch([prompts[index] for index in part]), strict=True):
            answers[index] = found
    return answers


def ctranslate2(settings: Settings, turn: Turn) -> None:
    """CTranslate2's Generator, which sorts by length itself."""
    from ctranslate2 import Generator

    device = pick_device("auto").type
    generator = Generator(
        settings["converted"],
        device=device,
        compute_type=settings["dtype"],
        inter_threads=1,
        intra_threads=settings["threads"],
    )
    turn.note(computes_in=generator.compute_type)

    def answer(prompts: Ids) -> Ids:
        results = generator.generate_batch(
            [list(map(str, prompt)) for prompt in prompts],
            max_batch_size=settings["rows"],
            beam_size=settings["beams"],
            length_penalty=settings["length_penalty"],
            max_length=settings["new"],
            min_length=settings["new"] if settings["eos"] < 0 else 0,
            include_prompt_in_result=False,
        )
        return [result.sequences_ids[0] for result in results]

    passes(settings, turn, answer)


PROGRAMS: dict[str, Program] = {"gpt2kit": gpt2kit, "huggingface": huggingface, "ctranslate2": ctranslate2}
