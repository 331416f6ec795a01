"""Conversations in the forms that tables have them."""

import json
from typing import Any

import pytest

from gpt2kit.data.columns.turns import Turn, problem_of, read_turns
from gpt2kit.errors import DataError

TURNS = [Turn("system", "Be kind."), Turn("user", "Hi."), Turn("assistant", "Hello.")]
OPENAI: list[Any] = [
    {"role": "system", "content": "Be kind."},
    {"role": "user", "content": [{"type": "text", "text": "Hi."}]},
    {"role": "assistant", "content": "Hello."},
]
SHAREGPT = [
    {"from": "system", "value": "Be kind."},
    {"from": "human", "value": "Hi."},
    {"from": "gpt", "value": "Hello."},
]


FORMS: list[Any] = [
    *(OPENAI, SHAREGPT, json.dumps(OPENAI), repr(SHAREGPT), {"messages": OPENAI, "id": 3}),
    [{"speaker": "system", "text": "Be kind."}, {"human": "Hi.", "assistant": "Hello."}],
]


@pytest.mark.parametrize("value", FORMS)
def test_forms(value: object) -> None:
    assert read_turns(value, "a") == TURNS


def test_strings_alternate_and_neighbours_are_joined() -> None:
    assert read_turns(["Hi.", "Hello."], "a") == TURNS[1:]
    twice = [{"role": "user", "content": "One."}, {"role": "user", "content": "Two."}]
    assert read_turns(twice, "a") == [Turn("user", "One.\nTwo.")]


@pytest.mark.parametrize(
    "value", ["Hi.", 3, None, {"role": "user"}, [3], [{"content": "x"}], [{"role": "user", "content": 3}]]
)
def test_values_that_are_no_conversation(value: object) -> None:
    with pytest.raises(DataError, match=r'a.jsonl:3: .*expected a list of turns such as {"role": "user"'):
        read_turns(value, "a.jsonl:3")


@pytest.mark.parametrize(
    ("turns", "problem"),
    [
        (TURNS, ""),
        (TURNS[1:], ""),
        ([], "no answer to a user"),
        (TURNS[:2], "no answer to a user"),
        ([TURNS[2], TURNS[1]], "no answer to a user"),
        ([*TURNS, Turn("tool", "3")], "a turn of 'tool'"),
        ([*TURNS, TURNS[0]], "a system prompt after the first turn"),
        ([TURNS[1], Turn("assistant", "")], "an empty turn"),
    ],
)
def test_conversations_to_learn_from(turns: list[Turn], problem: str) -> None:
    assert problem_of(turns) == problem
