"""The settings of a task on a user's own columns."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from gpt2kit.config import check, knob
from gpt2kit.data.columns.roles import HOW_TO_NAME, KINDS, has_header, named_roles
from gpt2kit.data.columns.selection import Selection
from gpt2kit.data.sources import is_table
from gpt2kit.errors import UserError
from gpt2kit.tasks.record import Source
from gpt2kit.tasks.text import TextTask, document_separator

DESCRIBED = 20
"""The first tables of a corpus, whose columns are described: a sample of each is read for it."""


@dataclass(frozen=True)
class TableTask(TextTask[Source, str]):
    """Base class for tasks on tables of all kinds: how columns are named and described."""

    held_out: float = knob(
        0.02, "share of the rows or documents held out for validation if prepare gets no --val; of a text file, its end"
    )
    separator: str = document_separator()
    column: str = field(default="", repr=False)  # a knob of Lm, which the roles of `columns` replace
    kind: str = knob("", "the kind of table; prepare infers it from the columns", ("", *KINDS))
    columns: tuple[str, ...] = knob(
        (),
        f"the columns of a table whose names differ from their roles, as in {HOW_TO_NAME}; several columns that "
        "belong together have + between them, as in prompt=instruction+input",
        flag=("prepare", "generate", "evaluate", "augment"),
        metavar="ROLE=NAME,...",
        unset="columns that are called like roles: text, label, prompt, completion, ...",
    )
    template: str = knob(
        "",
        "the prompt made of a row's columns, the last of which is the completion, as in 'Q: {question}\\nA: {answer}'",
        flag=("prepare",),
    )
    missing: tuple[str, ...] = knob(
        (),
        "labels that mean that a row has none, so that it is left out",
        flag=("prepare",),
        metavar="LABEL,...",
        unset="those that prepare recognizes, such as - in SNLI",
    )
    count_from: str = knob(
        "",
        "the number of the first choice, where answers are numbers",
        ("", "0", "1"),
        flag=("prepare",),
        unset="as the answers show",
    )
    labels: tuple[str, ...] = knob(
        (), "the labels, in the order of their numbers; prepare takes them from the training part"
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        named_roles(self.columns)
        check(
            not self.template or self.kind in ("", "completion"),
            f"template needs kind = 'completion', not {self.kind!r}",
        )

    def merge_settings(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Columns of another table replace those of the roles that they are named for; the other roles keep theirs."""
        if "columns" not in settings:
            return settings
        if self.template:
            raise UserError("--columns: the template of this run already names its columns")
        words = settings["columns"]
        named = named_roles(words.split(",") if isinstance(words, str) else words)
        if unknown := [role for role in named if role not in KINDS[self.kind]]:
            raise UserError(
                f"--columns {unknown[0]}=…: unknown role for kind {self.kind}; accepted: {', '.join(KINDS[self.kind])}"
            )
        merged = named_roles(self.columns) | named
        return settings | {"columns": [f"{role}={column}" for role, column in merged.items()]}

    def describe(self) -> list[str]:
        return [f"kind {self.kind}", *super().describe()]

    def taken(self) -> dict[str, str]:
        """The column of each role; of a template, its columns."""
        return self.named

    def expand(self, corpus: Sequence[str]) -> list[str]:
        return TextTask.expand(self, corpus)  # not that of Lm: the tables of a folder are of one kind

    def select_columns(self, corpus: Sequence[str]) -> list[Selection]:
        from gpt2kit.data.columns.inference import select  # here, so that --help does not wait for them
        from gpt2kit.data.columns.sample import Sample

        tables = islice(filter(is_table, corpus), DESCRIBED)
        samples = ((table, Sample.read([table], has_header(self.columns))) for table in tables)
        return [select(self, self.taken(), sample, table) for table, sample in samples if sample.rows]

    @property
    def named(self) -> dict[str, str]:
        """The column of each role."""
        return named_roles(self.columns)
