"""One of several choices: each is a row of the context and the choice, as in GPT-1 (Radford et al. 2018, figure 1)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from gpt2kit.data.columns.cell_text import text_in
from gpt2kit.data.columns.choices import Options, chosen, read_options
from gpt2kit.metrics.score import Score
from gpt2kit.tasks import asking
from gpt2kit.tasks.about import About
from gpt2kit.tasks.formats.labelled import SPECIALS, Labelled, LabelledTexts
from gpt2kit.tasks.formats.rows import Values
from gpt2kit.tasks.record import Record


@dataclass(frozen=True)
class Choice(Labelled):
    """One of several choices, each of which is scored after the context."""

    @property
    def about(self) -> About:
        texts = asking.Chosen(("context", "choices"), SPECIALS)
        return replace(super().about, pipeline_tag="multiple-choice", asking=texts)

    @property
    def input_example(self) -> str:
        return "YOUR CONTEXT\tONE CHOICE\tANOTHER"

    @property
    def layout(self) -> "Choices":
        return Choices(self)

    def describe(self) -> list[str]:
        counted = [f"answers that are numbers count from {self.count_from}"] if self.count_from else []
        return [*super(Labelled, self).describe(), *counted]

    def example(self, where: str, row: dict[str, object]) -> Record[Values, str]:
        options, source = self.options(where, row), self.source(where, row)
        answer = self.label(where, row)
        target = chosen(options, answer, int(self.count_from or 0), self.may_be_named(row))
        problem = "fewer than two choices" if len(source) < 3 else ""
        problem = problem or ("no answer" if answer in ("", "-1") else "")
        problem = problem or ("" if target else "the answer is not one of the choices")
        return self.record(where, source, target, "\t".join(source), problem or self.problem_of(source, target))

    def may_be_named(self, row: dict[str, object]) -> bool:
        """Whether an answer may be the text of a choice: a number in JSON never is, whatever the choices are."""
        return not isinstance(row.get(self.answered), int | float)

    def source(self, where: str, row: dict[str, object]) -> Values:
        return text_in(row, self.named["context"], where), *self.options(where, row).texts

    def options(self, where: str, row: dict[str, object]) -> Options:
        return read_options(row, self.named["choices"], where)

    def with_labels(self, labels: Sequence[str]) -> "Choice":
        """Unchanged: each example has its own choices."""
        return self

    def parse(self, text: str) -> Values:
        """The context, then the choices, with tabs between them."""
        values = tuple(text.split("\t"))
        self.check_complete(text, not self.blank(values))
        return values

    def blank(self, source: Values) -> bool:
        return len(source) < 3 or not source[0].strip()

    def orders(self, source: Values) -> list[Values]:
        return [(source[0], choice) for choice in source[1:]] or [("", "")]

    def decode_source(self, prompt: Sequence[int]) -> Values:
        rows = self.layout.rows(prompt)
        return (self.bpe.decode(rows[0][0]), *(self.bpe.decode(row[-1]) for row in rows))

    def score(self, outputs: Sequence[str], targets: Sequence[str]) -> list[Score]:
        return super().score(outputs, targets)[:1]


class Choices(LabelledTexts):
    """A row for each choice; the classifier scores one at a time."""

    @property
    def labels(self) -> tuple[str, ...]:
        return ("choice",)

    def answers(self, source: Any) -> Sequence[str]:
        return tuple(source[1:])
