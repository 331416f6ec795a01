"""The control tokens around the texts of a classifier, as a post-processor in tokenizer.json.

gpt2kit adds these tokens itself and ignores every post-processor. The frame is for other programs: their tokenizers
add the same tokens to a plain text, or to two.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

Described = dict[str, Any]
"""A post-processor as tokenizer.json describes it."""


class Frame(NamedTuple):
    """The tokens before a text, between two texts, and after the last one."""

    start: str
    delimiter: str
    end: str

    def template(self, id_of: Callable[[str], int | None]) -> Described:
        """The post-processor that adds these tokens, which must be in the vocabulary."""
        tokens = {token: {"id": token, "ids": [id_of(token)], "tokens": [token]} for token in self}
        one = [_token(self.start), _text("A"), _token(self.end)]
        two = [_token(self.start), _text("A"), _token(self.delimiter), _text("B"), _token(self.end)]
        return {"type": "TemplateProcessing", "single": one, "pair": two, "special_tokens": tokens}


def _token(token: str) -> Described:
    return {"SpecialToken": {"id": token, "type_id": 0}}


def _text(name: str) -> Described:
    """GPT-2 has no types of tokens: all are 0."""
    return {"Sequence": {"id": name, "type_id": 0}}


def is_sequence(found: Described | None) -> bool:
    return found is not None and found["type"] == "Sequence"


def appended(found: Described | None, template: Described) -> Described:
    """A post-processor, which must not be a sequence, and the template after it; `frame_in` finds the frame again."""
    return {"type": "Sequence", "processors": [found, template]} if found else template


def frame_in(found: Described | None, id_of: Callable[[str], int | None]) -> Frame | None:
    """The frame that is the last part of a post-processor; None if it is any other."""
    if found is None:
        return None
    parts = found.get("processors", [found])
    if len(parts) != 1 + is_sequence(found) or parts[-1]["type"] != "TemplateProcessing":
        return None
    tokens = [piece["SpecialToken"]["id"] for piece in parts[-1]["pair"] if "SpecialToken" in piece]
    if len(tokens) != len(Frame._fields):
        return None
    frame = Frame(*tokens)
    return frame if parts[-1] == frame.template(id_of) else None
