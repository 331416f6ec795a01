"""Tables of text, row by row: TSV, CSV and JSON lines.

The standard library reads them, not `datasets`, which guesses types (a column of years becomes integers, "NA" becomes
nothing), treats a quote in a TSV as quoting and does not name the line of an error.
"""

import csv
import difflib
import json
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from gpt2kit.data.lines import cut, decoded_lines, text_lines
from gpt2kit.errors import DataError

Pair = tuple[str, str]
# The number of the line or row, counted from 1, and its fields by column.
TableRow = tuple[int, dict[str, object]]
Columns = tuple[str, ...]
# Chooses the columns, given the first row and its position.
Choice = Callable[[dict[str, object], str], Columns]


class Fields(NamedTuple):
    """The values of some columns of a row."""

    where: str
    """The position of the row, for messages."""
    values: list[str]
    id: str = ""
    """The row's own name, from a column called so; a TSV has none."""


# The csv module refuses fields beyond 128 KB by default. An unclosed quote makes one field of all that follows, which
# must not fill the memory.
LONGEST_FIELD = 1 << 26


def tsv_pairs(path: str, columns: Pair | None) -> Iterator[Pair]:
    """Two columns of a TSV as in `tsv_fields`; without `columns` the first two, and the first line is not a header."""
    for fields in tsv_fields(path, columns or ("0", "1")):
        source, target = fields.values
        yield source, target


def tsv_fields(path: str, columns: Columns | Choice) -> Iterator[Fields]:
    """Columns of a TSV, by index or by the names in its first line. A quote is an ordinary character.

    Raises DataError for a line with too few columns and for a name that the first line lacks.
    """
    lines = enumerate(text_lines(path), 1)
    if not callable(columns) and all(column.isdecimal() for column in columns):
        indices = [int(column) for column in columns]
    else:
        header = next(lines, (1, ""))[1].split("\t")
        names = columns(dict.fromkeys(header), f"{path}:1") if callable(columns) else columns
        indices = [_index(name, header, f"{path}:1") for name in names]
    needed = max(indices) + 1
    for number, line in lines:
        fields = line.split("\t", needed)
        if len(fields) < needed:
            raise DataError(
                f"{path}:{number}: expected at least {needed} columns separated by tabs, found {len(fields)}: "
                f"{cut(line)!r}"
            )
        yield Fields(f"{path}:{number}", [fields[index] for index in indices])


def tsv_rows(path: str, header: bool) -> Iterator[TableRow]:
    """Rows of a TSV; without a header columns are named by their numbers from 0. A quote is an ordinary character.

    Raises DataError for a row that is longer or shorter than the header.
    """
    names: list[str] = []
    for number, line in enumerate(text_lines(path), 1):
        fields = line.split("\t")
        if not header:
            yield number, {str(index): field for index, field in enumerate(fields)}
        elif not names:
            names = fields
        elif len(fields) == len(names):
            yield number, dict(zip(names, fields, strict=True))
        else:
            raise DataError(
                f"{path}:{number}: {len(fields)} columns separated by tabs, but the first line has {len(names)} "
                f"({listed(names)}): {cut(line)!r}; if the first line is not a header, give columns by number, as in "
                "--columns text=1,label=0"
            )


def csv_rows(path: str, header: bool = True) -> Iterator[TableRow]:
    """Rows of a CSV as in RFC 4180, each numbered by its first line; blank rows are skipped. The first names the
    columns; without a `header` they are named by their numbers from 0.

    Raises DataError for wrong quoting and for a row that is longer or shorter than the header.
    """
    csv.field_size_limit(LONGEST_FIELD)
    names: list[str] = []
    for number, fields in _csv_records(path):
        if not fields:
            continue
        if not header and not names:
            names = [str(index) for index in range(len(fields))]
        if not names:
            names = fields
        elif len(fields) == len(names):
            yield number, dict(zip(names, fields, strict=True))
        else:
            raise DataError(
                f"{path}:{number}: {len(fields)} fields, but the header has {len(names)} ({listed(names)}): "
                f"{cut(','.join(fields))!r}; a field that contains a comma needs quotes"
            )


def json_rows(path: str) -> Iterator[TableRow]:
    """Rows of JSON lines; blank lines are skipped. Raises DataError for a line that is not a JSON object."""
    for number, line in enumerate(text_lines(path), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if "\\u" in line:  # JSON can escape half of a surrogate pair, which is not text
                json.dumps(row, ensure_ascii=False).encode("utf-8")
        except (ValueError, RecursionError) as error:
            raise _not_an_object(f"{path}:{number}", _reason(error), line) from None
        if not isinstance(row, dict):
            raise _not_an_object(f"{path}:{number}", f"a {type(row).__name__}", line)
        yield number, row


def pick_pairs(rows: Iterable[TableRow], columns: Pair | None, place: str) -> Iterator[Pair]:
    """Source and target of each row as in `pick_fields`; without `columns` the first row decides."""
    for fields in pick_fields(map(_unnested, rows), columns or _default_columns, place):
        source, target = fields.values
        yield source, target


def pick_fields(rows: Iterable[TableRow], columns: Columns | Choice, place: str) -> Iterator[Fields]:
    """Some columns of each row. `place` + row number is its position in messages.

    Raises DataError for a missing column and for a value that is not a string (null counts as an empty one), and any
    error of the choice.
    """
    for number, row in rows:
        where = f"{place}{number}"
        if callable(columns):
            columns = columns(row, where)
        own = row.get("id")
        name = str(own) if isinstance(own, (str, int)) else ""
        yield Fields(where, [text_of(row, column, where) for column in columns], name)


def listed(names: Iterable[str]) -> str:
    """Names as messages show them."""
    return ", ".join(repr(name) for name in names)


def _csv_records(path: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(decoded_lines(path), strict=True)
    number = 1
    try:
        for fields in reader:
            yield number, fields
            number = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path}:{number}: the row that begins here is not valid CSV (RFC 4180): {error}") from None


def _unnested(row: TableRow) -> TableRow:
    """The pair itself where a column contains it, as OPUS has it on the Hub: {"translation": {"en": , "fr": }}."""
    translation = row[1].get("translation")
    return (row[0], translation) if isinstance(translation, dict) else row


def _default_columns(row: dict[str, object], where: str) -> Pair:
    if "source" in row and "target" in row:
        return "source", "target"
    strings = [name for name, value in row.items() if value is None or isinstance(value, str)]
    if len(strings) == 2:
        return strings[0], strings[1]
    raise DataError(
        f"{where}: cannot tell which columns are source and target: {listed(row)} are not named so, and {len(strings)} "
        "of them contain strings, not 2; name them with --columns SOURCE,TARGET"
    )


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
    found = f"{cut(repr(value))} ({type(value).__name__})"
    raise DataError(f"{where}: column {column!r} contains {found}; a string or null is accepted")


def _index(name: str, header: list[str], where: str) -> int:
    if name not in header:
        raise _no_column(name, header, where)
    return header.index(name)


def _no_column(name: str, existing: Iterable[str], where: str) -> DataError:
    close = difflib.get_close_matches(name, existing, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return DataError(f"{where}: no column {name!r}; the columns are {listed(existing)}{hint}")


def _not_an_object(where: str, reason: str, line: str) -> DataError:
    return DataError(f"{where}: expected one JSON object per line, found {cut(line)!r}: {reason}")


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return str(error)
