"""Where the text of an answer ends: before a stop text, and never within a character."""

from codecs import getincrementaldecoder
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from gpt2kit.config import GenerateConfig
from gpt2kit.errors import UserError
from gpt2kit.tasks.base import Task
from gpt2kit.tasks.vocabulary import Vocabulary

LONGEST_CHARACTER = 4
"""Bytes of a character in UTF-8, at most."""

CONTINUATION = bytes(range(0x80, 0xC0))
"""The bytes of UTF-8 that only continue a character."""


def tail(ids: Sequence[int], size: int, vocabulary: Vocabulary) -> bytes:
    """The last bytes of the text of ids, at least `size` if there are as many; control tokens have none."""
    pieces: list[bytes] = []
    for id in reversed(ids):
        if size <= 0:
            break
        if isinstance(piece := vocabulary.spell(id), bytes):
            pieces.insert(0, piece)
            size -= len(piece)
    return b"".join(pieces)


def whole(text: str, ids: Sequence[int], vocabulary: Vocabulary) -> str:
    """The text of ids without the beginning of a character that they do not complete."""
    if not text.endswith("\ufffd"):
        return text
    decoder = getincrementaldecoder("utf-8")("ignore")
    decoder.decode(tail(ids, LONGEST_CHARACTER, vocabulary))
    return text[:-1] if decoder.getstate()[0] else text


def readable(ids: Sequence[int], vocabulary: Vocabulary) -> str:
    """Ids in readable form, without the parts of characters that a cut has left at the ends of a text."""
    shown = []
    for is_text, pieces in groupby(((vocabulary.spell(id), id) for id in ids), lambda each: isinstance(each[0], bytes)):
        found = [*pieces]
        if is_text:
            text = b"".join(piece for piece, _ in found if isinstance(piece, bytes)).lstrip(CONTINUATION)
            shown.append(getincrementaldecoder("utf-8")("replace").decode(text))
        else:
            shown.append(vocabulary.render([id for _, id in found]))
    return "".join(shown)


@dataclass(frozen=True)
class Stops:
    """The texts that end an answer."""

    texts: tuple[str, ...]
    vocabulary: Vocabulary
    decode: Callable[[Sequence[int]], str]

    def ended(self, ids: Sequence[int]) -> bool:
        """Whether an answer contains one of the texts, of which the last id completes the first."""
        longest = max(len(text.encode()) for text in self.texts)
        seen = tail(ids, longest + len(tail(ids[-1:], 1, self.vocabulary)), self.vocabulary)
        if not any(text.encode() in seen for text in self.texts):
            return False
        return any(text in self.decode(ids) for text in self.texts)

    def cut(self, text: str) -> str:
        """The text before the stop text in it that is complete first, however the text is split into tokens."""
        places = [(place + len(stop), place) for stop in self.texts if (place := text.find(stop)) >= 0]
        return text[: min(places)[1]] if places else text

    def held(self, text: str) -> int:
        """The number of characters at the end that may be the beginning of a stop text."""
        sizes = (size for stop in self.texts for size in range(1, len(stop)) if text.endswith(stop[:size]))
        return max(sizes, default=0)


def stops_of(task: Task[Any, Any], config: GenerateConfig) -> Stops | None:
    """The texts that end an answer; None without any. Raises UserError for a task whose answers are not texts."""
    if not config.stop:
        return None
    if task.about.medium == "performance":
        raise UserError("generate.stop: a performance has no text that could end it; leave it out")
    return Stops(config.stop, task.vocabulary, task.decode)


def output_of(task: Task[Any, Any], ids: Sequence[int], stops: Stops | None) -> Any:
    """The output of ids; a text ends before a stop text, and with a whole character."""
    output = task.decode(ids)
    if not isinstance(output, str):
        return output
    text = whole(output, ids, task.vocabulary)
    return stops.cut(text) if stops else text
