"""Tokens in visible form: spaces, line ends and parts of characters are marked."""

import unicodedata
from typing import Any, NamedTuple

from gpt2kit.tasks.base import Task

MARKS = {" ": "·", "\n": "↵", "\t": "⇥", "\r": "␍"}


class Piece(NamedTuple):
    """One id."""

    shown: str
    """With marks for invisible characters."""
    kind: str
    """text; part (some bytes of a character); or name (not text)."""
    content: bytes
    """The bytes of the id; empty for a name."""


def piece_of(task: Task[Any, Any], id: int) -> Piece:
    """The visible form of an id of a task's vocabulary."""
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
    """A character, or a substitute for one that is invisible or would move others."""
    if char in MARKS:
        return MARKS[char]
    kind = unicodedata.category(char)
    return f"⟨U+{ord(char):04X}⟩" if kind[0] in "CZ" else f"◌{char}" if kind == "Mn" else char


def visible(content: bytes) -> str:
    """Visible text: bytes that are not whole characters are in hexadecimal."""
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
