"""Summaries scored one by one: ROUGE beside that of extracts, and how much of them the document says."""

from collections.abc import Callable
from typing import NamedTuple

from gpt2kit.evaluate.bootstrap import COVERED, RESAMPLES, interval
from gpt2kit.evaluate.extractive import lead, oracle, random_sentences, tfidf
from gpt2kit.evaluate.faithful import copied_span, fragments, novel_ngrams, unsupported
from gpt2kit.evaluate.rouge import Rouge


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
    """Keeps a few numbers of each example, and no text."""

    def __init__(self) -> None:
        self.rouge = Rouge()
        self.rouges: dict[str, list[dict[str, float]]] = {system: [] for system in ("", *EXTRACTS)}
        self.faithful: dict[str, list[dict[str, float]]] = {"": [], REFERENCE: []}

    def add(self, output: str, example: Example) -> dict[str, object]:
        """Returns what is known of this summary."""
        summaries = {"": output} | {system: extract(example) for system, extract in EXTRACTS.items()}
        for system, summary in summaries.items():
            self.rouges[system].append(self.rouge(summary, example.reference))
        unknown = unsupported(output, f"{example.title}\n{example.body}")
        for system, summary in {"": output, REFERENCE: example.reference}.items():
            self.faithful[system].append(faithfulness(summary, example))
        return {**self.rouges[""][-1], **self.faithful[""][-1], "unsupported": unknown}

    def figures(self) -> list[Figure]:
        """Of the model first."""
        found = []
        for system in (*self.rouges, REFERENCE):
            if system in self.rouges:
                scores = self.rouge.averaged(self.rouges[system])
                found += [
                    Figure(system, each.name, each.value, (each.low, each.high), each.signature) for each in scores
                ]
            if system in self.faithful:
                how = f"mean:examples|ci:{COVERED}%-bootstrap-{RESAMPLES}|seed:0"
                for name in self.faithful[system][0]:
                    values = [example[name] for example in self.faithful[system]]
                    found.append(Figure(system, name, sum(values) / len(values), interval(values), how))
        return found


def faithfulness(summary: str, example: Example) -> dict[str, float]:
    """What a summary takes from its document and title, and what it does not."""
    source = f"{example.title}\n{example.body}"
    novel = {f"novel {n}-grams %": 100 * novel_ngrams(summary, source, n) for n in (1, 2, 3)}
    return novel | {
        "longest copied span, words": float(copied_span(summary, source)),
        "copied density": fragments(summary, source).density,
        "unsupported names and numbers": float(len(unsupported(summary, source))),
    }
