"""Tokens as a person can see them: spaces, ends of lines and parts of characters are made visible."""

import unicodedata
from typing import Any, NamedTuple

from gpt2kit.tasks.base import Task

MARKS = {" ": "·", "\n": "↵", "\t": "⇥", "\r": "␍"}


class Piece(NamedTuple):
    """One id."""

    shown: str
    """With marks for what would not be seen."""
    kind: str
    """text; part, which is some bytes of a character; or name, which is no text."""
    content: bytes
    """What the id stands for; of a name nothing."""


def piece_of(task: Task[Any, Any], id: int) -> Piece:
    """How an id of a task's vocabulary is shown."""
    spelled = task.vocabulary.spell(id)
    if not spelled:  # a model may have more tokens than its tokenizer
        return Piece(f"⟨{id}⟩", "name", b"")
    if isinstance(spelled, str):
        return Piece("".join(char if char == " " else _visible(char) for char in spelled), "name", b"")
    try:
        spelled.decode()
    except UnicodeDecodeError:
        return Piece(visible(spelled), "part", spelled)
    return Piece(visible(spelled), "text", spelled)


def _visible(char: str) -> str:
    """A character, or what stands for one that would not be seen or would move others."""
    if char in MARKS:
        return MARKS[char]
    kind = unicodedata.category(char)
    return f"⟨U+{ord(char):04X}⟩" if kind[0] in "CZ" else f"◌{char}" if kind == "Mn" else char


def visible(content: bytes) -> str:
    """Text of which everything is seen: bytes that are no whole characters in hexadecimal digits."""
    shown = ""
    while content:
        for size in range(1, 5):
            try:
                shown += "".join(map(_visible, content[:size].decode()))
            except UnicodeDecodeError:
                continue
            content = content[size:]
            break
        else:
            shown, content = f"{shown}⟨{content[0]:02X}⟩", content[1:]
    return shown.replace("⟩⟨", " ")
