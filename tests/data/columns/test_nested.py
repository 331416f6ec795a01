"""Rows that have several questions each, or a question with its choices in one column."""

from typing import Any

import pytest

from gpt2kit.data.columns.nested import flat_rows

ANSWERS = [{"text": "Jo", "answer_start": 0}]


@pytest.mark.parametrize(
    ("row", "flat"),
    [
        ({"text": "x"}, [{"text": "x"}]),
        ({"question": "Who?", "answer": "Jo"}, [{"question": "Who?", "answer": "Jo"}]),
        (
            {"instruction": "Go", "input": "on.", "output": "Yes.", "system": "Be.", "history": [["Hi.", "Hello."]]},
            [
                {
                    "messages": [
                        {"role": "system", "content": "Be."},
                        {"role": "user", "content": "Hi."},
                        {"role": "assistant", "content": "Hello."},
                        {"role": "user", "content": "Go\non."},
                        {"role": "assistant", "content": "Yes."},
                    ]
                }
            ],
        ),
        ({"text": "x", "history": "long"}, [{"text": "x", "history": "long"}]),
        (
            {
                "title": "T",
                "paragraphs": [
                    {"context": "C", "qas": [{"id": 1, "question": "Who?", "answers": ANSWERS}]},
                    {"context": "D", "qas": [{"id": 2, "question": "Why?", "answers": []}]},
                ],
            },
            [
                {"title": "T", "context": "C", "id": 1, "question": "Who?", "answers": ANSWERS},
                {"title": "T", "context": "D", "id": 2, "question": "Why?", "answers": []},
            ],
        ),
        (
            {"article": "A", "questions": [{"question": "Who?", "options": ["x", "y"], "gold_label": 2}]},
            [{"article": "A", "question": "Who?", "options": ["x", "y"], "gold_label": 2}],
        ),
        (
            {"article": "A", "questions": ["Who?", "Why?"], "options": [["x", "y"], ["z", "w"]], "answers": ["A", "B"]},
            [
                {"article": "A", "question": "Who?", "options": ["x", "y"], "answer": "A"},
                {"article": "A", "question": "Why?", "options": ["z", "w"], "answer": "B"},
            ],
        ),
        (
            {"id": 1, "question": {"stem": "Who?", "choices": ["x", "y"]}, "answerKey": "A"},
            [{"id": 1, "question": "Who?", "answerKey": "A", "stem": "Who?", "choices": ["x", "y"]}],
        ),
        ({"questions": ["Who?"], "answers": ["A", "B"]}, [{"questions": ["Who?"], "answers": ["A", "B"]}]),
        (
            {
                "prompt": [{"role": "user", "content": "Hi."}],
                "completion": [{"role": "assistant", "content": "Hello."}],
            },
            [
                {
                    "messages": [{"role": "user", "content": "Hi."}, {"role": "assistant", "content": "Hello."}],
                }
            ],
        ),
        ({"paragraphs": ["x"]}, [{"paragraphs": ["x"]}]),
    ],
)
def test_flat_rows(row: dict[str, Any], flat: list[dict[str, Any]]) -> None:
    assert list(flat_rows(row)) == flat
