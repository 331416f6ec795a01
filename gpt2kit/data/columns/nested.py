"""Rows that have several questions each, or a question with its choices in one column, as flat rows; and
conversations in two columns, as TRL has them, as whole ones."""

from collections.abc import Iterator
from typing import Any, TypeGuard

Row = dict[str, object]


def flat_rows(row: Row) -> Iterator[Row]:
    """The questions of a row, each with the other columns: of SQuAD's paragraphs, of QuALITY's and RACE's articles.

    A question that is an object, as AI2 and CommonsenseQA have it, becomes a text and its choices. Turns in `prompt`
    and `completion` become those of one conversation. A row of any other form is unchanged.
    """
    if paragraphs := _objects(row.get("paragraphs"), "qas"):
        rest = {name: value for name, value in row.items() if name != "paragraphs"}
        for paragraph in paragraphs:
            context = {name: value for name, value in paragraph.items() if name != "qas"}
            yield from ({**rest, **context, **each} for each in _objects(paragraph["qas"], "question"))
    elif questions := _objects(row.get("questions"), "question"):
        rest = {name: value for name, value in row.items() if name != "questions"}
        yield from ({**rest, **each} for each in questions)
    elif "questions" in row and _same_length(row["questions"], row.get("options"), row.get("answers")):
        lists: Any = (row["questions"], row["options"], row["answers"])
        rest = {name: value for name, value in row.items() if name not in ("questions", "options", "answers")}
        for question, options, answer in zip(*lists, strict=True):
            yield {**rest, "question": question, "options": options, "answer": answer}
    elif (prompt := _objects(row.get("prompt"), "role")) and (answer := _objects(row.get("completion"), "role")):
        yield {
            **{name: value for name, value in row.items() if name not in ("prompt", "completion")},
            "messages": [*prompt, *answer],
        }
    else:
        question = row.get("question")
        yield {**row, **question, "question": question["stem"]} if _has(question, "stem") else row


def _has(value: object, key: str) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and key in value


def _objects(value: object, key: str) -> list[dict[str, Any]]:
    """The objects of a list if all of them have this key; otherwise none."""
    return value if isinstance(value, list) and all(_has(each, key) for each in value) else []


def _same_length(*values: object) -> bool:
    lists = [value for value in values if isinstance(value, list)]
    return len(lists) == len(values) and len({*map(len, lists)}) == 1
