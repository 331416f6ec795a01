"""Tables whose columns are separated by tabs, commas or another character: how a file is written, and its records."""

import csv
import re
from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import NamedTuple, TypeVar

from gpt2kit.data.lines import decoded_lines
from gpt2kit.errors import DataError

# The number of the line where a record begins, counted from 1, and its fields.
Record = tuple[int, list[str]]

Item = TypeVar("Item")

DECLARED = re.compile(r'"?sep=(.?)"?[\r\n]*', re.IGNORECASE)
SEPARATORS = (",", ";", "\t", "|")
NAMED = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "vertical bars"}

SAMPLE = 50
"""Lines that decide on the separator."""

MOST = 0.5
"""Share of the records that a separator must split alike: a row with a mistake is reported by its line."""

# The csv module refuses fields beyond 128 KB by default. An unclosed quote makes one field of all that follows, which
# must not fill the memory.
LONGEST_FIELD = 1 << 26


class Written(NamedTuple):
    """How a table is written."""

    separator: str
    quotes: bool
    """Whether quotes enclose fields as in RFC 4180; otherwise they are ordinary characters."""
    declared: bool = False
    """Whether the first line only names the separator, as in `sep=;`, which Excel writes and reads."""

    @property
    def name(self) -> str:
        return NAMED.get(self.separator, repr(self.separator))

    def describe(self, path: str, tabs: bool) -> list[str]:
        """Lines for the user about whatever the name of the file, which is .tsv if it promises `tabs`, does not
        tell."""
        separated = f"columns are separated by {self.name}"
        if self.declared:
            return [f"{path}:1: {separated}, as this line says"]
        return [] if self.separator == ("\t" if tabs else ",") else [f"{path}: {separated}"]


def open_delimited(path: str, tabs: bool) -> tuple[Written, Iterator[str]]:
    """How a table is written, and its lines with their ends; `tabs` if it is called .tsv."""
    lines = decoded_lines(path)
    sample, lines = peek(lines, SAMPLE)
    return _written(sample, tabs), lines


def records(path: str, written: Written, lines: Iterable[str]) -> Iterator[Record]:
    """The records of a table; blank ones of a CSV are skipped. Raises DataError for wrong quoting."""
    first = 2 if written.declared else 1
    lines = islice(lines, first - 1, None)
    if not written.quotes:
        for number, line in enumerate(lines, first):
            yield number, (line[:-2] if line.endswith("\r\n") else line.removesuffix("\n")).split(written.separator)
        return
    csv.field_size_limit(LONGEST_FIELD)
    reader = csv.reader(lines, strict=True, delimiter=written.separator)
    number = first
    try:
        for fields in reader:
            if fields:
                yield number, fields
            number = reader.line_num + first
    except csv.Error as error:
        raise DataError(f"{path}:{number}: the row that begins here is not valid CSV (RFC 4180): {error}") from None


def peek(items: Iterator[Item], number: int) -> tuple[list[Item], Iterator[Item]]:
    """The first items, at most `number`, and all of them; an error of reading comes where the item would."""
    found: list[Item] = []
    try:
        for item in islice(items, number):
            found.append(item)  # extend may lose the items before an error
    except DataError as error:
        return found, chain(found, _failing(error))
    return found, chain(found, items)


def _failing(error: DataError) -> Iterator[Item]:
    raise error
    yield  # makes it a generator


def _written(sample: list[str], tabs: bool) -> Written:
    declared = DECLARED.fullmatch(sample[0]) if sample else None
    if declared:
        separator = declared[1] or ("\t" if tabs else ",")
        return Written(separator, quotes=not (tabs and separator == "\t"), declared=True)
    if tabs:
        found = "" if any("\t" in line for line in sample) else _separator(sample, (",", ";"))
        return Written(found, quotes=True) if found else Written("\t", quotes=False)
    return Written(_separator(sample, SEPARATORS) or ",", quotes=True)


def _separator(sample: list[str], candidates: Iterable[str]) -> str:
    """The first candidate that splits all records into the same number of fields, more than one, or else most of them;
    empty if none does.

    A comma that is always followed by a space belongs to a text if another candidate splits the records, too.
    """
    shares = {each: _equal_records(sample, each) for each in candidates}
    found = [each for each in shares if shares[each] == 1] or [each for each in shares if shares[each] >= MOST]
    if len(found) > 1 and found[0] == "," and not any(_commas_alone(line) for line in sample):
        return found[1]
    return found[0] if found else ""


def _commas_alone(line: str) -> bool:
    return line.count(",") > line.count(", ")


def _equal_records(sample: list[str], separator: str) -> float:
    """The share of the records that have as many fields as the first; 0 if that is one field. The last record may be
    cut by the end of the sample."""
    csv.field_size_limit(LONGEST_FIELD)
    try:
        rows = [row for row in csv.reader(sample, delimiter=separator) if row]
    except csv.Error:
        return 0
    whole = rows[:-1] if len(sample) == SAMPLE and len(rows) > 1 else rows
    if not whole or len(whole[0]) == 1:
        return 0
    return sum(len(row) == len(whole[0]) for row in whole) / len(whole)
