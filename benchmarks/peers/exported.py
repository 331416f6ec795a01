"""Greedy decoding of a run by gpt2kit and by the tools that read its exports; a tick after each pass over all prompts.

Ids go in and come out, as in `decoders`. Settings: weights (the run, or its export), prompts (a JSON file of lists of
ids), dtype (of gpt2kit), new (the most tokens of an answer), eos, window, rows (prompts a batch), threads.
"""

import json
from itertools import islice, takewhile
from pathlib import Path
from typing import Any

import numpy as np
from turns import Program, Settings, Turn

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding import decode
from gpt2kit.model import hf
from peers.decoders import Ids, by_length, passes


def gpt2kit(settings: Settings, turn: Turn) -> None:
    config = GenerateConfig(max_new_tokens=settings["new"], dtype=settings["dtype"], batch_rows=settings["rows"])
    model = decode.for_inference(hf.load(Path(settings["weights"])), config.dtype)

    def answer(prompts: Ids) -> Ids:
        found = {decoded.index: decoded for decoded in decode.answers(model, prompts, config, settings["eos"])}
        return [found[index].answers[0].ids for index in range(len(prompts))]

    passes(settings, turn, answer)


def ctranslate2(settings: Settings, turn: Turn) -> None:
    """CTranslate2 sorts prompts by length itself."""
    from ctranslate2 import Generator

    generator = Generator(settings["weights"], device="cpu", inter_threads=1, intra_threads=settings["threads"])
    tokens = json.loads((Path(settings["weights"]) / "vocabulary.json").read_text(encoding="utf-8"))
    turn.note(computes_in=generator.compute_type)

    def answer(prompts: Ids) -> Ids:
        results = generator.generate_batch(
            [[tokens[id] for id in prompt] for prompt in prompts],
            max_batch_size=settings["rows"],
            max_length=settings["new"],
            end_token=[settings["eos"]],
            include_prompt_in_result=False,
        )
        return [result.sequences_ids[0] for result in results]

    passes(settings, turn, answer)


def llama_cpp(settings: Settings, turn: Turn) -> None:
    """One prompt: the loop of llama-cpp-python. Several: llama.cpp itself, with a sequence for each prompt, as in its
    server."""
    from llama_cpp import Llama

    rows, new, eos = settings["rows"], settings["new"], settings["eos"]
    threads = {"n_threads": settings["threads"], "n_threads_batch": settings["threads"]}
    window = rows * settings["window"]
    model = Llama(settings["weights"], n_ctx=window, n_batch=window, n_ubatch=window, **threads, verbose=False)

    def one(prompts: Ids) -> Ids:
        return [list(islice(takewhile(lambda id: id != eos, model.generate(prompts[0], temp=0.0)), new))]

    batch = one if rows == 1 else LlamaBatch(model, rows, window, new, eos)
    passes(settings, turn, lambda prompts: by_length(prompts, rows, batch))


class LlamaBatch:
    """Answers prompts together, through the interface in C."""

    def __init__(self, model: Any, rows: int, window: int, new: int, eos: int) -> None:
        import llama_cpp

        settings = model.context_params
        settings.n_seq_max = rows  # the context of llama-cpp-python has one sequence
        self.library, self.vocabulary = llama_cpp, model.n_vocab()
        self.context = llama_cpp.llama_init_from_model(model.model, settings)
        self.batch = llama_cpp.llama_batch_init(window, 0, 1)
        self.new, self.eos = new, eos

    def __call__(self, prompts: Ids) -> Ids:
        self.library.llama_memory_clear(self.library.llama_get_memory(self.context), True)
        answers: Ids = [[] for _ in prompts]
        tokens, starts = dict(enumerate(prompts)), [0] * len(prompts)
        while tokens:
            for row, id in self.step(tokens, starts).items():
                starts[row] += len(tokens[row])
                tokens[row] = [id]
                if id != self.eos:
                    answers[row].append(id)
                if id == self.eos or len(answers[row]) == self.new:
                    del tokens[row]
        return answers

    def step(self, tokens: dict[int, list[int]], starts: list[int]) -> dict[int, int]:
        """The likeliest next token of each row, whose new tokens begin at a position."""
        batch, place, last = self.batch, 0, {}
        for row, ids in tokens.items():
            for offset, id in enumerate(ids):
                batch.token[place], batch.pos[place] = id, starts[row] + offset
                batch.n_seq_id[place], batch.seq_id[place][0] = 1, row
                batch.logits[place] = offset == len(ids) - 1
                last[row] = place
                place += 1
        batch.n_tokens = place
        if code := self.library.llama_decode(self.context, batch):
            raise RuntimeError(f"llama_decode returned {code}")
        found = {row: self.library.llama_get_logits_ith(self.context, at) for row, at in last.items()}
        return {row: int(np.ctypeslib.as_array(at, (self.vocabulary,)).argmax()) for row, at in found.items()}


def onnxruntime(settings: Settings, turn: Turn) -> None:
    """The loop with which gpt2kit proves an export, as onnxruntime has none."""
    from gpt2kit.export.with_onnxruntime import OnnxRuntime

    model, eos = OnnxRuntime(Path(settings["weights"])), settings["eos"]

    def batch(prompts: Ids) -> Ids:
        found = model.greedy(prompts, settings["new"], eos)
        return [answer[:-1] if answer[-1] == eos else answer for answer in found]

    passes(settings, turn, lambda prompts: by_length(prompts, settings["rows"], batch))


PROGRAMS: dict[str, Program] = {
    "gpt2kit": gpt2kit,
    "ctranslate2": ctranslate2,
    "llama_cpp": llama_cpp,
    "onnxruntime": onnxruntime,
}
