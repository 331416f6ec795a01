"""Rows of JSON: one object per line, an array of objects, or an object with one list of them."""

import json
import re
from collections.abc import Iterable, Iterator
from itertools import chain, count

from gpt2kit.data.lines import can_be_read_twice, cut, text_blocks, text_lines
from gpt2kit.data.tables.json_values import Values, loads, reason
from gpt2kit.errors import DataError

# The position of a row, for messages, and its values by column.
Row = tuple[str, dict[str, object]]

INDENTED = ("{", "[", ",", ":")
"""Ends of a line that does not end its object."""

TURNS = ("messages", "conversations", "conversation", "turns", "dialog", "dialogue")
"""Names of lists that belong to one row."""

ONE_PER_LINE = re.compile(r"[ \t\r]*(\n\s*(\{|$)|$)")
"""After the first object of a file."""
ARRAY = re.compile(r'\[\s*\{\s*"')
OBJECT = re.compile(r'\{\s*"[^"\\]{1,100}"\s*:\s*["\[{\d]')
LONG = 1 << 16
"""Characters of a line that begins like an object, whose end is not in the first block."""

LISTS = ("data", "rows", "examples", "items", "records", "instances", "entries", "results", "dataset", "train")
"""Usual names of the list of rows in an object that has other fields, too."""


def json_rows(path: str) -> Iterator[Row]:
    """Rows of JSON lines (blank lines are skipped), of an array of objects, of the only list of objects in an object
    such as `{"data": [...]}`, or of an object with a row for each key.

    Raises DataError for a row that is not a JSON object, and for an object with two keys of one name.
    """
    rows = _array(path, text_blocks(path)) if is_array(path) else _lines(path)
    first = next(rows, None)
    if first is None:
        return
    try:
        second = next(rows, None)
    except DataError:
        yield first
        raise
    yield from _unwrapped(path, first) if second is None else chain((first, second), rows)


def is_array(path: str) -> bool:
    """Whether a file is one array, by its first character."""
    return _begin(path).startswith("[")


def is_json(path: str) -> bool:
    """Whether a file of any name contains JSON objects, one per line or in an array, judged by its beginning."""
    text = _begin(path)
    if not text.startswith("{"):
        return ARRAY.match(text) is not None
    try:
        row, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return len(text) > LONG and "\n" not in text and OBJECT.match(text) is not None
    return bool(row) and ONE_PER_LINE.match(text, end) is not None


def _begin(path: str) -> str:
    """The beginning of a file, after white space; empty for a pipe, which can be read only once, and for a file that is
    not text, which its reader reports."""
    if not can_be_read_twice(path):
        return ""
    try:
        return next((text for block in text_blocks(path) if (text := block.lstrip())), "")
    except DataError:
        return ""


def _lines(path: str) -> Iterator[Row]:
    lines, begun = text_lines(path), False
    for number, line in enumerate(lines, 1):
        if not line.strip():
            continue
        where = f"{path}:{number}"
        rest = (f"\n{each}" for each in lines)
        if not begun and line.lstrip().startswith("[") and not can_be_read_twice(path):
            yield from _array(path, chain([line], rest))
            return
        try:
            row = loads(line)
        except (ValueError, RecursionError) as error:
            if not begun and line.lstrip().startswith("{") and line.rstrip().endswith(INDENTED):
                yield from map(_object, Values(path, chain([line], rest), number).in_sequence())
                return
            raise _not_an_object(where, reason(error), line) from None
        if not isinstance(row, dict):
            raise _not_an_object(where, f"a {type(row).__name__}", line)
        begun = True
        yield where, row


def _array(path: str, blocks: Iterable[str]) -> Iterator[Row]:
    return map(_object, Values(path, blocks).of_array())


def _object(found: tuple[str, object]) -> Row:
    where, value = found
    if not isinstance(value, dict):
        raise DataError(f"{where}: expected a JSON object, found {cut(repr(value))} (a {type(value).__name__})")
    return where, value


def _unwrapped(path: str, only: Row) -> Iterator[Row]:
    """The rows of a file with a single object: those of the list in it, if it has one, or the object itself."""
    row = only[1]
    lists = {name: value for name, value in row.items() if isinstance(value, list) and _objects(value)}
    name = next(iter(lists), "")
    if len(lists) == 1 and name not in TURNS and (len(row) == 1 or name.lower() in LISTS):
        yield from zip((f"{path}: element {number} of {name!r}" for number in count(1)), lists[name], strict=False)
        return
    if len(lists) == len(row) > 1 and not any(name in TURNS for name in lists):
        names = ", ".join(map(repr, lists))
        raise DataError(
            f"{path}: the object has {len(lists)} lists of objects ({names}); one list is accepted: save each in a "
            "file of its own"
        )
    if row and (all(map(_by_index, row.values())) or _by_column(row)):
        raise DataError(
            f"{path}: the object has the values of each column together; one object for each row is accepted, as "
            "pandas writes it with to_json(FILE, orient='records', lines=True)"
        )
    if _same_fields([*row.values()]):
        yield from ((f"{path}: {key!r}", each) for key, each in row.items() if isinstance(each, dict))
        return
    yield only


def _same_fields(values: list[object]) -> bool:
    """Whether they are rows with names of their own, as in `{"a1": {"text": ...}, "a2": {"text": ...}}`."""
    return len(values) > 1 and _objects(values) and len({tuple(each) for each in values if isinstance(each, dict)}) == 1


def _objects(values: list[object]) -> bool:
    return bool(values) and all(isinstance(each, dict) for each in values)


def _by_index(value: object) -> bool:
    """Whether it is a column as pandas writes it by default: values by the numbers of their rows."""
    return isinstance(value, dict) and bool(value) and all(isinstance(key, str) and key.isdecimal() for key in value)


def _by_column(row: dict[str, object]) -> bool:
    sizes = {len(value) if isinstance(value, list) else 0 for value in row.values()}
    return len(row) > 1 and len(sizes) == 1 and sizes.pop() > 1


def _not_an_object(where: str, reason: str, line: str) -> DataError:
    return DataError(f"{where}: expected one JSON object per line, found {cut(line)!r}: {reason}")
