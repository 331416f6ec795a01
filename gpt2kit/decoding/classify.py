"""Answers of a classifier: the probability of each label or choice.

Shapes: B texts, T positions, E examples, C answers.
"""

from collections.abc import Iterator, Sequence

import torch

from gpt2kit.model.gpt2 import GPT2

POSITIONS = 8192
"""Most positions of a batch, if it has more than one example."""


@torch.inference_mode()
def probabilities(model: GPT2, prompts: Sequence[Sequence[int]], extract: int) -> Iterator[tuple[int, list[float]]]:
    """Yield (index, probability of each answer) of every prompt, whose texts end with the id `extract`; longest
    first."""
    model.eval()
    examples = [texts_of(prompt, extract) for prompt in prompts]
    order = sorted(range(len(examples)), key=lambda index: max(map(len, examples[index])), reverse=True)
    while order:
        width = max(map(len, examples[order[0]]))
        count, texts = 0, 0
        while count < len(order) and (count == 0 or (texts + len(examples[order[count]])) * width <= POSITIONS):
            texts += len(examples[order[count]])
            count += 1
        chosen, order = order[:count], order[count:]
        yield from zip(chosen, _batch(model, [examples[index] for index in chosen]), strict=True)


def mean_probabilities(
    models: Sequence[GPT2], prompts: Sequence[Sequence[int]], extract: int
) -> Iterator[tuple[int, list[float]]]:
    """The same for the mean of the probabilities of several models that have the same answers."""
    streams = [probabilities(model, prompts, extract) for model in models]
    for found in zip(*streams, strict=True):  # the order depends on the prompts alone
        rows = zip(*(likely for _, likely in found), strict=True)
        yield found[0][0], [sum(each) / len(models) for each in rows]


def likeliest(probabilities: Sequence[float]) -> int:
    return max(range(len(probabilities)), key=probabilities.__getitem__)


def texts_of(prompt: Sequence[int], extract: int) -> list[list[int]]:
    """The texts of a prompt, each of which ends with the id `extract`."""
    texts: list[list[int]] = [[]]
    for id in prompt:
        texts[-1].append(id)
        if id == extract:
            texts.append([])
    return texts[:-1]


def _batch(model: GPT2, examples: Sequence[Sequence[Sequence[int]]]) -> list[list[float]]:
    device = model.head.device
    texts = [text for example in examples for text in example]
    ids_BT = torch.zeros(len(texts), max(map(len, texts)), dtype=torch.long, device=device)
    for row, text in enumerate(texts):
        ids_BT[row, : len(text)] = torch.tensor(text, device=device)
    ends_B = torch.tensor([len(text) - 1 for text in texts], device=device)
    places = [(number, slot) for number, example in enumerate(examples) for slot in range(len(example))]
    examples_B, slots_B = torch.tensor(places, device=device).t()
    ends_B += torch.arange(len(texts), device=device) * ids_BT.size(1)
    logits_EC = model.classify(model.hidden(ids_BT, positions_N=ends_B), examples_B, slots_B, len(examples))
    found: list[list[float]] = logits_EC.softmax(-1).tolist()
    several = len(model.labels) > 1
    return [row if several else row[: len(example)] for row, example in zip(found, examples, strict=True)]
