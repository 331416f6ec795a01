"""What kinds of rows have in common: columns that are asked about, and one that answers."""

import json
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, BinaryIO, ClassVar

from gpt2kit.data.lines import stream_lines, text_lines
from gpt2kit.data.roles import has_header
from gpt2kit.data.sources import is_table, read_rows
from gpt2kit.data.tables import text_of
from gpt2kit.tasks.base import Record
from gpt2kit.tasks.finetune import Finetune

Values = tuple[str, ...]


@dataclass(frozen=True)
class Row(Record[Values, str]):
    """A row of a table: what is asked, and what is to be answered."""

    where: str = ""
    reason: str | None = None
    """Why it cannot be used, beyond what its values show."""

    def __repr__(self) -> str:
        return self.where


@dataclass(frozen=True)
class Rows(Finetune):
    """A table of which every row is an example by itself. Sources are tuples of texts."""

    joined: ClassVar[bool] = False

    @property
    @abstractmethod
    def asked(self) -> list[str]:
        """The columns of a source."""

    @property
    @abstractmethod
    def answered(self) -> str:
        """The column of the answer."""

    def rows(self, word: str) -> Iterator[tuple[str, dict[str, object]]]:
        """Where each row of a table stands, and its columns."""
        return read_rows(word, has_header(self.columns))

    def read(self, corpus: Sequence[str]) -> Iterator[Any]:
        for where, row in chain.from_iterable(map(self.rows, corpus)):
            yield self.example(where, row)

    @abstractmethod
    def example(self, where: str, row: dict[str, object]) -> Row: ...

    def source(self, where: str, row: dict[str, object]) -> Values:
        return tuple(text_of(row, column, where) for column in self.asked)

    def parse(self, text: str) -> Any:
        """Texts with tabs between them; one without the others is the first of them."""
        values = text.split("\t")
        return tuple(values) if len(values) == len(self.asked) else (text, *[""] * (len(self.asked) - 1))

    @property
    def input_hint(self) -> str:
        return "\t".join("YOUR TEXT" if column.isdecimal() else f"YOUR {column}" for column in self.asked)

    def inputs(self, file: str, stdin: BinaryIO) -> Iterator[Any]:
        """Those of a table; of any other file one a line, with tabs where there are several texts."""
        if file not in ("", "-") and is_table(file):
            return (self.source(where, row) for where, row in self.rows(file))
        lines = stream_lines(stdin, "standard input") if file in ("", "-") else text_lines(file)
        return map(self.parse, lines)

    def left_out(self, record: Record[Any, str]) -> dict[str, int]:
        return self.controls_in("\n".join([*record.source, record.target]))

    def texts(self, record: Record[Any, str]) -> Mapping[str, str]:
        return {"values": json.dumps(record.source, ensure_ascii=False), "target": record.target}

    def kept(self, texts: Mapping[str, str]) -> Record[Any, str]:
        return Row(tuple(json.loads(texts["values"])), texts["target"])

    def blank(self, source: Any) -> bool:
        return not any(value.strip() for value in source)

    def show(self, source: Any) -> str:
        return "\t".join(source)

    def encode(self, records: Sequence[Record[Any, str]]) -> Sequence[tuple[Sequence[int], Sequence[int]]]:
        return [(self.encode_source(record.source), self.encode_target(record.target)) for record in records]
