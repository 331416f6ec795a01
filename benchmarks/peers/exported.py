"""Greedy decoding of a run by gpt2kit and by the tools that read its exports; a tick after each pass over all prompts.

Ids go in and come out, as in `decoders`. Settings: weights (the run, or its export), prompts (a JSON file of lists of
ids), dtype (of gpt2kit), new (the most tokens of an answer), eos, window, rows (prompts a batch), threads.
"""

import json
from pathlib import Path

from turns import Program, Settings, Turn

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding import decode
from gpt2kit.model import hf
from peers.decoders import Ids, passes


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
    """The loop of llama-cpp-python, which has one for a single prompt only."""
    from llama_cpp import Llama

    if settings["rows"] > 1:
        raise ValueError("llama-cpp-python decodes one prompt at a time")
    threads = {"n_threads": settings["threads"], "n_threads_batch": settings["threads"]}
    model = Llama(settings["weights"], n_ctx=settings["window"], **threads, verbose=False)

    def one(prompt: list[int]) -> list[int]:
        found: list[int] = []
        for id in model.generate(prompt, temp=0.0):
            if id == settings["eos"]:
                break
            found.append(id)
            if len(found) == settings["new"]:
                break
        return found

    passes(settings, turn, lambda prompts: [one(prompt) for prompt in prompts])


PROGRAMS: dict[str, Program] = {
    "gpt2kit": gpt2kit,
    "ctranslate2": ctranslate2,
    "llama_cpp": llama_cpp,
}
