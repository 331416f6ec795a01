"""Tables of text, row by row: TSV, CSV and JSON.

The standard library reads them, not `datasets`, which guesses types (a column of years becomes integers, "NA" becomes
nothing), treats a quote in a TSV as quoting and does not name the line of an error.
"""

import difflib
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, time, timedelta
from itertools import chain, islice
from typing import NamedTuple

from gpt2kit.data.lines import cut
from gpt2kit.data.tables.delimited import Record, Written, open_delimited, records
from gpt2kit.data.tables.headers import is_data, names_columns, unnamed
from gpt2kit.errors import DataError

# The position of a row, for messages, and its fields by column.
TableRow = tuple[str, dict[str, object]]
Columns = tuple[str, ...]
# Chooses the columns, given the first row and its position.
Choice = Callable[[dict[str, object], str], Columns]


TABS = Written("\t", quotes=False)


class Fields(NamedTuple):
    """The values of some columns of a row."""

    where: str
    """The position of the row, for messages."""
    values: list[str]
    id: str = ""
    """The row's own name, from a column called so; a TSV has none."""


def tsv_fields(path: str, columns: Columns | Choice) -> Iterator[Fields]:
    """Columns of a TSV, by index or by the names in its first line. A quote is an ordinary character.

    Raises DataError for a line with too few columns and for a name that the first line lacks.
    """
    written, lines = open_delimited(path, tabs=True)
    if written.quotes:
        yield from pick_fields(_quoted_rows(path, written, lines, by_name(columns)), columns)
        return
    rows = records(path, written, lines)
    if not callable(columns) and not by_name(columns):
        indices = [int(column) for column in columns]
        rows = _without_header(rows)
    else:
        number, header = next(rows, (1, [""]))
        where = f"{path}:{number}"
        names = header_names(header, where)
        wanted = columns(dict.fromkeys(filter(None, names)), where) if callable(columns) else columns
        indices = [index_of(name, names, where) for name in wanted]
    for number, fields in rows:
        yield Fields(f"{path}:{number}", pick_indices(path, number, fields, indices))


def pick_indices(path: str, number: int, fields: list[str], indices: Sequence[int]) -> list[str]:
    """Some fields of a line. Raises DataError for a line with too few."""
    try:
        return [fields[index] for index in indices]
    except IndexError:
        raise DataError(
            f"{path}:{number}: expected at least {max(indices) + 1} columns separated by tabs, found {len(fields)}: "
            f"{_shown(fields, TABS)}"
        ) from None


def by_name(columns: Columns | Choice) -> bool:
    """Whether columns are chosen by the names in a header, not by number."""
    return callable(columns) or not all(column.isdecimal() for column in columns)


def tsv_rows(path: str, header: bool) -> Iterator[TableRow]:
    """Rows of a TSV; without a header columns are named by their numbers from 0. A quote is an ordinary character.

    Raises DataError for a row that is longer or shorter than the header.
    """
    written, lines = open_delimited(path, tabs=True)
    if written.quotes:
        yield from _quoted_rows(path, written, lines, header)
        return
    rows = records(path, written, lines)
    if not header:
        for number, fields in _without_header(rows):
            yield f"{path}:{number}", {str(index): field for index, field in enumerate(fields)}
    for number, names in islice(rows, 1):
        kept = header_names(names, f"{path}:{number}")
        yield from named_rows(path, written, kept, rows, kept)


def csv_rows(path: str, header: bool = True) -> Iterator[TableRow]:
    """Rows of a CSV as in RFC 4180, each numbered by its first line; blank rows are skipped. The first names the
    columns; without a `header` they are named by their numbers from 0.

    Raises DataError for wrong quoting and for a row that is longer or shorter than the header.
    """
    written, lines = open_delimited(path, tabs=False)
    yield from _quoted_rows(path, written, lines, header)


def delimited_remarks(path: str, tabs: bool, header: bool) -> list[str]:
    """Whatever the name of a TSV or CSV does not tell about the way it is read, as lines for the user."""
    written, lines = open_delimited(path, tabs)
    first = [] if header else list(islice(records(path, written, lines), 1))
    found = [f"{path}:{number}: read as a header: {listed(names)}" for number, names in first if names_columns(names)]
    return [*written.describe(path, tabs), *found]


def unnamed_columns(path: str, tabs: bool) -> list[str]:
    """The columns of a header that are left out as they have no name, or one that says so."""
    written, lines = open_delimited(path, tabs)
    for number, first in islice(records(path, written, lines), 1):
        return [each for each, name in zip(first, header_names(first, f"{path}:{number}"), strict=True) if not name]
    return []


def pick_fields(rows: Iterable[TableRow], columns: Columns | Choice) -> Iterator[Fields]:
    """Some columns of each row.

    Raises DataError for a missing column and for a value that is not a string (null counts as an empty one), and any
    error of the choice.
    """
    for where, row in rows:
        if callable(columns):
            columns = columns(row, where)
        own = row.get("id")
        name = str(own) if isinstance(own, (str, int)) else ""
        yield Fields(where, [text_of(row, column, where) for column in columns], name)


def listed(names: Iterable[str]) -> str:
    """Names as messages show them."""
    return ", ".join(repr(name) for name in names)


def header_names(fields: Sequence[str], where: str) -> list[str]:
    """The names of a header; an unnamed column keeps an empty one.

    Raises DataError for two columns of one name.
    """
    names = [field.strip() for field in fields]
    for place, name in enumerate(names):
        if name and name in names[:place]:
            raise DataError(
                f"{where}: two columns are called {name!r}: the columns {names.index(name) + 1} and {place + 1} of "
                f"{len(names)}; rename one{_or_number(names)}"
            )
    skipped = unnamed(names)
    if len(skipped) == len(names):
        return names
    return ["" if place in skipped else name for place, name in enumerate(names)]


def _or_number(names: Sequence[str]) -> str:
    """Advice for a first line that may be data: numbers, or texts of several words."""
    data = is_data(names) or any(name.replace(".", "").isdecimal() for name in names)
    return "; or if the first line is not a header, give columns by number, from 0" if data else ""


def count_columns(where: str, example: str) -> str:
    """Advice for the end of a message about the columns of a row, which may be one of a table without a header."""
    delimited = re.search(r"\.(csv|tsv)(\.\w+)?:\d+$", where, re.IGNORECASE)
    return f"; without a header, count the columns from 0, as in {example}" if delimited else ""


def value_of(row: dict[str, object], column: str, where: str) -> object:
    """Raises DataError without such a column."""
    if column not in row:
        raise _no_column(column, row, where)
    return row[column]


def text_of(row: dict[str, object], column: str, where: str) -> str:
    """A string, an empty one for null. Raises DataError for another value, and for a missing column."""
    value = value_of(row, column, where)
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    kind, remedy = type(value).__name__, ""
    if isinstance(value, date | time | timedelta):
        remedy = "; choose another column, or write it as text to a table of your own, as with str() in Python"
    found = f"{cut(repr(value) if not remedy else str(value))} ({kind})"
    raise DataError(f"{where}: column {column!r} contains {found}; a string or null is accepted{remedy}")


def _quoted_rows(path: str, written: Written, lines: Iterable[str], header: bool) -> Iterator[TableRow]:
    rows = records(path, written, lines)
    rows = rows if header else _without_header(rows)
    for number, first in islice(rows, 1):
        if header or numbered_header(first):
            names = header_names(first, f"{path}:{number}")
            yield from named_rows(path, written, names, rows, names)
        else:
            numbers = [str(index) for index in range(len(first))]
            yield from named_rows(path, written, numbers, chain([(number, first)], rows), None)


def _without_header(rows: Iterator[Record]) -> Iterator[Record]:
    """The rows of a table whose columns are given by number, without a first one that certainly names them."""
    return chain((row for row in islice(rows, 1) if not names_columns(row[1])), rows)


def numbered_header(first: Sequence[str]) -> bool:
    """Whether a first row has nothing but the numbers that pandas gives to columns without names, after its index."""
    return len(first) > 2 and first[0] == "" and first[1:] == [str(index) for index in range(len(first) - 1)]


def named_rows(
    path: str, written: Written, names: list[str], rows: Iterable[Record], header: list[str] | None
) -> Iterator[TableRow]:
    """Rows by the names of their columns; columns without a name are left out.

    Raises DataError for a row that is longer or shorter than the header, or than the first row.
    """
    kept = None if all(names) or not any(names) else [(index, name) for index, name in enumerate(names) if name]
    for number, fields in rows:
        where = f"{path}:{number}"
        if len(fields) != len(names):
            raise _unequal(written, where, fields, len(names), header)
        yield where, dict(zip(names, fields, strict=True)) if kept is None else {n: fields[i] for i, n in kept}


def _unequal(written: Written, where: str, fields: list[str], expected: int, header: list[str] | None) -> DataError:
    known = f" ({listed(header)})" if header is not None else ""
    if not written.quotes:
        return DataError(
            f"{where}: {len(fields)} columns separated by tabs, but the first line has {expected}{known}: "
            f"{_shown(fields, written)}; if the first line is not a header, give columns by number, as in --columns "
            "text=1,label=0"
        )
    first = "first row" if header is None else "header"
    separator = written.name.removesuffix("s")
    return DataError(
        f"{where}: {len(fields)} fields, but the {first} has {expected}{known}: {_shown(fields, written)}; "
        f"a field that contains a {separator} needs quotes"
    )


def _shown(fields: list[str], written: Written) -> str:
    return repr(cut(written.separator.join(fields)))


def index_of(name: str, names: list[str], where: str) -> int:
    """The place of a column, given by its name or its number. Raises DataError if there is none."""
    if name in names:
        return names.index(name)
    if name.isdecimal():
        return int(name)
    raise _no_column(name, filter(None, names), where)


def _no_column(name: str, existing: Iterable[str], where: str) -> DataError:
    existing = list(existing)
    close = difflib.get_close_matches(name, existing, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return DataError(f"{where}: no column {name!r}; the columns are {listed(existing)}{hint}")
