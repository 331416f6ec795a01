"""What the columns of a table are for, by their names and by a sample of their values."""

from collections import Counter
from collections.abc import Mapping, Sequence
from shlex import quote
from typing import Any, Protocol

from gpt2kit.data.columns import checks
from gpt2kit.data.columns.known_layouts import find_layout
from gpt2kit.data.columns.refusals import (
    check_answers,
    check_labels,
    check_left_out,
    check_prompts,
    check_texts,
    check_twins,
    first_number,
)
from gpt2kit.data.columns.roles import has_header, known_column, roles_of
from gpt2kit.data.columns.sample import Sample
from gpt2kit.data.columns.selection import Selection
from gpt2kit.data.columns.turns import turn_columns
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
    check_twins(given.named, sample, roles)
    check_texts(given.named, sample, kind, roles)
    if kind == "completion" and "prompt" not in given.named:
        check_prompts(sample, roles)
    columns = tuple(f"{role}={column}" for role, column in roles.items())
    settings: dict[str, Any] = {"kind": kind, "columns": columns}
    if kind in LABELLED and not given.labels:
        labels = sample.columns.get(roles.get("label", ""), [])
        missing = given.missing or checks.missing_labels(labels, kind in PAIRS)
        check_labels([label for label in labels if label not in missing], roles["label"], sample)
        settings["missing"] = missing
    if kind == "choice":
        settings["count_from"] = first_number(roles, sample, given.count_from)
    return settings


def _roles(given: Given, sample: Sample) -> tuple[str, dict[str, str]]:
    columns, named = sample.columns, given.named
    try:
        kind, roles = roles_of(columns, named, given.kind, sample.where)
    except DataError as error:
        if named:
            raise
        check_answers(sample)
        if has_header(given.columns) and checks.is_data([*columns], columns):
            numbers = {str(place): values for place, values in enumerate(columns.values())}
            words = checks.guess(numbers) or "text=1,label=0"
            raise DataError(
                f"{sample.where}: the line before it, {cut(listed(columns))}, looks like data, not like the names of "
                f"columns; for a table without a header, number its columns from 0, as in "
                f"--columns {quote(words)}"
            ) from None
        if found := _by_values(sample, given.kind):
            return found
        words = checks.guess(columns)
        like = f"; their values look like --columns {quote(words)}" if words else ""
        numbered = "; if they are data, number the columns from 0, as in --columns text=1,label=0"
        raise DataError(f"{error}{like}{numbered if headers.is_data([*columns]) else ''}") from None
    if kind == "text" and not given.kind and "text" not in named:
        check_answers(sample)
        if turns := turn_columns(sample.rows):
            return "conversation", {"messages": turns[0]}
        check_left_out(sample, roles)
    return kind, roles


def _by_values(sample: Sample, kind: str) -> tuple[str, dict[str, str]] | None:
    """The kind and the columns of a table whose names tell only a part of them: a conversation, or a label next to the
    only text."""
    texts, label = checks.text_columns(sample.columns), known_column("label", sample.columns)
    if kind in ("", "conversation") and (turns := turn_columns(sample.rows)):
        return "conversation", {"messages": turns[0]}
    if kind in ("", "classification") and label and len(texts) == 1 and texts != [label]:
        return "classification", {"text": texts[0], "label": label}
    return None


def remarks(given: Given, sample: Sample) -> list[str]:
    """What the user should know about the columns of a table."""
    roles, said = given.named, []
    layout = find_layout(sample.columns, given.kind)
    if layout and layout.columns == roles:
        said.append(f"recognized as {layout.name}")
    elif _as_inferred(given, sample) and (others := sample.text_columns(roles)):
        role = next(iter(roles))
        words = quote(f"{role}={sample.longer(roles[role], others[0])}")
        more = "" if given.kind == "text" else f"; to read one of them, too: --columns {words}"
        said.append(f"columns that look like texts are left out: {listed(others)}{more}")
    if given.kind in LABELLED:
        said += _label_remarks(given, sample.columns.get(roles["label"], []))
        said += _header_remark(given, sample)
    if given.kind in ("text", *LABELLED) and (others := sample.label_columns(roles)):
        said.append(f"columns that look like labels are left out: {listed(others)}")
    return said


def _as_inferred(given: Given, sample: Sample) -> bool:
    """Whether the columns are those that their names tell, not others that the user named."""
    try:
        return roles_of(sample.columns, {}, given.kind, sample.where)[1] == given.named
    except DataError:
        return False


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
        every = cut(f"task.labels={','.join([*found, *given.labels])}")
        said.append(f"label {listed(found)}: read as no label; if it is a class: --set {quote(every)}")
    if doubtful := checks.doubtful_labels(labels, given.missing):
        said.append(
            f"label {listed(doubtful)}: learned as a class; if it means no label: --missing={quote(doubtful[0])}"
        )
    if alike := checks.spelled_alike(labels):
        how = "by case only" if checks.are_words(alike) else "by case, or as 1 and 1.0 do, only"
        said.append(f"labels that differ {how}: {listed(alike)}; they are learned as different classes")
    if joined := checks.joined_labels(labels):
        said.append(
            f"labels that join others, such as {joined[0]!r}, are learned as classes of their own: a row has one label"
        )
    if checks.are_measured(labels):
        said.append("the labels are numbers; they are learned as classes, without their order")
    return said


def select(given: Given, taken: Mapping[str, str], sample: Sample, table: str) -> Selection:
    """The columns of a table that a task takes, with remarks."""
    names, header = sample.taken(taken), has_header(given.columns)
    left_out = [*(index_columns(table) if header else []), *(name for name in sample.columns if name not in names)]
    return Selection(table, taken, left_out, [*table_remarks(table, header), *remarks(given, sample)])
