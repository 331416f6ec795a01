"""Texts with labels, in GPT-1's input formats (Radford et al. 2018, figure 1): a start token, the text, an extract
token; two texts with a delimiter between them, in both orders if the task is symmetric; one row for each choice."""

import hashlib
import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gpt2kit.data.columns.roles import KINDS
from gpt2kit.data.frame import Frame
from gpt2kit.data.layouts import Classification
from gpt2kit.data.lines import cut
from gpt2kit.data.tables.rows import value_of
from gpt2kit.errors import DataError, UserError, counted
from gpt2kit.metrics.labels import label_scores
from gpt2kit.metrics.score import Score
from gpt2kit.tasks import asking
from gpt2kit.tasks.about import About
from gpt2kit.tasks.formats.rows import RowTask, Values
from gpt2kit.tasks.record import Question, Record
from gpt2kit.tasks.text import TextVocabulary

START, DELIMITER, EXTRACT = SPECIALS = ("<start>", "<delimiter>", "<extract>")

MOST_LABELS = 1000
"""A column with more distinct values does not contain labels."""


@dataclass(frozen=True)
class LabelledVocabulary(TextVocabulary):
    """A tokenizer whose vocabulary also has the numbers of the labels as ids."""

    labels: tuple[str, ...]
    padding_side = "right"  # GPT-2's positions begin at the padding of a text, unless it generates

    def with_settings(self, fingerprint: str) -> str:
        """With the labels."""
        described = json.dumps([fingerprint, self.labels])
        return hashlib.blake2b(described.encode(), digest_size=8).hexdigest()

    def copy_files(self, folder: Path, window: int) -> None:
        """The same, for a model whose last position is that of the label: so long is the longest text."""
        super().copy_files(folder, window - 1)
        self.bpe.save_frame(folder, Frame(*SPECIALS))


@dataclass(frozen=True)
class Labelled(RowTask):
    """Labels of a text, or of two."""

    @property
    def about(self) -> About:
        texts = asking.Labelled(self.names, SPECIALS, both_orders=self.kind == "similarity")
        return replace(super().about, pipeline_tag="text-classification", asking=texts)

    @property
    def vocabulary(self) -> LabelledVocabulary:
        return LabelledVocabulary(self.bpe, self.folder, self.labels)

    @property
    def layout(self) -> "LabelledTexts":
        return LabelledTexts(self)

    @property
    def controls(self) -> Sequence[str]:
        return (*super().controls, *SPECIALS)

    @property
    def asked(self) -> list[str]:
        return [self.named[role] for role in KINDS[self.kind][:-1]]

    @property
    def answered(self) -> str:
        return self.named[KINDS[self.kind][-1]]

    def describe(self) -> list[str]:
        return [*super().describe(), f"{counted(len(self.labels), 'label')}: {cut(', '.join(self.labels))}"]

    def example(self, where: str, row: dict[str, object]) -> Record[Values, str]:
        source, label = self.source(where, row), self.label(where, row)
        found = self.record(where, source, label, "\t".join(source), self.problem_of(source, label))
        return replace(found, label=label)

    def problem_of(self, source: Values, label: str) -> str:
        if not all(value.strip() for value in source):
            return "empty text"
        if not label.strip():
            return "no label"
        if label in self.missing:
            return f"no label, written {label!r}"
        return "label does not occur in the training part" if self.labels and label not in self.labels else ""

    def parse(self, text: str) -> Values:
        values = super().parse(text)
        self.check_complete(text, all(value.strip() for value in values))
        return values

    def check_complete(self, text: str, complete: bool) -> None:
        """Raises UserError for a part of an input, to which any answer would be meaningless; nothing is allowed."""
        if text.strip() and not complete:
            expected = self.input_example.replace("\t", "<TAB>")
            raise UserError(f"{cut(repr(text))}: expected the texts of a row with a tab between them: {expected}")

    def label(self, where: str, row: dict[str, object]) -> str:
        """Raises DataError for anything but a word or a number."""
        value = value_of(row, self.answered, where)
        if value is None or value != value:  # NaN
            return ""
        if isinstance(value, str | int | float):
            return str(value).strip()
        shown = cut(repr(value))
        raise DataError(f"{where}: column {self.answered!r} contains {shown}; expected a string or a number as label")

    def fit(
        self, corpus: Sequence[str], records: Iterable[Record[Values, str]], folder: Path, window: int
    ) -> "Labelled":
        found: set[str] = set()

        def texts() -> Iterator[str]:
            for record in records:
                found.add(record.target)
                yield from record.source

        every = texts()
        task = self.learn_tokenizer(every, SPECIALS, folder, window)
        for _ in every:  # an existing tokenizer has not consumed the records
            pass
        return task.with_labels(self.labels or sorted(found, key=_in_order))

    def with_labels(self, labels: Sequence[str]) -> "Labelled":
        """The task with these labels. Raises DataError for too few or too many of them."""
        if not 2 <= len(labels) <= MOST_LABELS:
            shown = cut(", ".join(map(repr, labels[:9])))
            raise DataError(
                f"column {self.answered!r}: different labels in the training part: {len(labels):,} ({shown}); expected "
                f"2 to {MOST_LABELS:,}; if the column has texts to write, use --columns completion=COLUMN"
            )
        return replace(self, labels=tuple(labels))

    def questions(
        self, records: Sequence[Record[Values, Any]], data: RowTask, given: Mapping[str, Any]
    ) -> Iterator[Question[Values, str]]:
        if any(record.target is not None for record in records):
            raise UserError("the labels of the training examples are known: give texts without labels with --input")
        if unknown := [label for label in self.labels if label not in data.labels]:
            raise DataError(f"the run has the label {unknown[0]!r}; those of the data are {', '.join(data.labels)}")
        return super().questions(records, data, given)

    def orders(self, source: Values) -> list[Values]:
        """The texts of each row that the model reads for an example."""
        return [source, source[::-1]] if self.kind == "similarity" else [source]

    def encode_source(self, source: Values) -> list[int]:
        rows = self.orders(source)
        ids = iter(self.bpe.encode([text for texts in rows for text in texts]))
        return self.layout.joined([[next(ids) for _ in texts] for texts in rows])

    def decode_source(self, prompt: Sequence[int]) -> Values:
        return tuple(self.bpe.decode(text) for text in self.layout.rows(prompt)[0])

    def encode(self, records: Sequence[Record[Values, str]]) -> Sequence[tuple[Sequence[int], Sequence[int]]]:
        """A target is the index of its answer among those of its source."""
        numbers = ([*self.layout.answers(record.source)].index(record.target) for record in records)
        return [(self.encode_source(record.source), [n]) for record, n in zip(records, numbers, strict=True)]

    def encode_target(self, target: str) -> list[int]:
        return [self.labels.index(target)]

    def decode(self, ids: Sequence[int]) -> str:
        return self.labels[ids[0]] if ids and ids[0] < len(self.labels) else ""

    def score(self, outputs: Sequence[str], targets: Sequence[str]) -> list[Score]:
        return label_scores(outputs, targets)


class LabelledTexts(Classification):
    """Prompts of one or several rows: the start token, texts with delimiters between them, the extract token."""

    def __init__(self, task: Labelled) -> None:
        self.task = task

    @property
    def labels(self) -> tuple[str, ...]:
        return self.task.labels

    @property
    def extract(self) -> int:
        return self.task.bpe.id(EXTRACT)

    def joined(self, rows: Sequence[Sequence[Sequence[int]]]) -> list[int]:
        """The prompt of several rows, each given as its texts."""
        start, delimiter, extract = map(self.task.bpe.id, SPECIALS)
        ids = []
        for texts in rows:
            ids.append(start)
            for place, text in enumerate(texts):
                ids += [delimiter, *text] if place else text
            ids.append(extract)
        return ids

    def rows(self, prompt: Sequence[int]) -> list[list[list[int]]]:
        """Inverse of `joined`."""
        start, delimiter, extract = map(self.task.bpe.id, SPECIALS)
        rows: list[list[list[int]]] = []
        for id in prompt:
            if id == start:
                rows.append([[]])
            elif id == delimiter and rows:
                rows[-1].append([])
            elif id != extract and rows:
                rows[-1][-1].append(id)
        return rows

    def length(self, prompt: Sequence[int]) -> int:
        """The length of the longest row: each is read separately."""
        return max(sum(map(len, row)) + len(row) + 1 for row in self.rows(prompt))

    def shorten(self, prompt: list[int], room: int) -> list[int]:
        """Cut the ends of texts, the longest first, in every row that is too long."""
        return self.joined([_fitting(row, room - len(row) - 1) for row in self.rows(prompt)])


def _in_order(label: str) -> tuple[bool, float, str]:
    """Sorts numbers by size, then words."""
    try:
        number = float(label)
    except ValueError:
        number = math.nan
    return (False, number, label) if math.isfinite(number) else (True, 0.0, label)


def _fitting(texts: list[list[int]], room: int) -> list[list[int]]:
    """Cut texts to at most `room` ids in total; to nothing if not even the control tokens have room."""
    texts, room = [*texts], max(0, room)
    while (over := sum(map(len, texts)) - room) > 0:
        longest = max(range(len(texts)), key=lambda place: len(texts[place]))
        others = max((len(text) for place, text in enumerate(texts) if place != longest), default=0)
        keep = max(len(texts[longest]) - over, min(others, len(texts[longest]) - 1))
        texts[longest] = texts[longest][: max(0, keep)]
    return texts
