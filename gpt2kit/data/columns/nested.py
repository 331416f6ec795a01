"""Rows that have several questions each, or a question with its choices in one column, as flat rows; and
conversations in two columns, as TRL has them, as whole ones."""

from collections.abc import Iterator
from typing import Any, TypeGuard

Row = dict[str, object]

SPEAKERS = ("user", "assistant")


def flat_rows(row: Row) -> Iterator[Row]:
    """The questions of a row, each with the other columns: of SQuAD's paragraphs, of QuALITY's and RACE's articles.

    A question that is an object, as AI2 and CommonsenseQA have it, becomes a text and its choices. Turns in `prompt`
    and `completion`, or in `history`, become those of one conversation. A row of any other form is unchanged.
    """
    if paragraphs := _objects(row.get("paragraphs"), "qas"):
        rest = {name: value for name, value in row.items() if name != "paragraphs"}
        for paragraph in paragraphs:
            context = {name: value for name, value in paragraph.items() if name != "qas"}
            yield from ({**rest, **context, **each} for each in _objects(paragraph["qas"], "question"))
    elif instances := _objects(row.get("instances"), "output"):
        rest = {name: value for name, value in row.items() if name != "instances"}
        yield from ({**rest, **each} for each in instances)
    elif messages := _with_history(row):
        yield messages
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


def _with_history(row: Row) -> Row:
    """A row of Alpaca's layout whose `history` has earlier turns, in pairs, as a conversation; or nothing."""
    history = row.get("history")
    answer = next((name for name in ("output", "response") if isinstance(row.get(name), str)), "")
    if not isinstance(history, list) or not all(_is_pair(each) for each in history) or not answer:
        return {}
    asked = ("instruction", "prompt", "input", "query")
    question = "\n".join(text for name in asked if isinstance(text := row.get(name), str) and text.strip())
    pairs: list[Any] = [*history, [question, row[answer]]]
    turns = [{"role": role, "content": text} for pair in pairs for role, text in zip(SPEAKERS, pair, strict=True)]
    system = row.get("system")
    first = [{"role": "system", "content": system}] if isinstance(system, str) and system.strip() else []
    rest = {name: value for name, value in row.items() if name not in (*asked, answer, "history", "system")}
    return {**rest, "messages": [*first, *turns]}


def _is_pair(value: object) -> bool:
    return isinstance(value, list) and len(value) == 2 and all(isinstance(each, str) for each in value)


def _has(value: object, key: str) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict) and key in value


def _objects(value: object, key: str) -> list[dict[str, Any]]:
    """The objects of a list if all of them have this key; otherwise none."""
    return value if isinstance(value, list) and all(_has(each, key) for each in value) else []


def _same_length(*values: object) -> bool:
    lists = [value for value in values if isinstance(value, list)]
    return len(lists) == len(values) and len({*map(len, lists)}) == 1
