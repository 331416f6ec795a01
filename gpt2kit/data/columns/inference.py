"""What the columns of a table are for, by their names and by a sample of their values."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from gpt2kit.data.columns import checks
from gpt2kit.data.columns.cell_text import columns_in
from gpt2kit.data.columns.choices import number_of, read_options
from gpt2kit.data.columns.known_layouts import find_layout
from gpt2kit.data.columns.roles import KINDS, has_header, roles_of
from gpt2kit.data.columns.sample import Sample
from gpt2kit.data.columns.selection import Selection
from gpt2kit.data.lines import cut
from gpt2kit.data.sources import index_columns, table_remarks
from gpt2kit.data.tables import headers
from gpt2kit.data.tables.rows import listed
from gpt2kit.errors import DataError

PAIRS = ("entailment", "similarity")
LABELLED = ("classification", *PAIRS)


class Given(Protocol):
    """The settings of a task on a table: those that the user gives, or all of them."""

    @property
    def kind(self) -> str: ...
    @property
    def columns(self) -> tuple[str, ...]: ...
    @property
    def named(self) -> Mapping[str, str]: ...
    @property
    def labels(self) -> tuple[str, ...]: ...
    @property
    def missing(self) -> tuple[str, ...]: ...
    @property
    def count_from(self) -> str: ...


def infer(given: Given, sample: Sample) -> dict[str, Any]:
    """The settings of a task for a table. Raises DataError if its columns do not tell, or contradict what they are
    for."""
    kind, roles = _roles(given, sample)
    _check_texts(given, sample, kind, roles)
    columns = tuple(f"{role}={column}" for role, column in roles.items())
    settings: dict[str, Any] = {"kind": kind, "columns": columns}
    if kind in LABELLED and not given.labels:
        labels = sample.columns.get(roles.get("label", ""), [])
        missing = given.missing or checks.missing_labels(labels, kind in PAIRS)
        _check_labels([label for label in labels if label not in missing], roles["label"], sample)
        settings["missing"] = missing
    if kind == "choice" and not given.count_from:
        settings["count_from"] = _count_from(roles, sample)
    return settings


def _roles(given: Given, sample: Sample) -> tuple[str, dict[str, str]]:
    columns, named = sample.columns, given.named
    try:
        kind, roles = roles_of(columns, named, given.kind, sample.where)
    except DataError as error:
        if named:
            raise
        if has_header(given.columns) and checks.is_data([*columns], columns):
            numbers = {str(place): values for place, values in enumerate(columns.values())}
            words = checks.guess(numbers) or "text=1,label=0"
            raise DataError(
                f"{sample.where}: the line before it, {cut(listed(columns))}, looks like data, not like the names of "
                f"columns; for a table without a header, number its columns from 0, as in --columns {words}"
            ) from None
        words = checks.guess(columns)
        like = f"; their values look like --columns {words}" if words else ""
        numbered = "; if they are data, number the columns from 0, as in --columns text=1,label=0"
        raise DataError(f"{error}{like}{numbered if headers.is_data([*columns]) else ''}") from None
    if kind == "text" and not given.kind and "text" not in named:
        _check_left_out(sample, roles)
    return kind, roles


def _check_left_out(sample: Sample, roles: Mapping[str, str]) -> None:
    """Raises DataError if a column next to a text looks like its label."""
    if labels := _label_columns(sample, roles):
        text, name = roles["text"], labels[0]
        values = list(dict.fromkeys(sample.columns[name]))
        raise DataError(
            f"{sample.where}: column {name!r} looks like a label of {text!r}: different values in "
            f"{len(sample.columns[name]):,} rows: {len(values)} ({cut(', '.join(values[:9]))}); to learn it, --columns "
            f"text={text},label={name}; to learn only how the text continues, --columns text={text}"
            + (f" (other columns like it: {listed(labels[1:])})" if labels[1:] else "")
        )


def _check_texts(given: Given, sample: Sample, kind: str, roles: Mapping[str, str]) -> None:
    """Raises DataError for an index or an identifier in the place of a text, unless the user named it."""
    for role in KINDS[kind]:
        column = roles[role]
        values = sample.columns.get(column, [])
        if role in ("label", "answer", "completion", "choices", "messages") or role in given.named or not values:
            continue
        others = [name for name in checks.text_columns(sample.columns) if name not in roles.values()]
        identifiers = checks.are_identifiers(values) and bool(others)
        if checks.are_numbers(values) or identifiers:
            what = "numbers" if checks.are_numbers(values) else "identifiers"
            hint = f"{role}={others[0]}" if others else f"{role}=COLUMN"
            raise DataError(
                f"{sample.where}: column {column!r} has {what}, such as {cut(values[0])!r}, not texts; choose the "
                f"column for {role!r}, as in --columns {hint}; if these are the texts, --columns {role}={column}"
            )


def _check_labels(labels: Sequence[str], column: str, sample: Sample) -> None:
    """Raises DataError for scores and for identifiers."""
    shown = ", ".join(list(dict.fromkeys(labels))[:5])
    distinct = f"different values in {len(labels):,} rows: {len(set(labels)):,} ({cut(shown)})"
    if len(labels) >= checks.ENOUGH_FOR_IDENTIFIERS and checks.are_identifiers(labels):
        raise DataError(
            f"{sample.where}: column {column!r} has identifiers, not labels ({distinct}); choose the column of the "
            "labels with --columns label=COLUMN"
        )
    if checks.are_scores(labels, column):
        raise DataError(
            f"{sample.where}: column {column!r}: labels are numbers: scores are not learned ({distinct}); put classes "
            "into a column, such as low, medium and high, and name it with --columns label=COLUMN; if each number is a "
            "class, list them: --set task.labels=0,1,2"
        )


def _count_from(roles: Mapping[str, str], sample: Sample) -> str:
    """The number of the first choice; empty if no answer is a number. Raises DataError if the answers do not tell."""
    numbers = []
    for where, row in sample.rows:
        options, answer = read_options(row, roles["choices"], where), row.get(roles["answer"])
        number = number_of(options, str(answer).strip(), named=isinstance(answer, str))
        if number is not None:
            numbers.append((number, len(options.texts)))
    if not numbers:
        return ""
    found = checks.count_from(numbers)
    if found is None:
        answers = ", ".join(map(str, sorted({answer for answer, _ in numbers})))
        raise DataError(
            f"{sample.where}: column {roles['answer']!r}: the numbers of the choices may count from 0 or from 1: all "
            f"{len(numbers):,} answers are {answers}; choose with --count-from 0 or --count-from 1"
        )
    return str(found)


def remarks(given: Given, sample: Sample) -> list[str]:
    """What the user should know about the columns of a table."""
    roles, said = given.named, []
    layout = find_layout(sample.columns, given.kind)
    if layout and layout.columns == roles:
        said.append(f"columns as in {layout.name}")
    if given.kind in LABELLED:
        said += _label_remarks(given, sample.columns.get(roles["label"], []))
        said += _header_remark(given, sample)
    if given.kind in ("text", *LABELLED) and (others := _label_columns(sample, roles)):
        said.append(f"columns that look like labels are left out: {listed(others)}")
    return said


def _header_remark(given: Given, sample: Sample) -> list[str]:
    """Whether the first row of a table without a header may be one: its label occurs only there."""
    labels = sample.columns.get(given.named["label"], [])
    counts = Counter(labels)
    if has_header(given.columns) or len(labels) < checks.ENOUGH_FOR_IDENTIFIERS or counts[labels[0]] > 1:
        return []
    if min(count for label, count in counts.items() if label != labels[0]) < 2:
        return []
    return [f"label {labels[0]!r} occurs only in the first row; if that is a header, name the columns as it does"]


def _label_remarks(given: Given, labels: Sequence[str]) -> list[str]:
    said = []
    if found := [label for label in given.missing if label in labels]:
        every = ",".join([*found, *given.labels])
        said.append(f"label {listed(found)}: read as no label; if it is a class: --set task.labels={cut(every)}")
    if doubtful := checks.doubtful_labels(labels, given.missing):
        said.append(f"label {listed(doubtful)}: learned as a class; if it means no label: --missing={doubtful[0]}")
    if alike := checks.spelled_alike(labels):
        said.append(f"labels that differ by case only: {listed(alike)}; they are learned as different classes")
    if checks.are_measured(labels):
        said.append("the labels are numbers; they are learned as classes, without their order")
    return said


def _label_columns(sample: Sample, roles: Mapping[str, str]) -> list[str]:
    """The columns that look like labels, and have no role."""
    taken = _names(roles, sample)
    return [name for name in checks.label_columns(sample.columns) if name not in taken]


def _names(roles: Mapping[str, str], sample: Sample) -> set[str]:
    return {name for column in roles.values() for name in columns_in(column, sample.columns)}


def select(given: Given, taken: Mapping[str, str], sample: Sample, table: str) -> Selection:
    """The columns of a table that a task takes, with remarks."""
    names, header = _names(taken, sample), has_header(given.columns)
    left_out = [*(index_columns(table) if header else []), *(name for name in sample.columns if name not in names)]
    return Selection(table, taken, left_out, [*table_remarks(table, header), *remarks(given, sample)])
