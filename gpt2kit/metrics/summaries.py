"""Scores of summaries, one by one: ROUGE next to that of extracts, and how much of them is in the document."""

from array import array
from collections.abc import Callable, Mapping
from typing import NamedTuple

from gpt2kit.metrics.bootstrap import COVERED, RESAMPLES, interval
from gpt2kit.metrics.extractive import lead, oracle, random_sentences, tfidf
from gpt2kit.metrics.faithful import faithfulness, unsupported
from gpt2kit.metrics.rouge import Rouge, signatures
from gpt2kit.metrics.score import Score
from gpt2kit.metrics.words import first_words, words


class Example(NamedTuple):
    """The other texts of an example."""

    title: str
    body: str
    reference: str


EXTRACTS: dict[str, Callable[[Example], str]] = {
    "lead-3": lambda example: lead(example.body),
    "random-3": lambda example: random_sentences(example.body),
    "tf-idf": lambda example: tfidf(example.body, example.title),
    "oracle": lambda example: oracle(example.body, example.reference),
}
"""Baselines without a model. The oracle knows the reference, and adds the sentence that gains most at each step."""

REFERENCE = "reference"
"""The system whose summaries are the references themselves: no ROUGE, but figures of faithfulness."""


LONGEST = 1000
"""Words of a summary or a reference that are scored: ROUGE-L takes time in proportion to the product of both lengths,
and one sentence of a document may be as long as a book."""

EMPTY = "summaries without words %"


class SummaryScores:
    """Keeps eight bytes per figure and example, and no text."""

    def __init__(self) -> None:
        self.rouge = Rouge()
        self.values: dict[str, dict[str, array[float]]] = {system: {} for system in ("", *EXTRACTS, REFERENCE)}

    def add(self, output: str, example: Example) -> dict[str, object]:
        """Returns the figures of this summary."""
        output, example = _bounded(output), example._replace(reference=_bounded(example.reference))
        of_output = self.rouge(output, example.reference)
        for system, extract in EXTRACTS.items():
            self._keep(system, self.rouge(_bounded(extract(example)), example.reference))
        self._keep("", of_output)
        of_source = self._faithful("", output, example)
        self._faithful(REFERENCE, example.reference, example)
        return {**of_output, **of_source}

    def _faithful(self, system: str, summary: str, example: Example) -> dict[str, object]:
        """A summary without words contains nothing false: it is counted, and excluded from the other means."""
        empty = not words(summary)
        self._keep(system, {EMPTY: 100.0 * empty})
        if empty:
            return {"unsupported": []}
        source = f"{example.title}\n{example.body}"
        unknown = unsupported(summary, source)
        figures = faithfulness(summary, source, unknown)
        self._keep(system, figures)
        return {**figures, "unsupported": unknown}

    def _keep(self, system: str, figures: Mapping[str, float]) -> None:
        for name, value in figures.items():
            self.values[system].setdefault(name, array("d")).append(value)

    def scores(self) -> list[Score]:
        """Means over examples: first those of the model, then those of the other systems."""
        of_rouge, found = signatures(), []
        for system, by_name in self.values.items():
            for name, values in by_name.items():
                how = f"words:{LONGEST}|mean:examples|n:{len(values)}|ci:{COVERED}%-bootstrap-{RESAMPLES}|seed:0"
                signature = f"{of_rouge[name]}|{how}" if name in of_rouge else how
                mean, bounds = sum(values) / len(values), interval(values)
                found.append(Score(name, mean, signature, interval=bounds, system=system))
        return found


def _bounded(summary: str) -> str:
    return first_words(summary, LONGEST)
