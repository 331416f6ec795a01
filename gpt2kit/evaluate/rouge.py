"""ROUGE (Lin 2004): the door to `rouge-score`, with words of any script and sentences of our own.

The package's own words are runs of a to z and digits, which leaves nothing of Japanese and parts French at its accents,
and its own sentences are lines, or need a download. Everything else is the package's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version

from gpt2kit.evaluate.bootstrap import COVERED, RESAMPLES, interval
from gpt2kit.evaluate.metrics import check_counts
from gpt2kit.evaluate.sentences import sentences
from gpt2kit.evaluate.words import words

WHOLE = {"rouge1": "ROUGE-1", "rouge2": "ROUGE-2", "rougeL": "ROUGE-L"}
"""Of a text as one sequence of words."""
BY_SENTENCE = {"rougeLsum": "ROUGE-Lsum"}
"""Of its sentences: for each one of the reference the union of what it shares with those of the output."""


@dataclass(frozen=True)
class RougeScore:
    """One kind of ROUGE over all examples; every number is an F1 from 0 to 100."""

    name: str
    value: float
    """The mean over the examples."""
    signature: str
    low: float
    """The 95% interval of that mean, from resampled examples."""
    high: float
    values: list[float]
    """Of each example, in order."""


class Rouge:
    """Scores one output after the other.

    `stemmer` compares Porter's stems of words in ASCII, which means something for English alone.
    """

    def __init__(self, stemmer: bool = False) -> None:
        from rouge_score.rouge_scorer import RougeScorer

        self.stemmer = stemmer
        tokenizer = _Tokenizer(stemmer)
        self.whole, self.by_sentence = (RougeScorer(list(kinds), tokenizer=tokenizer) for kinds in (WHOLE, BY_SENTENCE))

    def __call__(self, output: str, reference: str) -> dict[str, float]:
        """F1 by name, 0 to 100; 0 where there is no word on one side."""
        scores = self.whole.score(reference, output) | self.by_sentence.score(_lines(reference), _lines(output))
        return {name: 100 * scores[kind].fmeasure for kind, name in (WHOLE | BY_SENTENCE).items()}

    def averaged(self, scores: Sequence[Mapping[str, float]], seed: int = 0) -> list[RougeScore]:
        """The mean of what was returned for each output. `seed` is that of the intervals."""
        found = []
        for kind, name in (WHOLE | BY_SENTENCE).items():
            values = [score[name] for score in scores]
            signature = _signature(self.stemmer, "rules" if kind in BY_SENTENCE else "no", seed)
            found.append(RougeScore(name, sum(values) / len(values), signature, *interval(values, seed), values))
        return found


def rouge(outputs: Sequence[str], references: Sequence[str], stemmer: bool = False, seed: int = 0) -> list[RougeScore]:
    """ROUGE-1, ROUGE-2, ROUGE-L and ROUGE-Lsum of outputs, one reference each.

    Raises DataError where the lists do not match or are empty.
    """
    check_counts(outputs, references)
    score = Rouge(stemmer)
    return score.averaged([score(*pair) for pair in zip(outputs, references, strict=True)], seed)


class _Tokenizer:
    """What the scorer calls."""

    def __init__(self, stemmer: bool) -> None:
        from rouge_score.tokenizers import DefaultTokenizer

        self.stem = cache(DefaultTokenizer(use_stemmer=True).tokenize) if stemmer else None

    def tokenize(self, text: str) -> list[str]:
        found = words(text)
        if self.stem is None:
            return found
        return [stem for word in found for stem in (self.stem(word) if word.isascii() else [word])]


def _lines(text: str) -> str:
    return "\n".join(sentences(text, headings=True))


def _signature(stemmer: bool, split: str, seed: int) -> str:
    parts = {
        "score": "F1",
        "tok": "unicode-words",
        "case": "lc",
        "stem": "porter" if stemmer else "no",
        "sent": split,
        "mean": "examples",
        "ci": f"{COVERED}%-bootstrap-{RESAMPLES}",
        "seed": str(seed),
        "version": version("rouge-score"),
    }
    return "|".join(f"{key}:{value}" for key, value in parts.items())
