"""Texts with labels, in GPT-1's input formats (Radford et al. 2018, figure 1): a start token, the text, an extract
token; two texts with a delimiter between them, once in each order where they are alike; one row for each choice."""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, ClassVar

from gpt2kit.data.lines import cut
from gpt2kit.data.roles import KINDS, named_roles
from gpt2kit.data.tables import text_of, value_of
from gpt2kit.errors import DataError
from gpt2kit.metrics.labels import label_scores
from gpt2kit.tasks.base import Record, Score
from gpt2kit.tasks.formats.rows import Row, Rows, Values

START, DELIMITER, EXTRACT = SPECIALS = ("<start>", "<delimiter>", "<extract>")

MOST_LABELS = 1000
"""With more of them a column is no label."""


@dataclass(frozen=True)
class Labelled(Rows):
    """Labels of a text, or of two."""

    layout: ClassVar[str] = "examples"
    copies: ClassVar[bool] = False
    pipeline_tag: ClassVar[str] = "text-classification"

    @property
    def controls(self) -> Sequence[str]:
        return (*super().controls, *SPECIALS)

    @property
    def asked(self) -> list[str]:
        named = named_roles(self.columns)
        return [named[role] for role in KINDS[self.kind][:-1]]

    @property
    def answered(self) -> str:
        return named_roles(self.columns)[KINDS[self.kind][-1]]

    def described(self) -> list[str]:
        return [*super().described(), f"{len(self.labels)} labels: {cut(', '.join(self.labels))}"]

    def example(self, where: str, row: dict[str, object]) -> Row:
        return Row(self.source(where, row), self._label(where, row), where)

    def _label(self, where: str, row: dict[str, object]) -> str:
        """Raises DataError for what is neither word nor number."""
        value = value_of(row, self.answered, where)
        if value is None or value != value:  # NaN
            return ""
        if isinstance(value, str | int | float):
            return str(value).strip()
        shown = cut(repr(value))
        raise DataError(f"{where}: column {self.answered!r} holds {shown}; a label is a word or a number")

    def fit(self, corpus: Sequence[str], records: Iterable[Record[Any, str]], folder: Path, window: int) -> "Labelled":
        found: set[str] = set()

        def texts() -> Iterator[str]:
            for record in records:
                found.add(record.target)
                yield from record.source

        every = texts()
        task = self.fitted(every, SPECIALS, folder, window)
        for _ in every:  # what a tokenizer that was there already has not read
            pass
        return task.told(self.labels or sorted(found, key=_in_order))

    def told(self, labels: Sequence[str]) -> "Labelled":
        """The task with these labels. Raises DataError where they are too few or too many to tell apart."""
        if not 2 <= len(labels) <= MOST_LABELS:
            shown = cut(", ".join(map(repr, labels[:9])))
            raise DataError(
                f"column {self.answered!r} has {len(labels):,} different labels in the training part ({shown}); from 2 "
                f"to {MOST_LABELS:,} can be told apart; a column of texts is a completion: --columns completion=COLUMN"
            )
        return replace(self, labels=tuple(labels))

    def key(self, record: Record[Any, str]) -> str:
        return "\t".join(record.source)

    def problem(self, record: Record[Any, str]) -> str | None:
        return self.unscorable(record)

    def unscorable(self, record: Record[Any, str]) -> str | None:
        if isinstance(record, Row) and record.reason:
            return record.reason
        if not all(value.strip() for value in record.source):
            return "an empty text"
        if not record.target.strip():
            return "no label"
        return "a label that is not in the training part" if self.labels and record.target not in self.labels else None

    def fingerprint(self) -> str:
        """The numbers of the labels are ids, too."""
        described = json.dumps([super().fingerprint(), self.labels])
        return hashlib.blake2b(described.encode(), digest_size=8).hexdigest()

    @property
    def extract(self) -> int:
        return self.bpe.id(EXTRACT)

    @property
    def outputs(self) -> tuple[str, ...]:
        return self.labels

    def answers(self, source: Any) -> Sequence[str]:
        return self.labels

    def orders(self, source: Values) -> list[Values]:
        """The texts of each row that the model reads of an example."""
        return [source, source[::-1]] if self.kind == "similarity" else [source]

    def encode_source(self, source: Any) -> list[int]:
        return self._joined(self.bpe.encode([text for texts in self.orders(source) for text in texts]))

    def _joined(self, texts: Sequence[Sequence[int]], width: int = 0) -> list[int]:
        """Rows of `width` texts each, or as many as a row has."""
        start, delimiter, extract = map(self.bpe.id, SPECIALS)
        width = width or len(self.orders(("",) * len(self.asked))[0])
        ids = []
        for first in range(0, len(texts), width):
            ids.append(start)
            for place, text in enumerate(texts[first : first + width]):
                ids += [delimiter, *text] if place else text
            ids.append(extract)
        return ids

    def _rows(self, prompt: Sequence[int]) -> list[list[list[int]]]:
        """Inverse of `_joined`: the texts of each row."""
        start, delimiter, extract = map(self.bpe.id, SPECIALS)
        rows: list[list[list[int]]] = []
        for id in prompt:
            if id == start:
                rows.append([[]])
            elif id == delimiter and rows:
                rows[-1].append([])
            elif id != extract and rows:
                rows[-1][-1].append(id)
        return rows

    def decode_source(self, prompt: Sequence[int]) -> Any:
        return tuple(self.bpe.decode(text) for text in self._rows(prompt)[0])

    def encode_target(self, target: str) -> list[int]:
        return [self.labels.index(target)]

    def decode(self, ids: Sequence[int]) -> str:
        return self.labels[ids[0]] if ids and ids[0] < len(self.labels) else ""

    def length(self, prompt: Sequence[int]) -> int:
        """That of the longest row: each is read by itself."""
        return max(sum(map(len, row)) + len(row) + 1 for row in self._rows(prompt))

    def shorten(self, prompt: list[int], room: int) -> list[int]:
        """Texts are cut at their ends, the longest first, in every row of which they are too much."""
        return [id for row in self._rows(prompt) for id in self._joined(_fitting(row, room - len(row) - 1), len(row))]

    def score(self, outputs: Sequence[str], targets: Sequence[str]) -> list[Score]:
        return [Score(name, value, how, digits) for name, value, how, digits in label_scores(outputs, targets)]


@dataclass(frozen=True)
class Choice(Labelled):
    """One of several choices, each of which is scored behind the context."""

    pipeline_tag: ClassVar[str] = "multiple-choice"

    def described(self) -> list[str]:
        return super(Labelled, self).described()

    def example(self, where: str, row: dict[str, object]) -> Row:
        source = self.source(where, row)
        named = not isinstance(row.get(self.answered), int)  # a number in JSON is one, whatever the choices say
        chosen = _chosen(source[1:], self._label(where, row), named)
        reason = "fewer than two choices" if len(source) < 3 else None
        return Row(source, chosen, where, reason or (None if chosen else "an answer that is none of the choices"))

    def source(self, where: str, row: dict[str, object]) -> Values:
        named = named_roles(self.columns)
        return text_of(row, named["context"], where), *_choices(value_of(row, named["choices"], where), where)

    def told(self, labels: Sequence[str]) -> "Choice":
        return self

    @property
    def input_hint(self) -> str:
        return "YOUR CONTEXT\tONE CHOICE\tANOTHER"

    def parse(self, text: str) -> Any:
        """The context, then the choices, with tabs between them."""
        return tuple(text.split("\t"))

    def blank(self, source: Any) -> bool:
        return len(source) < 3 or not source[0].strip()

    @property
    def outputs(self) -> tuple[str, ...]:
        return ("choice",)

    def answers(self, source: Any) -> Sequence[str]:
        return source[1:]

    def orders(self, source: Values) -> list[Values]:
        return [(source[0], choice) for choice in source[1:]] or [("", "")]

    def decode_source(self, prompt: Sequence[int]) -> Any:
        rows = self._rows(prompt)
        return (self.bpe.decode(rows[0][0]), *(self.bpe.decode(row[-1]) for row in rows))

    def encode(self, records: Sequence[Record[Any, str]]) -> Sequence[tuple[Sequence[int], Sequence[int]]]:
        return [(self.encode_source(r.source), [r.source[1:].index(r.target)]) for r in records]

    def decode_row(self, prompt: Sequence[int], target: Sequence[int]) -> tuple[Any, str]:
        source = self.decode_source(prompt)
        return source, source[1:][target[0]]

    def score(self, outputs: Sequence[str], targets: Sequence[str]) -> list[Score]:
        return super().score(outputs, targets)[:1]


def _choices(value: object, where: str) -> list[str]:
    """Of a list, a JSON list, or a text with `|` between them."""
    if isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except ValueError as error:
            raise DataError(f"{where}: the choices {cut(str(value))!r} are no JSON list: {error}") from None
    elif isinstance(value, str):
        value = value.split("|")
    if not isinstance(value, list) or not all(isinstance(choice, str) for choice in value):
        raise DataError(f"{where}: the choices {cut(repr(value))} are no list of texts, nor texts with | between them")
    return [choice.strip() for choice in value]


def _chosen(choices: Sequence[str], answer: str, named: bool) -> str:
    """The choice that an answer names, by its text or its number from 0 on; nothing where it names none."""
    if named and answer in choices:
        return answer
    return choices[int(answer)] if answer.isdecimal() and int(answer) < len(choices) else ""


def _in_order(label: str) -> tuple[bool, float, str]:
    """Numbers by their size, then words."""
    try:
        number = float(label)
    except ValueError:
        number = math.nan
    return (False, number, label) if math.isfinite(number) else (True, 0.0, label)


def _fitting(texts: list[list[int]], room: int) -> list[list[int]]:
    """Texts of at most `room` ids together."""
    texts = [*texts]
    while (over := sum(map(len, texts)) - room) > 0:
        longest = max(range(len(texts)), key=lambda place: len(texts[place]))
        others = max((len(text) for place, text in enumerate(texts) if place != longest), default=0)
        keep = max(len(texts[longest]) - over, min(others, len(texts[longest]) - 1))
        texts[longest] = texts[longest][: max(0, keep)]
    return texts
