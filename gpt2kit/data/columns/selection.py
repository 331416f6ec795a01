"""The columns of a table that a task reads, for the report of prepare."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any

from gpt2kit.data.sources import index_columns, open_pairs, read_rows, table_remarks
from gpt2kit.data.tables.headers import looks
from gpt2kit.data.tables.pairs import Pair

ROWS = 20
"""Number of rows in which columns are looked at."""

Taken = Mapping[str, str]
"""The column of each role."""


@dataclass(frozen=True)
class Selection:
    """The columns of one table that a task reads, and those that it leaves out."""

    table: str
    """The file, or the name of a dataset."""
    taken: Taken
    left_out: Sequence[str] = ()
    remarks: Sequence[str] = ()
    """What the user should know about the columns, such as the option that reads them differently."""

    def lines(self) -> list[str]:
        """The selection for a person."""
        taken = ", ".join(f"{role}={column}" for role, column in self.taken.items())
        left_out = ", ".join(column or "(unnamed)" for column in self.left_out)
        return [f"{self.table}: columns {taken}; left out: {left_out or 'none'}", *self.remarks]

    def json(self) -> dict[str, Any]:
        return asdict(self)


def select(table: str, taken: Callable[[dict[str, object], str], Taken], header: bool = True) -> list[Selection]:
    """The selection of a table, whose first row and its position decide what is `taken`; none without rows."""
    rows = list(islice(read_rows(table, header), ROWS))
    for where, row in rows[:1]:
        found = taken(row, where)
        left_out = [column for column in row if column not in found.values()]
        index = index_columns(table) if header else []
        remarks = [*table_remarks(table, header), *_doubts(found, [row for _, row in rows])]
        return [Selection(table, found, [*index, *left_out], tuple(remarks))]
    return []


def _doubts(taken: Taken, rows: Sequence[Mapping[str, object]]) -> list[str]:
    """The columns whose values do not look like texts, as lines for the user."""
    values = {name: [value for row in rows if isinstance(value := row.get(name), str)] for name in taken.values()}
    found = {name: looks(texts) for name, texts in values.items() if len(texts) == len(rows) > 1}
    return [
        f"column {name!r} looks like {what}; name another one if it is not the text"
        for name, what in found.items()
        if what
    ]


def select_pairs(table: str, columns: Pair | None, language: str) -> list[Selection]:
    """The selection of a table of pairs."""
    found = open_pairs(table, columns, language)
    if found.columns is None:
        return []
    taken = dict(zip(("source", "target"), found.columns, strict=True))
    return [Selection(table, taken, found.left_out, tuple(found.remarks))]
