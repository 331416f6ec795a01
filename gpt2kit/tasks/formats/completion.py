"""Prompts and their completions: a prompt, `<complete>`, its completion, end; or in the order of the user's
template."""

import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from gpt2kit.data.layouts import Layout, Rows
from gpt2kit.data.report import Unsuitable
from gpt2kit.data.tables import text_of
from gpt2kit.metrics.rouge import mean_rouge
from gpt2kit.metrics.score import Score
from gpt2kit.tasks.base import About, Record
from gpt2kit.tasks.formats.rows import RowTask, Values
from gpt2kit.tasks.text import exact_match

SEPARATOR = "<complete>"


@dataclass(frozen=True)
class Completion(RowTask):
    """Completions of prompts."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.template:
            _check(self.template)

    @property
    def about(self) -> About:
        return replace(super().about, copies=True)

    @property
    def layout(self) -> Layout:
        return KeepsTail(self) if self.template else Rows()

    @cached_property
    def _pieces(self) -> list[tuple[str, str]]:
        """The template's texts, each with the column after it; the last column is the completion's."""
        return [(text, column or "") for text, column, _, _ in string.Formatter().parse(self.template)]

    @property
    def controls(self) -> Sequence[str]:
        return super().controls if self.template else (*super().controls, SEPARATOR)

    @property
    def asked(self) -> list[str]:
        if self.template:
            return list(dict.fromkeys(column for _, column in self._pieces[:-1] if column))
        return [self.named["prompt"]]

    @property
    def answered(self) -> str:
        return self._pieces[-1][1] if self.template else self.named["completion"]

    def describe(self) -> list[str]:
        if self.template:
            return [f"kind completion (template {self.template!r})"]
        return super().describe()

    def example(self, where: str, row: dict[str, object]) -> Record[Values, str]:
        source, target = self.source(where, row), text_of(row, self.answered, where)
        problem = "no prompt" if self.blank(source) else "" if target.strip() else Unsuitable("no completion")
        return self.record(where, source, target, self._prompt(source), problem)

    def fit(
        self, corpus: Sequence[str], records: Iterable[Record[Values, str]], folder: Path, window: int
    ) -> "Completion":
        texts = (text for record in records for text in (self._prompt(record.source), record.target))
        return self.learn_tokenizer(texts, [] if self.template else [SEPARATOR], folder, window)

    def _prompt(self, values: Values) -> str:
        if not self.template:
            return values[0]
        by_column = dict(zip(self.asked, values, strict=True))
        parts = [text + by_column.get(column, "") for text, column in self._pieces[:-1]]
        return "".join([*parts, self._pieces[-1][0]])

    @property
    def tail(self) -> str:
        """The end of a prompt; a space in front of the completion is part of its first token."""
        return self._pieces[-1][0].removesuffix(" ") if self.template else ""

    @property
    def _space(self) -> str:
        return " " if self.template and self._pieces[-1][0].endswith(" ") else ""

    def encode_source(self, source: Values) -> list[int]:
        prompt = self.bpe.encode([self._prompt(source).removesuffix(self._space)])[0]
        return prompt if self.template else [*prompt, self.bpe.id(SEPARATOR)]

    def decode_source(self, prompt: Sequence[int]) -> Values:
        """With a template, the whole prompt is put into its first column."""
        return (self.bpe.decode(prompt), *[""] * (len(self.asked) - 1))

    def encode_target(self, target: str) -> list[int]:
        return [*self.bpe.encode([self._space + target])[0], self.bpe.end_of_text]

    def decode(self, ids: Sequence[int]) -> str:
        return self.bpe.decode(ids).removeprefix(self._space)

    def score(self, outputs: Sequence[str], targets: Sequence[str]) -> list[Score]:
        return [exact_match(outputs, targets), *mean_rouge(outputs, targets)]


class KeepsTail(Rows):
    """Prompts that keep the template's last words when they are too long."""

    def __init__(self, task: Completion) -> None:
        self.task = task

    def shorten(self, prompt: list[int], room: int) -> list[int]:
        if len(prompt) <= room:
            return prompt
        tail = max(1, min(len(self.task.bpe.encode([self.task.tail])[0]), room - 1))
        return [*prompt[: max(0, room - tail)], *prompt[-tail:]][-room:]


def _check(template: str) -> None:
    """Raises ValueError unless it has columns in braces, the last one at its end."""
    pieces = list(string.Formatter().parse(template))
    columns = [column for _, column, _, _ in pieces if column is not None]
    plain = all(column and not spec and not conversion for _, column, spec, conversion in pieces if column is not None)
    wrong = f"template = {template!r}"
    if not columns or pieces[-1][1] is None:
        raise ValueError(f"{wrong} must end with the column of the completion, as in {{answer}}")
    if not plain:
        raise ValueError(f"{wrong}: only the name of a column may be in braces; write {{{{ for a literal brace")
    if not set(columns[:-1]):
        raise ValueError(f"{wrong} needs a column before {{{columns[-1]}}}, the completion")
    if columns[-1] in columns[:-1]:
        raise ValueError(f"{wrong} has its completion, {{{columns[-1]}}}, in the prompt too")
