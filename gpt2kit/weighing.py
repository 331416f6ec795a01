"""Naive Bayes for a run with a head: learned from the training part, weighed beside the head on the validation part."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gpt2kit.data.store import Store
from gpt2kit.decoding.classify import probabilities
from gpt2kit.model.bayes import LEAST, NaiveBayes
from gpt2kit.model.device import pick_device
from gpt2kit.pipeline.engine import model_in
from gpt2kit.tasks.base import Task


@dataclass(frozen=True)
class Weighed:
    """Their weights in an answer, and the validation loss of the head alone and of both, in nats an example."""

    head: float
    bayes: float
    before: float
    after: float


def weigh(run: Path, task: Task[Any, Any], train: Store, validation: Store, device: str) -> Weighed:
    """Write naive Bayes into a run whose weights are there."""
    examples = ((prompt, target[0]) for prompt, target in map(train.row, range(len(train))))
    bayes = NaiveBayes.learned(examples, task.vocab_size, len(task.outputs))
    rows = [validation.row(number) for number in range(len(validation))]
    prompts, answers = [prompt for prompt, _ in rows], [target[0] for _, target in rows]
    found = dict(probabilities(model_in(run).to(pick_device(device)), prompts, task.extract))
    heads = [found[number] for number in range(len(rows))]
    bayes = bayes.weighed(heads, prompts, answers)
    bayes.save(run)
    both = [bayes.beside(head, bayes.answered(prompt)) for head, prompt in zip(heads, prompts, strict=True)]
    head, own = bayes.weights_2.tolist()
    return Weighed(head, own, _loss(heads, answers), _loss(both, answers))


def _loss(found: list[list[float]], answers: list[int]) -> float:
    return -sum(math.log(max(each[answer], LEAST)) for each, answer in zip(found, answers, strict=True)) / len(answers)
