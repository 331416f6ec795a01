"""What a model in training answers to validation examples."""

import sys
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from gpt2kit.config import GenerateConfig
from gpt2kit.data.store import Store
from gpt2kit.decoding.classify import likeliest, probabilities
from gpt2kit.decoding.decode import answers, arithmetic, for_inference
from gpt2kit.decoding.seeds import reproducible
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.pipeline.endings import output_of, stops_of
from gpt2kit.recipe import Recipe
from gpt2kit.tasks.base import Task, decode_row


def sampled(model: GPT2, task: Task[Any, Any], store: Store, recipe: Recipe) -> list[tuple[str, str, str]]:
    """The model's current outputs for rows that are spread over a split: (source, output, target), as text."""
    count = min(recipe.train.samples, len(store))
    rows = [store.row(index * len(store) // count) for index in range(count)]  # spread over the split
    shown = task.layout.sample_rows(rows, model.config.n_positions)
    asked = [([*prompt], *decode_row(task, prompt, target)) for prompt, target in shown]
    outputs = _answered(model, task, [(prompt, source) for prompt, source, _ in asked], recipe.generate)
    told = [(task.show(each[1]), output, task.tell(each[2])) for each, output in zip(asked, outputs, strict=True)]
    return [(_trimmed(source), _trimmed(output), _trimmed(target)) for source, output, target in told]


def _trimmed(text: str) -> str:
    """A text without halves of characters at its ends: the rows of a stream are cut anywhere."""
    return text.strip("\ufffd")


def _answered(
    model: GPT2, task: Task[Any, Any], asked: Sequence[tuple[list[int], Any]], config: GenerateConfig
) -> list[str]:
    """The model's current outputs for prompts, given with their sources."""
    prompts = [prompt for prompt, _ in asked]
    layout, eos = task.layout, task.vocabulary.eos
    if layout.labels:
        likely = dict(probabilities(model, prompts, layout.extract))
        return [layout.answers(source)[likeliest(likely[index])] for index, (_, source) in enumerate(asked)]
    longest = min(config.max_new_tokens, model.config.n_positions, layout.sample_tokens or sys.maxsize)
    config = replace(reproducible(config), beams=1, mbr=0, max_new_tokens=longest, roll=False)
    stops = stops_of(task, config)
    made = [layout.grammar(prompt) for prompt in prompts] if config.grammar else []
    automata = [automaton for automaton in made if automaton is not None]
    ended = stops.ended if stops else None
    decoder = for_inference(model, arithmetic(config, model.head.device))
    decoded = answers(decoder, prompts, config, eos, automata=automata, ended=ended)
    found = {result.index: result.answers[0].ids for result in decoded}
    return [task.tell(output_of(task, found[index], stops)) for index in range(len(prompts))]
