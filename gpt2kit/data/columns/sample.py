"""A sample of the rows of a user's tables, from which their columns are understood."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import chain

from gpt2kit.data.columns import checks
from gpt2kit.data.columns.cell_text import columns_in
from gpt2kit.data.columns.nested import flat_rows
from gpt2kit.data.columns.roles import repeats_header
from gpt2kit.data.sources import read_rows

FIRST_ROWS, STEP, LAST_ROW = 1000, 20, 20_000
"""A sample has the first rows, and then one row of each `STEP`, as tables may be sorted by label."""


@dataclass(frozen=True)
class Sample:
    """Some rows of the tables of a corpus, with their positions."""

    rows: Sequence[tuple[str, dict[str, object]]]

    @classmethod
    def read(cls, tables: Iterable[str], header: bool) -> "Sample":
        rows = chain.from_iterable(read_rows(table, header) for table in tables)
        numbered = enumerate((where, each) for where, row in rows for each in flat_rows(row))
        kept = []
        for number, (where, row) in numbered:
            if number >= LAST_ROW:
                break
            if number < FIRST_ROWS or number % STEP == 0:
                kept.append((where, row))
        return cls(kept)

    @property
    def where(self) -> str:
        """The position of the first row."""
        return self.rows[0][0]

    @cached_property
    def columns(self) -> dict[str, list[str]]:
        """The values of each column that are words or numbers; blank ones are left out."""
        found: dict[str, list[str]] = {name: [] for _, row in self.rows for name in row}
        for row in (row for _, row in self.rows if not repeats_header(row)):
            for name, value in row.items():
                if isinstance(value, str | int | float) and value == value and str(value).strip():  # not NaN
                    found[name].append(str(value).strip())
        return found

    def taken(self, roles: Mapping[str, str]) -> set[str]:
        """The columns of some roles."""
        return {name for column in roles.values() for name in columns_in(column, self.columns)}

    def label_columns(self, roles: Mapping[str, str]) -> list[str]:
        """The columns that look like labels, and have none of the roles."""
        taken = self.taken(roles)
        return [name for name in checks.label_columns(self.columns) if name not in taken]

    def text_columns(self, roles: Mapping[str, str]) -> list[str]:
        """The columns that look like texts, and have none of the roles."""
        taken = self.taken(roles)
        return [name for name in checks.text_columns(self.columns) if name not in taken]

    def longer(self, expression: str, column: str) -> str:
        """The columns of a role and one more, in the order of the table."""
        names = {*columns_in(expression, self.columns), column}
        return "+".join(name for name in self.columns if name in names)
