"""The choices of a row, in the forms that tables have them, and the one that its answer refers to."""

import re
from typing import Any, NamedTuple

from gpt2kit.data.columns.cell_text import columns_in
from gpt2kit.data.lines import cut
from gpt2kit.data.tables.literals import parse_literal
from gpt2kit.data.tables.rows import text_of, value_of
from gpt2kit.errors import DataError

LETTER = re.compile(r"\(?([A-Za-z])[.):]?")
"""An answer such as B, (B) or B."""

NUMBER = re.compile(r"(\d+)(\.0)?")
"""An answer such as 2, or 2.0 as pandas writes it."""


class Options(NamedTuple):
    """The choices of a row."""

    texts: tuple[str, ...]
    names: tuple[str, ...] = ()
    """Their own names in the table, such as A and B."""


def read_options(row: dict[str, object], expression: str, where: str) -> Options:
    """The choices of a column, or of several columns with one choice each.

    A column has a list of strings, {"A": , "B": }, {"label": [...], "text": [...]}, a list of {"label": , "text": },
    one of these as JSON in a string, or choices with | between them. Raises DataError for anything else.
    """
    names = columns_in(expression, row)
    if len(names) > 1:
        found = [text_of(row, name, where).strip() for name in names]
        while found and not found[-1]:  # some rows have fewer choices
            found.pop()
        return Options(tuple(found), tuple(names[: len(found)]))
    value = value_of(row, names[0], where)
    if isinstance(value, str):
        value = _parsed(value, where)
    if isinstance(value, dict):
        value = value if {"label", "text"} <= value.keys() else {"label": [*value], "text": [*value.values()]}
    elif isinstance(value, list) and value and all(isinstance(each, dict) for each in value):
        value = {key: [each.get(key) for each in value] for key in ("label", "text")}
    labels: Any = []
    texts: Any = value
    if isinstance(value, dict):
        labels, texts = value["label"], value["text"]
    if not _strings(texts) or not _strings(labels) or len(labels) not in (0, len(texts)):
        raise DataError(
            f"{where}: the choices are {cut(repr(value))}; expected a list of strings, or strings with | between them"
        )
    return Options(tuple(text.strip() for text in texts), tuple(labels))


def _strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(each, str) for each in value)


def _parsed(text: str, where: str) -> object:
    if not text.lstrip().startswith(("[", "{")):
        return text.split("|")
    try:
        return parse_literal(text)
    except ValueError as error:
        raise DataError(f"{where}: the choices {cut(text)!r} are not a JSON list: {error}") from None


def chosen(options: Options, answer: str, count_from: int, named: bool = True) -> str:
    """The choice that an answer refers to: by the choice's own name, its text (if it may be `named`), its number or its
    letter; empty if there is none."""
    if answer in options.names:
        return options.texts[options.names.index(answer)]
    if named and answer in options.texts:
        return answer
    place = number_of(options, answer, named)
    if place is not None:
        place -= count_from
    elif letter := LETTER.fullmatch(answer):
        place = ord(letter[1].upper()) - ord("A")
    return options.texts[place] if place is not None and 0 <= place < len(options.texts) else ""


def number_of(options: Options, answer: str, named: bool = True) -> int | None:
    """The number by which an answer refers to a choice; None if it refers to it otherwise."""
    if answer in options.names or (named and answer in options.texts):
        return None
    found = NUMBER.fullmatch(answer)
    return int(found[1]) if found and len(found[1]) < 20 else None
