"""Prompts and their completions: a prompt, `<complete>`, its completion, end; or in the order of the user's
template."""

import re
import string
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from gpt2kit.data.columns.cell_text import columns_in
from gpt2kit.data.layouts import Layout, Rows
from gpt2kit.data.report import Unsuitable
from gpt2kit.data.tables.rows import text_of
from gpt2kit.metrics.rouge import mean_rouge
from gpt2kit.metrics.score import Score
from gpt2kit.tasks import asking
from gpt2kit.tasks.about import About
from gpt2kit.tasks.formats.rows import RowTask, Values
from gpt2kit.tasks.record import Record
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
        endings = {} if self.template else {"": SEPARATOR}
        template = self._numbered() if self.template else None
        texts = asking.Answered(self.names, (), template, endings, tail=self.tail, space=self._space)
        return replace(super().about, copies=True, asking=texts)

    def _numbered(self) -> tuple[str | int, ...]:
        """The template up to its completion, with the numbers of columns."""
        parts: list[str | int] = []
        for text, column in self._pieces[:-1]:
            parts += [text, self.asked.index(column)] if column else [text]
        return (*parts, self.tail)

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
        return columns_in(self.named["prompt"], ())

    @property
    def answered(self) -> str:
        return self._pieces[-1][1] if self.template else self.named["completion"]

    def taken(self) -> dict[str, str]:
        if not self.template:
            return self.named
        return {"prompt": "+".join(self.asked), "completion": self.answered}

    def describe(self) -> list[str]:
        kind, *lines = super().describe()
        return [f"kind completion (template {self.template!r})" if self.template else kind, *lines]

    def source(self, where: str, row: dict[str, object]) -> Values:
        """Of several columns without a template, a row may lack some: an instruction need not have an input."""
        names = self.asked
        if self.template or not any(name in row for name in names):
            return super().source(where, row)
        return tuple(text_of(row, name, where) if name in row else "" for name in names)

    def example(self, where: str, row: dict[str, object]) -> Record[Values, str]:
        source, (target, others) = self.source(where, row), _completion(row, self.answered, where)
        problem = "no prompt" if self.blank(source) else "" if target.strip() else Unsuitable("no completion")
        record = self.record(where, source, target, self._prompt(source), problem)
        more = {"completions after the first one of their row": others} if others else {}
        return replace(record, skipped={**record.skipped, **more})

    def fit(
        self, corpus: Sequence[str], records: Iterable[Record[Values, str]], folder: Path, window: int
    ) -> "Completion":
        texts = (text for record in records for text in (self._prompt(record.source), record.target))
        return self.learn_tokenizer(texts, [] if self.template else [SEPARATOR], folder, window)

    def _prompt(self, values: Values) -> str:
        if not self.template:
            return "\n".join(value for value in values if value.strip()) if len(values) > 1 else values[0]
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
        """The whole prompt is put into the first column."""
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


def _completion(row: dict[str, object], column: str, where: str) -> tuple[str, int]:
    """A completion, the first one of a list as SQuAD has it, and the number of the others."""
    found, others = row.get(column), 0
    while isinstance(found, list | dict):
        if isinstance(found, list):
            others += max(0, len(found) - 1)
            found = found[0] if found else ""
        else:
            found = next((found[key] for key in ("text", "value", "answer") if key in found), found)
            if isinstance(found, dict):
                break
    return text_of({**row, column: found} if column in row else row, column, where), others


def _check(template: str) -> None:
    """Raises ValueError unless it has columns in braces, the last one at its end."""
    try:
        pieces = list(string.Formatter().parse(template))
    except ValueError as error:  # a brace without its counterpart
        raise ValueError(f"template = {template!r}: {error}; {_with_literal_braces(template)}") from None
    columns = [column for _, column, _, _ in pieces if column is not None]
    plain = all(column and not spec and not conversion for _, column, spec, conversion in pieces if column is not None)
    wrong = f"template = {template!r}"
    if not columns or pieces[-1][1] is None:
        raise ValueError(f"{wrong} must end with the column of the completion, as in {{answer}}")
    if not plain:
        raise ValueError(f"{wrong}: only the name of a column may be in braces; {_with_literal_braces(template)}")
    if not set(columns[:-1]):
        raise ValueError(f"{wrong} needs a column before {{{columns[-1]}}}, the completion")
    if columns[-1] in columns[:-1]:
        raise ValueError(f"{wrong} has its completion, {{{columns[-1]}}}, in the prompt too")


def _with_literal_braces(template: str) -> str:
    """Advice for a template that has braces of its own, such as those of JSON."""
    doubled = re.sub(r"\{([^{}:!\"'\[\],]+)\}|[{}]", lambda brace: brace[0] if brace[1] else 2 * brace[0], template)
    return f"write {{{{ and }}}} for literal braces, as in {doubled!r}"
