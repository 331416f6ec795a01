"""Summaries scored one by one: ROUGE beside that of extracts, and how much of them the document says."""

from array import array
from collections.abc import Callable, Mapping
from typing import NamedTuple

from gpt2kit.evaluate.bootstrap import COVERED, RESAMPLES, interval
from gpt2kit.evaluate.extractive import lead, oracle, random_sentences, tfidf
from gpt2kit.evaluate.faithful import faithfulness, unsupported
from gpt2kit.evaluate.rouge import Rouge, signatures


class Example(NamedTuple):
    """What there is beside a summary."""

    title: str
    body: str
    reference: str


EXTRACTS: dict[str, Callable[[Example], str]] = {
    "lead-3": lambda example: lead(example.body),
    "random-3": lambda example: random_sentences(example.body),
    "tf-idf": lambda example: tfidf(example.body, example.title),
    "oracle": lambda example: oracle(example.body, example.reference),
}
"""Summaries without a model. The oracle knows the reference: it is what extracts can reach."""

REFERENCE = "reference"
"""The system whose summaries are the references themselves: no ROUGE, but the figures of faithfulness."""


class Figure(NamedTuple):
    """A mean over examples."""

    system: str
    """Empty for the model, or what else wrote the summaries."""
    name: str
    value: float
    interval: tuple[float, float]
    signature: str


class SummaryScores:
    """Keeps eight bytes for each figure of each example, and no text."""

    def __init__(self) -> None:
        self.rouge = Rouge()
        self.values: dict[str, dict[str, array[float]]] = {system: {} for system in ("", *EXTRACTS, REFERENCE)}

    def add(self, output: str, example: Example) -> dict[str, object]:
        """Returns what is known of this summary."""
        of_output = self.rouge(output, example.reference)
        for system, extract in EXTRACTS.items():
            self._keep(system, self.rouge(extract(example), example.reference))
        source = f"{example.title}\n{example.body}"
        unknown = unsupported(output, source)
        of_output |= faithfulness(output, source, unknown)
        self._keep("", of_output)
        self._keep(REFERENCE, faithfulness(example.reference, source, unsupported(example.reference, source)))
        return {**of_output, "unsupported": unknown}

    def _keep(self, system: str, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self.values[system].setdefault(name, array("d")).append(value)

    def figures(self) -> list[Figure]:
        """Of the model first."""
        how = f"mean:examples|ci:{COVERED}%-bootstrap-{RESAMPLES}|seed:0"
        of_rouge = signatures()
        return [
            Figure(
                system,
                name,
                sum(values) / len(values),
                interval(values),
                f"{of_rouge[name]}|{how}" if name in of_rouge else how,
            )
            for system, by_name in self.values.items()
            for name, values in by_name.items()
        ]
