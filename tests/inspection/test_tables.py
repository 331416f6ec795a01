"""The tables of --text."""

from collections.abc import Callable

import pytest

from gpt2kit.inspection.subject import Subject
from gpt2kit.inspection.tables import aligned, text_of
from gpt2kit.inspection.trace import trace_of

Make = Callable[..., Subject]
TASKS = pytest.mark.parametrize("task", ["translate", "summarize", "lm", "finetune", "music"])


@TASKS
def test_every_section_is_there(answered: Make, task: str) -> None:
    made = answered(task)
    lines = text_of(trace_of(made))
    assert [line[0] for line in lines if line[:1].isdigit()] == list("123456")
    assert any(f"{made.engine.model.parameter_count():,}" in line for line in lines)
    assert all(char.isprintable() for line in lines for char in line)
    assert max(map(len, lines)) < 200


def test_a_label_and_an_alignment(subject: Make, labelled: Make) -> None:
    lines = text_of(trace_of(labelled("label", "It was good.")))
    assert lines[-4] == "6 The label"
    lines = text_of(trace_of(subject("translate", steps=None, target="je suis")))
    assert [line.split()[0] for line in lines[-2:]] == ["je", "suis"]


def test_columns_stand_below_each_other() -> None:
    assert aligned([["a", "1", "x"], ["中文", "10", ""]], (1,)) == ["  a      1  x", "  中文  10"]
