"""Turns of a conversation, in the forms of ShareGPT and of OpenAI's messages."""

from collections.abc import Iterable
from itertools import groupby, islice, pairwise
from typing import NamedTuple

from gpt2kit.data.lines import cut
from gpt2kit.data.tables.json_rows import TURNS
from gpt2kit.data.tables.literals import parse_literal
from gpt2kit.errors import DataError

SYSTEM, USER, ASSISTANT = "system", "user", "assistant"

SPEAKERS = {
    "system": SYSTEM,
    "user": USER,
    "human": USER,
    "prompter": USER,
    "assistant": ASSISTANT,
    "gpt": ASSISTANT,
    "bot": ASSISTANT,
    "chatgpt": ASSISTANT,
    "model": ASSISTANT,
}

EXPECTED = 'a list of turns such as {"role": "user", "content": "..."} or {"from": "human", "value": "..."}'


FIRST_ROWS = 20
"""Rows in which turns are looked for."""


class Turn(NamedTuple):
    speaker: str
    """system, user or assistant; for others, as the table has it."""
    text: str


def read_turns(value: object, where: str) -> list[Turn]:
    """The turns of a conversation; neighbours of one speaker are joined. A list of strings alternates, the user first.

    Raises DataError for anything that is not a list of turns, or such a list as JSON in a string.
    """
    if isinstance(value, str):
        try:
            value = parse_literal(value)
        except ValueError:
            raise DataError(f"{where}: the conversation is {cut(repr(value))}; expected {EXPECTED}") from None
    if isinstance(value, dict):
        value = next((value[name] for name in TURNS if name in value), value)
    if not isinstance(value, list):
        raise DataError(f"{where}: the conversation is {cut(repr(value))}; expected {EXPECTED}")
    turns = [turn for number, each in enumerate(value) for turn in _turns(each, number, where)]
    joined = groupby(turns, lambda turn: turn.speaker)
    return [Turn(speaker, "\n".join(turn.text for turn in same)) for speaker, same in joined]


def turn_columns(rows: Iterable[tuple[str, dict[str, object]]]) -> list[str]:
    """The columns whose values are turns with speakers, or texts if the name tells that these are turns."""
    first = [row for _, row in islice(rows, FIRST_ROWS)]
    return [name for name in first[0] if all(_are_turns(name, row.get(name), where="") for row in first)]


def _are_turns(name: str, value: object, where: str) -> bool:
    texts = isinstance(value, list) and any(isinstance(each, str) for each in value)
    if not isinstance(value, list | dict) or (texts and name.casefold() not in TURNS):
        return False
    try:
        return len(read_turns(value, where)) > 1
    except DataError:
        return False


def _turns(value: object, number: int, where: str) -> list[Turn]:
    """The turns of one element: one, or those of an object such as {"human": ..., "assistant": ...}."""
    if isinstance(value, str):
        return [Turn((USER, ASSISTANT)[number % 2], value)]
    if isinstance(value, dict):
        speaker = value.get("role", value.get("from", value.get("speaker")))
        text = _text(value.get("content", value.get("value", value.get("text"))))
        if isinstance(speaker, str) and text is not None:
            return [Turn(SPEAKERS.get(speaker.casefold(), speaker), text)]
        if value and all(key.casefold() in SPEAKERS and isinstance(said, str) for key, said in value.items()):
            return [Turn(SPEAKERS[key.casefold()], said) for key, said in value.items()]
    raise DataError(f"{where}: turn {number + 1} of the conversation is {cut(repr(value))}; expected {EXPECTED}")


def _text(value: object) -> str | None:
    """A text, also in parts as OpenAI has it; nothing for a call of a tool."""
    if isinstance(value, list) and all(isinstance(part, dict) and isinstance(part.get("text"), str) for part in value):
        return "\n".join(part["text"] for part in value)
    return "" if value is None else value if isinstance(value, str) else None


def problem_of(turns: list[Turn]) -> str:
    """Why a conversation cannot be learned from; empty if it can."""
    speakers = [turn.speaker for turn in turns]
    known = (SYSTEM, USER, ASSISTANT)
    if other := next((speaker for speaker in speakers if speaker not in known), ""):
        return f"a turn of {cut(other, 30)!r}"
    if SYSTEM in speakers[1:]:
        return "a system prompt after the first turn"
    if any(not turn.text.strip() for turn in turns if turn.speaker != SYSTEM):
        return "an empty turn"
    return "" if (USER, ASSISTANT) in pairwise(speakers) else "no answer to a user"
