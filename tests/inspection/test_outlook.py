"""Which tokens could have come next, compared with decoding itself."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from gpt2kit.decoding import sampling
from gpt2kit.inspection.outlook import decoded_logits, path
from gpt2kit.inspection.subject import Subject
from gpt2kit.inspection.trace import trace_of

Make = Callable[..., Subject]


def test_a_greedy_path_takes_the_likeliest_token_at_each_step(subject: Make) -> None:
    made = subject("translate")
    steps = path(trace_of(made), made.engine.config)
    answered = [step for step in steps if step.chosen >= 0]
    assert [step.chosen for step in answered][: len(made.ids) - made.prompt] == made.ids[made.prompt :]
    assert all(step.rank == 1 and step.drawn == 1 and step.in_play == 1 for step in answered)
    assert all(step.alternatives[0][0] == step.chosen for step in answered)


@pytest.mark.parametrize(
    "settings",
    [
        {"temperature": 0.7, "top_k": 4, "top_p": 1.0},
        {"temperature": 1.5, "top_k": 0, "top_p": 0.8},
        {"temperature": 1.0, "repetition_penalty": 1.7, "ban_ids": [40, 41]},
        {"temperature": 1.0, "repetition_penalty": 1.7, "penalty_on": "answer"},
    ],
)
def test_what_is_in_play_is_what_is_drawn_from(subject: Make, settings: dict[str, Any]) -> None:
    made = subject("lm", **settings)
    config, found = made.engine.config, trace_of(made)
    for step, logits in zip(path(found, config), torch.from_numpy(found.logits), strict=True):
        seen = torch.zeros(1, len(logits), dtype=torch.bool)
        seen[0, made.ids[made.prompt * (config.penalty_on == "answer") : step.position + 1]] = True
        changed = sampling.penalise(logits[None], seen, config.repetition_penalty)
        changed[0, list(config.ban_ids)] = -torch.inf
        expected = sampling.probabilities(changed, config)[0]
        assert step.in_play == int((expected > 0).sum())
        for id, chance, drawn in step.alternatives:
            assert chance == pytest.approx(float(logits.softmax(-1)[id]), rel=1e-5)
            assert drawn == pytest.approx(float(expected[id]), rel=1e-5)
        if step.chosen >= 0:
            assert step.drawn > 0  # nothing is drawn that is not in play


def test_the_record_stays_as_it_is(subject: Make) -> None:
    found = trace_of(subject("lm"))
    before = found.logits.copy()
    decoded_logits(found, found.subject.engine.configured({"repetition_penalty": 2.0, "ban_ids": [1]}))
    assert (found.logits == before).all()
