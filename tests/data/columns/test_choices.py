"""Choices and answers in the forms that tables have them."""

from typing import Any

import pytest

from gpt2kit.data.columns.choices import Options, chosen, number_of, read_options
from gpt2kit.errors import DataError


@pytest.mark.parametrize(
    ("row", "expression", "found"),
    [
        ({"c": ["x ", "y"]}, "c", Options(("x", "y"))),
        ({"c": "x| y"}, "c", Options(("x", "y"))),
        ({"c": '["x", "y"]'}, "c", Options(("x", "y"))),
        ({"c": "['x', \"it's\"]"}, "c", Options(("x", "it's"))),
        ({"c": {"A": "x", "B": "y"}}, "c", Options(("x", "y"), ("A", "B"))),
        ({"c": {"text": ["x", "y"], "label": ["1", "2"]}}, "c", Options(("x", "y"), ("1", "2"))),
        ({"c": [{"label": "A", "text": "x"}, {"label": "B", "text": "y"}]}, "c", Options(("x", "y"), ("A", "B"))),
        ({"a": "x", "b": "y", "d": ""}, "a+b+d", Options(("x", "y"), ("a", "b"))),
        ({"a+b": ["x", "y"], "a": "z", "b": "w"}, "a+b", Options(("x", "y"))),
    ],
)
def test_forms(row: dict[str, object], expression: str, found: Options) -> None:
    assert read_options(row, expression, "a") == found


@pytest.mark.parametrize(
    "value", [3, ["a", 1], "[1", "{'A': 1}", {"label": ["A"], "text": ["x", "y"]}, [{"label": "A"}]]
)
def test_values_that_are_no_choices(value: Any) -> None:
    with pytest.raises(DataError, match=r"a.jsonl:2: the choices"):
        read_options({"c": value}, "c", "a.jsonl:2")


@pytest.mark.parametrize(
    ("answer", "count_from", "target"),
    [
        ("1", 0, "y"),
        ("1", 1, "x"),
        ("3", 1, "z"),
        ("3", 0, ""),
        ("0", 1, ""),
        ("2.0", 0, "z"),
        ("B", 0, "y"),
        ("b", 1, "y"),
        ("(C)", 0, "z"),
        ("B.", 0, "y"),
        ("D", 0, ""),
        ("z", 0, "z"),
        ("w", 0, ""),
        ("99999999999999999999999", 0, ""),
    ],
)
def test_answers(answer: str, count_from: int, target: str) -> None:
    assert chosen(Options(("x", "y", "z")), answer, count_from) == target


def test_an_answer_is_a_name_then_a_text_then_a_number() -> None:
    options = Options(("2", "3", "1"), ("1", "2", "3"))
    assert chosen(options, "1", 0) == "2"
    assert chosen(Options(options.texts), "1", 0) == "1"
    assert chosen(Options(options.texts), "1", 0, named=False) == "3"
    assert number_of(options, "1") is None
    assert number_of(Options(options.texts), "1", named=False) == 1
