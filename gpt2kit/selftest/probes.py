"""Inputs of the checks: texts of the validation data, and random ids that fill the window."""

from dataclasses import dataclass

import torch

from gpt2kit.data.store import Store
from gpt2kit.decoding.classify import texts_of
from gpt2kit.errors import counted
from gpt2kit.selftest.run_under_test import RunUnderTest

COUNT = 6
"""Number of rows of the validation split, spread over it."""

LONGEST = 1024
"""Longer windows are cut to this: logits of every position are compared."""

NEW = 32
"""Number of tokens decoded after a prompt."""

Ids = list[int]


@dataclass(frozen=True)
class Probes:
    """Texts to read and prompts to answer, as ids."""

    texts: list[Ids]
    """Texts of several lengths; the last is random and as long as the window."""
    prompts: list[Ids]
    """Prompts with room for an answer."""
    examples: list[Ids]
    """For a classifier: prompts as encoded by its task."""

    @property
    def what(self) -> str:
        """A description for a remark."""
        return f"{counted(len(self.texts), 'text')}, up to {counted(max(map(len, self.texts)), 'token')}"


def probes(subject: RunUnderTest, count: int = COUNT) -> Probes:
    """The inputs of a run's checks, always the same for a run, from `count` rows."""
    window, vocab = subject.model.config.n_positions, subject.model.vocab_size
    generator = torch.Generator().manual_seed(0)
    noise: Ids = torch.randint(vocab, (min(window, LONGEST),), generator=generator).tolist()
    rows = _rows(subject.store, count) if subject.store is not None else []
    head = bool(subject.task.layout.labels)
    examples = _examples(subject, rows, noise) if head else []
    if head:
        texts = [text for prompt in examples for text in texts_of(prompt, subject.task.layout.extract)]
        prompts: list[Ids] = []
    else:
        texts = [[*prompt, *target] for prompt, target in rows]
        stream = subject.task.layout.continues
        asked = [text[: NEW // 2] for text in texts] if stream else [prompt for prompt, _ in rows]
        asked += [noise[:length] for length in (1, 5, NEW)]
        prompts = [prompt[-max(1, window - NEW) :] for prompt in asked if prompt]
    kept = [text[: len(noise)] for text in texts if text and max(text[: len(noise)]) < vocab]
    return Probes([*kept[:count], noise], [each for each in prompts if max(each) < vocab], examples)


def _rows(store: Store, count: int) -> list[tuple[Ids, Ids]]:
    count = min(count, len(store))
    return [store.row(index * len(store) // count) for index in range(count)]


def _examples(subject: RunUnderTest, rows: list[tuple[Ids, Ids]], noise: Ids) -> list[Ids]:
    """Prompts of a classifier; of random ids without validation data."""
    if rows:
        return [prompt for prompt, _ in rows]
    extract = subject.task.layout.extract
    texts = 2 if len(subject.model.labels) == 1 else 1  # choices have two texts
    ids = [id for id in noise if id != extract]
    return [[*ids[: length - 1], extract] * texts for length in (2, len(ids) // 2, len(ids))]
