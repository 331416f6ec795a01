"""JSON values of a text of any length, one at a time: those of an array, or one after the other."""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Any

from gpt2kit.data.lines import cut
from gpt2kit.errors import DataError

SPACE = re.compile(r"[ \t\r\n]*")

TAIL = 16
"""An error this close to the end of what was read may be due to the rest that is missing."""


def loads(text: str) -> Any:
    """The value of a JSON text. Raises ValueError, also for two keys of one name and for half of a surrogate pair."""
    return _checked(DECODER.decode(text), text)


def reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return str(error)


class Values:
    """Reads the values of `blocks` of text, keeping one value and the rest of a block in memory.

    Raises DataError with the line and the number of the value that is wrong.
    """

    def __init__(self, path: str, blocks: Iterable[str], line: int = 1) -> None:
        self.path, self.source, self.line = path, iter(blocks), line
        self.text, self.at, self.number = "", 0, 0

    def of_array(self) -> Iterator[tuple[str, Any]]:
        """The position and the value of each element of an array, which must be all of the text."""
        self._skip_space()
        self.at += 1  # the opening bracket
        while (found := self._skip_space()) != "]" or self.number == 0:
            if self.number and found == ",":
                self.at += 1
                found = self._skip_space()
            elif self.number and found:
                raise DataError(f"{self.where}: expected a comma before it, found {self._shown()!r}")
            if not found:
                raise DataError(
                    f"{self.path}:{self.line}: the array does not end with `]` after element {self.number}: the file "
                    "is incomplete"
                )
            if found == "]" and self.number == 0:
                break
            yield self._next()
        self.at += 1
        if self._skip_space():
            raise DataError(f"{self.path}:{self.line}: expected nothing after the array, found {self._shown()!r}")

    def in_sequence(self) -> Iterator[tuple[str, Any]]:
        """The position and the value of each of several values with white space between them."""
        while self._skip_space():
            yield self._next()

    @property
    def where(self) -> str:
        return f"{self.path}:{self.line}: element {self.number + 1}"

    def _shown(self) -> str:
        return cut(self.text[self.at : self.at + 100])

    def _skip_space(self) -> str:
        """Move to the next character that is not white space and return it; empty at the end of the text."""
        while True:
            found = SPACE.match(self.text, self.at)
            assert found is not None  # the pattern matches an empty text
            self.line += self.text.count("\n", self.at, found.end())
            self.at = found.end()
            if self.at < len(self.text):
                return self.text[self.at]
            block = next(self.source, None)
            if block is None:
                return ""
            self.text, self.at = block, 0

    def _next(self) -> tuple[str, Any]:
        where = self.where
        while True:
            try:
                value, end = DECODER.raw_decode(self.text, self.at)
                _checked(value, self.text[self.at : end])
                break
            except (ValueError, RecursionError) as error:
                if not (_incomplete(error, len(self.text)) and self._read_on()):
                    raise DataError(
                        f"{where}: expected a JSON object, found {self._shown()!r}: {self._reason(error)}"
                    ) from None
        self.number += 1
        self.line += self.text.count("\n", self.at, end)
        self.at = end
        return where, value

    def _read_on(self) -> bool:
        """Read as much again as is waiting, so that a long value is parsed a few times only; False at the end."""
        more, wanted = [], len(self.text) - self.at
        while wanted > 0 and (block := next(self.source, None)) is not None:
            more.append(block)
            wanted -= len(block)
        self.text, self.at = "".join([self.text[self.at :], *more]), 0
        return bool(more)

    def _reason(self, error: Exception) -> str:
        if isinstance(error, json.JSONDecodeError):
            return f"{error.msg} at line {self.line + self.text.count(chr(10), self.at, error.pos)}"
        return str(error)


def _incomplete(error: Exception, length: int) -> bool:
    if not isinstance(error, json.JSONDecodeError):
        return False
    return error.pos >= length - TAIL or error.msg.startswith("Unterminated string")


def _checked(value: Any, text: str) -> Any:
    if "\\u" in text:  # JSON can escape half of a surrogate pair, which is not text
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    return value


def _object(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        name = next(name for place, name in enumerate(names) if name in names[:place])
        first, second = [place for place, each in enumerate(names, 1) if each == name][:2]
        raise ValueError(f"the keys {first} and {second} of an object are both called {name!r}; rename one")
    return found


DECODER = json.JSONDecoder(object_pairs_hook=_object)
"""Made once: `json.loads` makes one for each call with a hook."""
