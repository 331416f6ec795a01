"""Numbers in a text, as values: 1,000 and 1 000 and 1000.0 are equal."""

import re
import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

SPACES = " \u00a0\u2009\u202f"
NUMBER = re.compile(
    rf"(?<![^\W_])(?:\d{{1,3}}(?:[{SPACES}]\d{{3}})+(?!\d)|\d+)(?:[.,'’]\d+)*"  # not the 3 of mp3
)
SEPARATOR = re.compile(rf"[{SPACES}.,'’]")
PLAIN = str.maketrans(dict.fromkeys(SPACES, " ") | {"’": "'"})


class Number(NamedTuple):
    """A number as it is written, and its possible values."""

    text: str
    readings: list[list[str]]
    """Alternative readings, each a set of decimal numbers with a point. "1.234" is 1.234 or, as in German, 1234;
    "24.12.2020" is three numbers."""


def numbers(text: str) -> Iterator[Number]:
    """The numbers written in digits, in order; digits after a letter belong to a word."""
    return (Number(found[0], _readings(found[0])) for found in NUMBER.finditer(text))


def _readings(number: str) -> list[list[str]]:
    digits = "".join(str(unicodedata.decimal(char)) if char.isdecimal() else char for char in number)
    parts, marks = SEPARATOR.split(digits), SEPARATOR.findall(digits.translate(PLAIN))
    *whole, last = parts
    readings = []
    if _by_thousands(parts, marks):
        readings.append([_value("".join(parts))])
    is_decimal = whole and marks[-1] in ".," and marks[-1] not in marks[:-1] and _by_thousands(whole, marks[:-1])
    if is_decimal and not (readings and last == "000"):  # 1.000 would otherwise be 1
        readings.append([_value("".join(whole), last)])
    if not readings or (" " in marks and not any(part[0] == "0" for part in parts[1:])):  # "5 100" may be two
        readings.append([_value(part) for part in parts])
    return readings


def _by_thousands(parts: list[str], marks: list[str]) -> bool:
    """Whether the parts form one whole number, all separated by the same mark."""
    if not marks:
        return True
    groups = len(parts[0]) <= 3 and parts[0][0] != "0" and all(len(part) == 3 for part in parts[1:])
    return groups and len(set(marks)) == 1


def _value(whole: str, fraction: str = "") -> str:
    whole, fraction = whole.lstrip("0") or "0", fraction.rstrip("0")
    return f"{whole}.{fraction}" if fraction else whole
