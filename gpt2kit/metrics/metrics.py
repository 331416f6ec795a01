"""Scores of text against references, each with its signature: the only import of `sacrebleu`."""

from collections.abc import Sequence
from typing import Any

from gpt2kit.errors import DataError, MachineError, counted
from gpt2kit.metrics.score import Score
from gpt2kit.metrics.tokenization import CHARACTERS, DEFAULT, PACKAGES, Tokenization

RUN = 4
"""Words of the longest runs that BLEU counts."""

Others = Sequence[Sequence[str]]
"""More lists of references, each as long as the first; an empty text is ignored."""


def check_counts(outputs: Sequence[str], references: Sequence[str]) -> None:
    """Raises DataError unless there is one reference per output, and at least one."""
    # sacrebleu 2.6 silently cuts the longer list to the length of the shorter one.
    if len(outputs) != len(references):
        raise DataError(
            f"{counted(len(outputs), 'output')} but {counted(len(references), 'reference')}: each output needs "
            f"one reference, in order"
        )
    if not outputs:
        raise DataError("nothing to score: the number of outputs is 0")


def bleu(outputs: Sequence[str], references: Sequence[str], others: Others = (), tokenize: str = DEFAULT) -> Score:
    """Corpus BLEU, 0 to 100, cased and detokenized (Post 2018); `tokenize` is one of sacreBLEU's tokenizations.

    Raises MachineError for a tokenization that needs a package or a file which is missing.
    """
    lists = _lists(outputs, references, others)
    metric = _bleu(tokenize)
    score = min(100.0, metric.corpus_score(list(outputs), lists).score)  # floats may add up to a little more
    return Score("BLEU", score, str(metric.get_signature()))


def has_runs(outputs: Sequence[str], tokenize: str = DEFAULT) -> bool:
    """Whether any output has the four words that BLEU counts; without them it is 0, even for right answers."""
    tokenizer = _bleu(tokenize).tokenizer
    return any(len(tokenizer(text).split()) >= RUN for text in outputs)


def words(texts: Sequence[str], tokenize: str = DEFAULT) -> list[tuple[str, ...]]:
    """What BLEU counts as the words of each text."""
    tokenizer = _bleu(tokenize).tokenizer
    return [tuple(tokenizer(text.rstrip()).split()) for text in texts]


def bleu_of_counts(same: list[int], all: list[int], reference: int) -> float:
    """BLEU of a sentence, 0 to 100, by the numbers of its n-grams that are in its reference, too, and of all of them,
    each for 1 to 4 words, and by the words of the reference."""
    from sacrebleu.metrics.bleu import BLEU

    score: float = BLEU.compute_bleu(same, all, all[0], reference, smooth_method="exp", effective_order=True).score
    return min(100.0, score)  # floats may add up to a little more


def check_tokenization(name: str) -> None:
    """Raises MachineError if something that it needs is missing."""
    _bleu(name)


def available(wanted: Tokenization) -> Tokenization:
    """This tokenization, or characters, with a remark, if it needs a package that is missing."""
    try:
        check_tokenization(wanted.name)
    except MachineError as error:
        return Tokenization(CHARACTERS, f"BLEU is over characters: {error}")
    return wanted


def _bleu(tokenize: str) -> Any:
    from sacrebleu.metrics.bleu import BLEU

    try:
        return BLEU(tokenize=tokenize)
    # Of MeCab, its dictionaries, sentencepiece or a download; sacrebleu exits at one of them.
    except (Exception, SystemExit) as error:
        package = PACKAGES.get(tokenize)
        if package is None:
            raise
        reason = next((line.strip(" .:") for line in str(error).splitlines() if line.strip()), type(error).__name__)
        needs = f"it needs `pip install '{package}'`" + (
            " and a file from the internet" if "flores" in tokenize else ""
        )
        raise MachineError(f"sacreBLEU's tokenization {tokenize} cannot be used ({reason}): {needs}") from None


def _lists(outputs: Sequence[str], references: Sequence[str], others: Others) -> list[list[str | None]]:
    for each in (references, *others):
        check_counts(outputs, each)
    return [list(references), *([text if text.strip() else None for text in each] for each in others)]


ONE_STYLE = str.maketrans(
    {"‘": "'", "’": "'", "‛": "'", "“": '"', "”": '"', "„": '"', "«": '"', "»": '"', "–": "-", "—": "-", "…": "..."}
)
"""Maps quotes, apostrophes, dashes and dots to those of a typewriter."""


def style_gap(outputs: Sequence[str], references: Sequence[str], others: Others = (), tokenize: str = DEFAULT) -> float:
    """What BLEU would gain if both sides wrote quotes, apostrophes, dashes and dots the same way; 0 if it would
    lose."""
    check_counts(outputs, references)
    texts = [list(outputs), list(references), *map(list, others)]
    plain = [[text.translate(ONE_STYLE) for text in each] for each in texts]
    if plain == texts:
        return 0.0
    found = bleu(plain[0], plain[1], plain[2:], tokenize).value
    return max(0.0, found - bleu(outputs, references, others, tokenize).value)


def chrf(outputs: Sequence[str], references: Sequence[str], others: Others = ()) -> Score:
    """Corpus chrF++ (Popović 2017), 0 to 100."""
    from sacrebleu.metrics.chrf import CHRF

    lists = _lists(outputs, references, others)
    metric: Any = CHRF(word_order=2)
    score = metric.corpus_score(list(outputs), lists).score
    return Score("chrF++", score, str(metric.get_signature()))
