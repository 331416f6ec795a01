"""Which columns of a table are the source and the target of a pair."""

from collections.abc import Iterator, Sequence
from itertools import islice
from shlex import quote
from typing import NamedTuple

from gpt2kit.data.lines import cut
from gpt2kit.data.tables.delimited import Written, open_delimited, peek, records
from gpt2kit.data.tables.headers import (
    ENOUGH,
    INDEX_LIKE,
    hardly_texts,
    is_data,
    language_code,
    language_of,
    looks,
    may_be_header,
    names_columns,
)
from gpt2kit.data.tables.rows import (
    TableRow,
    by_name,
    header_names,
    index_of,
    listed,
    named_rows,
    numbered_header,
    pick_fields,
    pick_indices,
)
from gpt2kit.errors import DataError

Pair = tuple[str, str]

WELL_KNOWN: tuple[Pair, ...] = (
    ("source", "target"),
    *(("src", target) for target in ("tgt", "trg")),
    *((source, "translation") for source in ("source", "src", "original", "text", "sentence")),
)

SAMPLE = 20
"""Rows whose values are looked at."""


class Opened(NamedTuple):
    """The pairs of a table."""

    pairs: Iterator[Pair]
    columns: Pair | None
    """The columns taken, None for a table without rows."""
    left_out: list[str]
    remarks: list[str]
    """How the table is read, if its name does not tell, as lines for the user."""


def delimited_pairs(path: str, tabs: bool, columns: Pair | None, language: str) -> Opened:
    """The pairs of a TSV or CSV, whose first line may name the columns; `language` is that of the targets, if known.

    Without `columns` they are chosen by the header, or they are the first two of a table without one.

    Raises DataError if that leaves a doubt.
    """
    written, lines = open_delimited(path, tabs)
    sample, rows = peek(records(path, written, lines), SAMPLE + 1)
    if not sample:
        return Opened(((source, target) for _, (source, target) in rows), None, [], [])  # none, or an error
    number, first = sample[0]
    where = f"{path}:{number}"
    header = _has_header(first, columns, written) or _has_index(first, [fields for _, fields in sample[1:]])
    names = header_names(first, where) if header else [str(index) for index in range(len(first))]
    values: list[dict[str, object]] = [dict(zip(names, fields, strict=False)) for _, fields in sample[header:]]
    doubtful = written.quotes or may_be_header(first, [fields for _, fields in sample[1:]])
    remarks = [*written.describe(path, tabs), *_header_remarks(header, first, columns, written, doubtful, where)]
    if columns is None:
        columns = choose([name for name in names if name], values, where, language) if header else ("0", "1")
        if not header:
            _refuse_no_texts(columns, values, where)
    remarks += _doubts(columns, values, path, language)
    source, target = (index_of(column, names, where) for column in columns)
    _refuse_beyond((source, target), first, written, where)
    left_out = [name or first[place] for place, name in enumerate(names) if place not in (source, target)]
    rows = islice(rows, int(header), None)
    if not written.quotes:
        both = (pick_indices(path, number, fields, (source, target)) for number, fields in rows)
        return Opened(((one, other) for one, other in both), columns, left_out, remarks)
    positions = [str(index) for index in range(len(first))]
    table = named_rows(path, written, positions, rows, names if header else None)
    pairs = ((str(row[str(source)]), str(row[str(target)])) for _, row in table)
    return Opened(pairs, columns, left_out, remarks)


def row_pairs(rows: Iterator[TableRow], columns: Pair | None, path: str, language: str) -> Opened:
    """The pairs of a table whose rows have the names of its columns; otherwise like `delimited_pairs`."""
    sample, rows = peek(map(_unnested, rows), SAMPLE)
    if not sample:
        return Opened(((str(row["source"]), str(row["target"])) for _, row in rows), None, [], [])  # none, or an error
    where, names = sample[0][0], list(sample[0][1])
    values = [row for _, row in sample]
    columns = columns or choose(names, values, where, language)
    remarks = _doubts(columns, values, path, language)
    left_out = [name for name in names if name not in columns]
    both = (fields.values for fields in pick_fields(rows, columns))
    return Opened(((source, target) for source, target in both), columns, left_out, remarks)


def _has_header(first: Sequence[str], columns: Pair | None, written: Written) -> bool:
    """Whether the first line of a table names its columns: by what it says, or because the user gives their names."""
    if (columns is not None and by_name(columns)) or numbered_header(first):
        return True
    return names_columns(first) if columns is not None or not written.quotes else not is_data(first)


def _refuse_beyond(indices: tuple[int, int], first: Sequence[str], written: Written, where: str) -> None:
    """Raise DataError for columns that do not exist, such as those of a user who counts from 1."""
    found = len(first)
    if max(indices) == found and min(indices) > 0:
        meant = ",".join(str(index - 1) for index in indices)
        raise DataError(
            f"{where}: no column {found}: the {found} columns are counted from 0; did you mean --columns {meant}?"
        )
    if written.quotes and max(indices) >= found:
        raise DataError(
            f"{where}: expected at least {max(indices) + 1} columns separated by {written.name}, found {found}: "
            f"{cut(written.separator.join(first))!r}"
        )


def _has_index(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a first line without a first field names the columns after an index, as pandas writes them."""
    named = len(first) > 1 and not first[0].strip() and all(map(str.strip, first[1:]))
    return named and bool(rows) and looks([row[0] for row in rows]) == INDEX_LIKE


def _header_remarks(
    header: bool, first: Sequence[str], columns: Pair | None, written: Written, doubtful: bool, where: str
) -> list[str]:
    """What the user should know about the first line, unless it is as usual."""
    if columns is not None and by_name(columns):
        return []
    if header and not (written.quotes and names_columns(first)):
        return [f"{where}: read as a header, not as a pair: {listed(first)}"]
    if not header and doubtful:
        words = _example(() if is_data(first) else first)
        hint = f"if it is a header, name its columns with --columns {words}"
        return [f"{where}: read as a pair, not as a header: {listed(first)}; {hint}"]
    return []


def _unnested(row: TableRow) -> TableRow:
    """The pair itself where a column contains it, as OPUS has it on the Hub: {"translation": {"en": , "fr": }}."""
    translation = row[1].get("translation")
    return (row[0], translation) if isinstance(translation, dict) else row


def choose(names: Sequence[str], sample: Sequence[dict[str, object]], where: str, language: str = "") -> Pair:
    """The source and the target column of a table with a header. `language` is that of the targets, if known.

    Raises DataError if the names and the values leave a doubt.
    """
    lower = {name.lower(): name for name in names}
    for source, target in WELL_KNOWN:
        if source in lower and target in lower:
            return lower[source], lower[target]
    if by_language := _by_language(names, sample, where, language):
        return by_language
    strings = [name for name in names if all(row.get(name) is None or isinstance(row[name], str) for row in sample[:1])]
    looked = {name: _values(sample, name) for name in strings}
    texts = [name for name, values in looked.items() if not (looks(values) or hardly_texts(values))]
    if len(strings) > len(texts) == 2 and len(sample) >= ENOUGH:
        return texts[0], texts[1]
    if len(strings) != 2:
        raise DataError(
            f"{where}: cannot tell which columns are source and target: {cut(listed(names), 300)} are not named so, "
            f"and {len(strings)} of them contain strings, not 2; name them with --columns {_example(texts)}"
        )
    _refuse_no_texts(strings, sample, where)
    return strings[0], strings[1]


def _by_language(names: Sequence[str], sample: Sequence[dict[str, object]], where: str, language: str) -> Pair | None:
    """The pair of two columns that are named for languages, of which one is the language of the targets."""
    wanted = language_code(language)
    told = {
        name: code
        for name in names
        if (code := language_of(name)) and (name.lower() != "id" or wanted == "id") and not looks(_values(sample, name))
    }  # "id" is rarely Indonesian
    if not language or len(set(told.values())) < 2:
        return None
    target = [name for name, code in told.items() if code == wanted]
    source = [name for name in told if name not in target]
    if len(target) == len(source) == 1:
        return source[0], target[0]
    if target:
        raise DataError(
            f"{where}: cannot tell which of the columns {listed(told)} are source and target; name them, as in "
            f"--columns {_example([source[0], target[0]])}"
        )
    last = list(told)[-1]
    raise DataError(
        f"{where}: the columns {listed(told)} are named for languages, but none for {language!r}, the language to "
        f"translate into; give that of this table, as in --to {told[last]}, or name the columns, as in --columns "
        f"{_example([next(iter(told)), last])}"
    )


def _doubts(columns: Pair, sample: Sequence[dict[str, object]], path: str, language: str) -> list[str]:
    """Lines for the user about columns that seem to be something else: of his choice, or if no others are texts."""
    found = {name: looks(_values(sample, name)) for name in columns}
    remarks = [f"{path}: column {_quoted(name)} looks like {look}" for name, look in found.items() if look]
    told = language_of(columns[1])
    if language and told and told != language_code(language):
        remarks.append(f"{path}: the targets are column {columns[1]!r}, but the language is {language!r}: see --to")
    return remarks


def _refuse_no_texts(columns: Sequence[str], sample: Sequence[dict[str, object]], where: str) -> None:
    """Raise DataError if one of the columns does not contain texts, but another one does."""
    if not sample:
        return
    found = {name: looks(_values(sample, name)) for name in sample[0]}
    perhaps = {name: look or hardly_texts(_values(sample, name)) for name, look in found.items()}
    if [*perhaps.values()].count("") > 1:
        found = perhaps
    wrong = [f"column {_quoted(name)} looks like {found[name]}" for name in columns if found.get(name)]
    if not wrong or all(found.values()):
        return
    values = "; ".join(f"{_quoted(name)}: {cut(str(value), 30)!r}" for name, value in sample[0].items())
    texts = [name for name, look in found.items() if not look]
    count = "name the columns" if by_name(tuple(columns)) else "count the columns from 0"
    advice = f"{count}, as in --columns {_example(texts)}"
    if len(texts) < 2:
        advice = f"columns that look like texts: {len(texts)}, not 2; if these are pairs: --columns {_example(columns)}"
    raise DataError(
        f"{where}: cannot tell which columns are source and target: {' and '.join(wrong)}. The first row has {values}; "
        f"{advice}"
    )


def _example(names: Sequence[str]) -> str:
    """The first two of some columns, for --columns in a shell."""
    return quote(",".join(names[:2] if len(names) > 1 else ("SOURCE", "TARGET")))


def _values(sample: Sequence[dict[str, object]], name: str) -> list[str]:
    return ["" if (value := row.get(name)) is None else str(value) for row in sample]


def _quoted(name: str) -> str:
    return name if name.isdecimal() else repr(name)
