"""Base class of tables whose rows are separate examples, with input columns and one answer column."""

import json
from abc import abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from typing import Any, BinaryIO

from gpt2kit.data.columns.cell_text import columns_in, text_in
from gpt2kit.data.columns.nested import flat_rows
from gpt2kit.data.columns.roles import has_header, is_header
from gpt2kit.data.lines import stream_lines, text_lines
from gpt2kit.data.sources import is_table, read_rows
from gpt2kit.errors import DataError, counted
from gpt2kit.tasks.about import About
from gpt2kit.tasks.formats.table import TableTask
from gpt2kit.tasks.record import Question, Record, Shard
from gpt2kit.tasks.text import TOKENIZERS

Values = tuple[str, ...]
"""The input texts of a row."""

ABOUT = About(corpus="YOUR.csv", pretrained=True, requires=TOKENIZERS)


@dataclass(frozen=True)
class RowTask(TableTask[Values]):
    """A table whose rows are separate examples. Sources are tuples of texts."""

    @property
    def about(self) -> About:
        return replace(ABOUT, input=self.input_example)

    @property
    def input_example(self) -> str:
        """An example input, with a tab between texts."""
        return "\t".join("YOUR TEXT" if column.isdecimal() else f"YOUR {column}" for column in self.asked)

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the texts of a source, for people."""
        return tuple("text" if column.isdecimal() else column for column in self.asked)

    @property
    @abstractmethod
    def asked(self) -> list[str]:
        """The columns of a source."""

    @property
    @abstractmethod
    def answered(self) -> str:
        """The column of the answer."""

    @abstractmethod
    def example(self, where: str, row: dict[str, object]) -> Record[Values, str]:
        """The record of a row, with its problem; `where` is its position, for messages."""

    def rows(self, word: str) -> Iterator[tuple[str, dict[str, object]]]:
        """The position of each row of a table, and its columns."""
        found = read_rows(word, has_header(self.columns))
        return ((where, each) for where, row in found for each in flat_rows(row))

    def read(self, corpus: Sequence[str]) -> Iterator[Record[Values, str]]:
        taken = [name for column in self.taken().values() for name in columns_in(column, ())]
        for where, row in chain.from_iterable(map(self.rows, corpus)):
            if is_header(row, taken):
                yield Record(("",), "", problem="the header again", name=where)
            else:
                yield from self.examples(where, row)

    def shards(self, corpus: Sequence[str]) -> list[Shard]:
        return self.each_file(corpus)

    def examples(self, where: str, row: dict[str, object]) -> Iterable[Record[Values, str]]:
        """The records of a row: one, except of a conversation."""
        return [self.example(where, row)]

    def record(self, where: str, source: Values, target: str, key: str, problem: str) -> Record[Values, str]:
        skipped = self.controls_in("\n".join([*source, target]))
        return Record(source, target, key=key, problem=problem, skipped=skipped, name=where)

    def source(self, where: str, row: dict[str, object]) -> Values:
        return tuple(text_in(row, column, where) for column in self.asked)

    def parse(self, text: str) -> Values:
        """Texts with tabs between them; a single text is the first of them."""
        values = text.split("\t")
        return tuple(values) if len(values) == len(self.asked) else (text, *[""] * (len(self.asked) - 1))

    def inputs(self, file: str, stdin: BinaryIO) -> Iterator[Values]:
        """The sources of a table, or of any other file's lines, with tabs if there are several texts."""
        if file not in ("", "-") and is_table(file):
            return (self.source(where, row) for where, row in self.rows(file))
        lines = stream_lines(stdin, "standard input") if file in ("", "-") else text_lines(file)
        return map(self.parse, lines)

    def questions(
        self, records: Sequence[Record[Values, Any]], data: "RowTask", given: Mapping[str, Any]
    ) -> Iterator[Question[Values, str]]:
        if len(self.asked) != len(data.asked):
            raise DataError(
                f"the run answers {counted(len(self.asked), 'text')} ({', '.join(self.asked)}), and a row of the data "
                f"has {counted(len(data.asked), 'text')} ({', '.join(data.asked)})"
            )
        return super().questions(records, data, given)

    def stored(self, record: Record[Values, str]) -> Mapping[str, str]:
        return {"values": json.dumps(record.source, ensure_ascii=False), "target": record.target}

    def restored(self, texts: Mapping[str, str]) -> Record[Values, str]:
        return Record(tuple(json.loads(texts["values"])), texts["target"])

    def blank(self, source: Values) -> bool:
        return not any(value.strip() for value in source)

    def show(self, source: Values) -> str:
        return "\t".join(source)
