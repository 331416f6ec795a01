"""What the model is asked: the user's own rows, and the whole window."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from gpt2kit.decoding.classify import texts_of
from gpt2kit.selftest.probes import NEW, probes
from gpt2kit.selftest.run_under_test import opened

RunOf = Callable[..., Path]


@pytest.mark.parametrize(
    "kind", ["translate", "summarize", "lm", "music", "finetune", "completion", "labelled", "choice"]
)
@pytest.mark.parametrize("data", [True, False])
def test_texts_and_prompts_fit_into_the_window(run_of: RunOf, kind: str, data: bool) -> None:
    subject = opened(run_of(kind))
    subject = subject if data else replace(subject, store=None, without="gone")
    found, window = probes(subject), subject.model.config.n_positions
    assert len(found.texts[-1]) == window
    assert all(0 < len(text) <= window for text in found.texts)
    ids = [id for part in (found.texts, found.prompts, found.examples) for text in part for id in text]
    assert min(ids) >= 0
    assert max(ids) < subject.model.vocab_size
    if subject.task.layout.labels:
        assert found.examples
        assert all(prompt[-1] == subject.task.layout.extract for prompt in found.examples)
        texts = [text for prompt in found.examples for text in texts_of(prompt, subject.task.layout.extract)]
        assert 0 < max(map(len, texts)) <= window
    else:
        assert len(found.prompts) >= 3
        assert all(0 < len(prompt) <= window - NEW for prompt in found.prompts)
    if data and subject.task.layout.has_answers:
        assert subject.store is not None
        prompt, target = subject.store.row(0)
        assert found.texts[0] == [*prompt, *target]
        assert found.prompts[0] == prompt[-(window - NEW) :]
    assert probes(subject) == found
