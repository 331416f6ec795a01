"""The numbers of --json: those of the trace."""

import json
from collections.abc import Callable

import pytest

from gpt2kit.inspection.numbers import numbers_of
from gpt2kit.inspection.subject import Subject
from gpt2kit.inspection.trace import trace_of

Make = Callable[..., Subject]


@pytest.mark.parametrize("task", ["translate", "summarize", "lm", "finetune", "music"])
def test_numbers_are_json(answered: Make, task: str) -> None:
    made = answered(task)
    found = trace_of(made)
    told = json.loads(json.dumps(numbers_of(found), allow_nan=False))
    assert [token["id"] for token in told["tokens"]] == made.ids
    assert told["model"]["total"] == sum(told["model"]["totals"].values())
    assert len(told["lens"]) == made.engine.model.config.n_layer + 1
    assert told["lens"][-1]["rank"] == found.ranks[-1].tolist()
    assert [each["id"] for each in told["lens"][0]["likeliest"][0]] == found.lens_ids[0, 0].tolist()
    for looked in told["attention"]:
        first = looked["heads"][0][0]
        assert sum(weight for _, weight in first) == pytest.approx(1, abs=1e-5)
    assert [step["id"] for step in told["path"]] == [made.followers[place] for place in found.steps]
    assert (told["alignment"] is None) == (task not in ("translate", "summarize"))
    assert (
        [each["place"] for each in told["attribution"]]
        == [each["place"] for each in told["neurons"][0]]
        == list(found.steps)
    )
    for step, each in enumerate(told["attribution"]):
        for logit in each["logits"]:
            assert logit["logit"] == pytest.approx(found.logits[step, logit["id"]], abs=1e-4)
            ends = logit["token"] + logit["position"] + logit["biases"] + logit["norm"]
            assert ends + sum(logit["mlps"]) + sum(map(sum, logit["heads"])) == pytest.approx(logit["logit"], abs=1e-4)
    assert all(len(each["strongest"][0]["up"]) == 5 for each in told["neurons"][0])
    assert len(told["roles"]) == made.engine.model.config.n_layer
