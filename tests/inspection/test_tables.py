"""The tables of --text, and the numbers of --json: the same record in other forms."""

import json
from collections.abc import Callable

import numpy as np
import pytest

from gpt2kit.inspection.numbers import numbers_of
from gpt2kit.inspection.record import record
from gpt2kit.inspection.subject import Subject
from gpt2kit.inspection.tables import aligned, text_of
from gpt2kit.inspection.wording import surprise

Make = Callable[..., Subject]
TASKS = pytest.mark.parametrize("task", ["translate", "summarize", "lm", "finetune", "music"])


def answered(subject: Make, task: str) -> Subject:
    """With an answer where a task has one, whatever the model says."""
    return subject(task, steps=None, target="je suis") if task in ("translate", "summarize") else subject(task)


@TASKS
def test_every_section_is_there(subject: Make, task: str) -> None:
    made = answered(subject, task)
    lines = text_of(record(made))
    assert [line[0] for line in lines if line[:1].isdigit()] == list("123456")
    assert any(f"{made.engine.model.parameter_count():,}" in line for line in lines)
    assert all(char.isprintable() for line in lines for char in line)
    assert max(map(len, lines)) < 200


def test_a_label_and_an_alignment(subject: Make, labelled: Make) -> None:
    lines = text_of(record(labelled("label", "It was good.")))
    assert lines[-4] == "6 The label"
    lines = text_of(record(subject("translate", steps=None, target="je suis")))
    assert [line.split()[0] for line in lines[-2:]] == ["je", "suis"]


def test_columns_stand_below_each_other() -> None:
    assert aligned([["a", "1", "x"], ["中文", "10", ""]], (1,)) == ["  a      1  x", "  中文  10"]


@TASKS
def test_numbers_are_json(subject: Make, task: str) -> None:
    made = answered(subject, task)
    found = record(made)
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


def test_surprise_is_the_loss_in_bits(subject: Make) -> None:
    found = record(subject("lm"))
    bits = surprise(found)
    assert bits[0] is None
    expected = [-np.log2(found.chances[-1, place]) for place in range(len(found.ids) - 1)]
    assert bits[1:] == pytest.approx(expected)
