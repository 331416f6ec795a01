"""Scores of text against references, each with its signature: the only import of `sacrebleu`."""

from collections.abc import Sequence

from gpt2kit.errors import DataError
from gpt2kit.metrics.score import Score


def check_counts(outputs: Sequence[str], references: Sequence[str]) -> None:
    """Raises DataError unless there is one reference per output, and at least one."""
    # sacrebleu 2.6 silently cuts the longer list to the length of the shorter one.
    if len(outputs) != len(references):
        raise DataError(
            f"{len(outputs)} outputs but {len(references)} references: each output needs one reference, in order"
        )
    if not outputs:
        raise DataError("nothing to score: the number of outputs is 0")


def bleu(outputs: Sequence[str], references: Sequence[str]) -> Score:
    """Corpus BLEU, 0 to 100, cased and detokenised, one reference each (Post 2018)."""
    from sacrebleu.metrics.bleu import BLEU

    check_counts(outputs, references)
    metric = BLEU()
    score = metric.corpus_score(list(outputs), [list(references)]).score
    return Score("BLEU", score, str(metric.get_signature()))


ONE_STYLE = str.maketrans(
    {"‘": "'", "’": "'", "‛": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "—": "-", "…": "..."}
)
"""Maps quotes, apostrophes, dashes and dots to those of a typewriter."""


def style_gap(outputs: Sequence[str], references: Sequence[str]) -> float:
    """What BLEU would gain if both sides wrote quotes, apostrophes, dashes and dots the same way; 0 if it would
    lose."""
    check_counts(outputs, references)
    plain = [[text.translate(ONE_STYLE) for text in texts] for texts in (outputs, references)]
    if plain == [list(outputs), list(references)]:
        return 0.0
    return max(0.0, bleu(*plain).value - bleu(outputs, references).value)


def chrf(outputs: Sequence[str], references: Sequence[str]) -> Score:
    """Corpus chrF++ (Popović 2017), 0 to 100."""
    from sacrebleu.metrics.chrf import CHRF

    check_counts(outputs, references)
    metric = CHRF(word_order=2)
    score = metric.corpus_score(list(outputs), [list(references)]).score
    return Score("chrF++", score, str(metric.get_signature()))
