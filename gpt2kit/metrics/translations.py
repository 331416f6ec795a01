"""Scores of translations: BLEU and chrF++ of each target language, in the tokenization that suits it."""

from collections.abc import Sequence

from gpt2kit.metrics import metrics
from gpt2kit.metrics.score import Score
from gpt2kit.metrics.tokenization import AUTO, Tokenization, tokenization

STYLE_MATTERS = 1.0
"""Points of BLEU that punctuation alone may cost before a remark mentions it."""


class Direction:
    """Translations into one language, with their references."""

    def __init__(self, language: str, tokenize: str = AUTO) -> None:
        self.language, self.tokenize = language, tokenize
        self.outputs: list[str] = []
        self.references: list[Sequence[str]] = []
        self._tokenization: Tokenization | None = None

    def add(self, output: str, references: Sequence[str]) -> None:
        self.outputs.append(output)
        self.references.append(references)

    @property
    def tokenization(self) -> Tokenization:
        """Decided once, when all references are known."""
        if self._tokenization is None:
            wanted = tokenization(self.language, (first for first, *_ in self.references))
            self._tokenization = metrics.available(wanted) if self.tokenize == AUTO else Tokenization(self.tokenize)
        return self._tokenization

    def lists(self) -> tuple[list[str], list[list[str]]]:
        """The first references, and lists of further ones; where there are fewer, a text is empty."""
        most = max(map(len, self.references), default=1)
        first, *others = ([each[n] if n < len(each) else "" for each in self.references] for n in range(most))
        return first, others

    def scores(self) -> list[Score]:
        first, others = self.lists()
        name = self.tokenization.name
        return [metrics.bleu(self.outputs, first, others, name), metrics.chrf(self.outputs, first, others)]

    def remarks(self) -> list[str]:
        first, others = self.lists()
        gap = metrics.style_gap(self.outputs, first, others, self.tokenization.name)
        found = [self.tokenization.remark] if self.tokenization.remark else []
        right = any(output == reference for output, reference in zip(self.outputs, first, strict=True))
        if right and not metrics.has_runs(self.outputs, self.tokenization.name):
            found.append("BLEU is 0, because no answer has four words; chrF++ scores such short answers, too")
        if gap >= STYLE_MATTERS:
            found.append(f"BLEU loses {gap:.1f} points because outputs and references use different quotes or dashes")
        return found


class TranslationScores:
    """Translations into any number of languages, never mixed in one figure."""

    def __init__(self, tokenize: str = AUTO) -> None:
        """`tokenize` replaces the tokenization of each language. Raises MachineError if it needs what is missing."""
        if tokenize != AUTO:
            metrics.check_tokenization(tokenize)
        self.tokenize = tokenize
        self.directions: dict[str, Direction] = {}

    def add(self, language: str, output: str, references: Sequence[str]) -> None:
        if language not in self.directions:
            self.directions[language] = Direction(language, self.tokenize)
        self.directions[language].add(output, references)

    def scores(self) -> list[Score]:
        """Figures of each language; its code is in their names if there are several."""
        found = []
        for language, direction in self.directions.items():
            suffix = f" {language}" if len(self.directions) > 1 else ""
            found += [score._replace(name=f"{score.name}{suffix}") for score in direction.scores()]
        return found

    def remarks(self) -> list[str]:
        """Problems that the scores do not show."""
        found = []
        for language, direction in self.directions.items():
            prefix = f"{language}: " if len(self.directions) > 1 else ""
            found += [f"{prefix}{remark}" for remark in direction.remarks()]
        return found
