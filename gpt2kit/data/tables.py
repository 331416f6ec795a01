"""Tables of text, row by row: TSV, CSV and JSON lines.

The standard library reads them, not `datasets`, which guesses types (a column of years becomes integers, "NA" becomes
nothing), takes a quote in a TSV for quoting and names no line when something is wrong.
"""

import csv
import difflib
import json
from collections.abc import Iterable, Iterator

from gpt2kit.data.lines import cut, decoded_lines, text_lines
from gpt2kit.errors import DataError

Pair = tuple[str, str]
# The number of the line or row, counted from 1, and its fields by column.
Row = tuple[int, dict[str, object]]

# The csv module refuses fields beyond 128 KB unless told otherwise; its limit must fit into a C long, on Windows too.
LONGEST_FIELD = 2**31 - 1


def tsv_pairs(path: str, columns: Pair | None) -> Iterator[Pair]:
    """Two columns of a TSV: the first two, or by index, or by the names in its first line. A quote is a character.

    Raises DataError for a line with too few columns and for a name that the first line lacks.
    """
    lines = enumerate(text_lines(path), 1)
    if columns is None:
        source, target = 0, 1
    elif columns[0].isdecimal() and columns[1].isdecimal():
        source, target = int(columns[0]), int(columns[1])
    else:
        header = next(lines, (1, ""))[1].split("\t")
        source, target = (_index(name, header, f"{path}:1") for name in columns)
    needed = max(source, target) + 1
    for number, line in lines:
        fields = line.split("\t", needed)
        if len(fields) < needed:
            raise DataError(f"{path}:{number}: {needed} columns are needed, tabs make {len(fields)}: {cut(line)!r}")
        yield fields[source], fields[target]


def csv_rows(path: str) -> Iterator[Row]:
    """Rows of a CSV as in RFC 4180, each numbered by its first line. The first is the header; blank rows are skipped.

    Raises DataError for wrong quoting and for a row that is longer or shorter than the header.
    """
    csv.field_size_limit(LONGEST_FIELD)
    header: list[str] = []
    for number, fields in _csv_records(path):
        if not fields:
            continue
        if not header:
            header = fields
        elif len(fields) == len(header):
            yield number, dict(zip(header, fields, strict=True))
        else:
            raise DataError(
                f"{path}:{number}: {len(fields)} fields, but the header has {len(header)} ({_listed(header)}): "
                f"{cut(','.join(fields))!r}; a field that holds a comma needs quotes"
            )


def json_rows(path: str) -> Iterator[Row]:
    """Rows of JSON lines; blank lines are skipped. Raises DataError for a line that is not a JSON object."""
    for number, line in enumerate(text_lines(path), 1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
            if "\\u" in line:  # JSON can escape half of a surrogate pair, which is no text
                json.dumps(row, ensure_ascii=False).encode("utf-8")
        except (ValueError, RecursionError) as error:
            raise _not_an_object(f"{path}:{number}", _reason(error), line) from None
        if not isinstance(row, dict):
            raise _not_an_object(f"{path}:{number}", f"a {type(row).__name__}", line)
        yield number, row


def pick_pairs(rows: Iterable[Row], columns: Pair | None, place: str) -> Iterator[Pair]:
    """Source and target of each row; without `columns`, chosen by the first row. `place` + row number opens a message.

    Raises DataError for a column that is not there, for a value that is no string (null counts as an empty one), and
    when no columns are named and the first row does not tell which they are.
    """
    for number, row in rows:
        translation = row.get("translation")  # OPUS on the Hub: {"translation": {"en": ..., "fr": ...}}
        if isinstance(translation, dict):
            row = translation
        if columns is None:
            columns = _default_columns(row, f"{place}{number}")
        source, target = columns
        yield _text(row, source, place, number), _text(row, target, place, number)


def _csv_records(path: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(decoded_lines(path), strict=True)
    number = 1
    try:
        for fields in reader:
            yield number, fields
            number = reader.line_num + 1
    except csv.Error as error:
        raise DataError(f"{path}:{number}: the row that begins here is not CSV as in RFC 4180: {error}") from None


def _default_columns(row: dict[str, object], where: str) -> Pair:
    if "source" in row and "target" in row:
        return "source", "target"
    strings = [name for name, value in row.items() if value is None or isinstance(value, str)]
    if len(strings) == 2:
        return strings[0], strings[1]
    raise DataError(
        f"{where}: name the columns of source and target: they are not called 'source' and 'target', and there are "
        f"{len(strings)} columns of strings, not 2, among {_listed(row)}"
    )


def _text(row: dict[str, object], column: str, place: str, number: int) -> str:
    if column not in row:
        raise _no_column(column, row, f"{place}{number}")
    value = row[column]
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    found = f"{cut(repr(value))} ({type(value).__name__})"
    raise DataError(f"{place}{number}: column {column!r} holds {found}; a string or null is accepted")


def _index(name: str, header: list[str], where: str) -> int:
    if name not in header:
        raise _no_column(name, header, where)
    return header.index(name)


def _no_column(name: str, existing: Iterable[str], where: str) -> DataError:
    close = difflib.get_close_matches(name, existing, n=1)
    hint = f"; did you mean {close[0]!r}?" if close else ""
    return DataError(f"{where}: no column {name!r}; there are {_listed(existing)}{hint}")


def _not_an_object(where: str, reason: str, line: str) -> DataError:
    return DataError(f"{where}: one JSON object a line is accepted, not {cut(line)!r}: {reason}")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(repr(name) for name in names)


def _reason(error: Exception) -> str:
    if isinstance(error, json.JSONDecodeError):
        return f"{error.msg} at column {error.colno}"
    return str(error)
