"""ROUGE (Lin 2004): the only import of `rouge-score`, with words of any script and our own sentences.

The package's own words are runs of a to z and digits, which drops Japanese and splits French at its accents. Its own
sentences are lines, or need a download. Everything else is the package's.
"""

from collections.abc import Sequence
from importlib.metadata import version

from gpt2kit.metrics.metrics import check_counts
from gpt2kit.metrics.score import Score
from gpt2kit.metrics.sentences import sentences
from gpt2kit.metrics.words import words

WHOLE = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}
"""For a text as one sequence of words."""
BY_SENTENCE = {"rougeLsum": "ROUGE-Lsum"}
"""For its sentences: each reference sentence counts the union of its matches with the output's sentences."""


class Rouge:
    """Scores one output at a time. Words are compared unchanged, without stemming."""

    def __init__(self) -> None:
        from rouge_score.rouge_scorer import RougeScorer

        tokenizer = _Tokenizer()
        self.whole, self.by_sentence = (RougeScorer(list(kinds), tokenizer=tokenizer) for kinds in (WHOLE, BY_SENTENCE))

    def __call__(self, output: str, reference: str) -> dict[str, float]:
        """F1 by name, 0 to 100; 0 if one side has no words."""
        scores = self.whole.score(reference, output) | self.by_sentence.score(_lines(reference), _lines(output))
        return {name: 100 * scores[kind].fmeasure for kind, name in (WHOLE | BY_SENTENCE).items()}


def signatures() -> dict[str, str]:
    """How each figure of `Rouge` is computed, by its name."""
    return {name: _signature("no") for name in WHOLE.values()} | {
        name: _signature("rules") for name in BY_SENTENCE.values()
    }


def mean_rouge(outputs: Sequence[str], references: Sequence[str]) -> list[Score]:
    """The means over all outputs."""
    check_counts(outputs, references)
    rouge, how = Rouge(), signatures()
    scores = [rouge(output, reference) for output, reference in zip(outputs, references, strict=True)]
    return [Score(name, sum(each[name] for each in scores) / len(scores), how[name]) for name in how]


class _Tokenizer:
    """The tokenizer that the scorer calls."""

    def tokenize(self, text: str) -> list[str]:
        return words(text)


def _lines(text: str) -> str:
    return "\n".join(sentences(text, headings=True))


def _signature(split: str) -> str:
    return f"score:F1|tok:unicode-words|case:lc|stem:no|sent:{split}|version:{version('rouge-score')}"
