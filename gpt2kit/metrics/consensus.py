"""Minimum Bayes risk: which of several texts is the most similar to the others, on the average.

The similarities are sacreBLEU's of sentences. Its own functions count the n-grams of both texts anew for each pair;
here those of each text are counted once, and compared with those of all others together.

Shapes: N texts, G different n-grams of one length.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from gpt2kit.metrics import metrics
from gpt2kit.metrics.tokenization import tokenization

Similarities = NDArray[np.float64]
"""[N, N]: how similar each text is to another as its reference, 0 to 100."""

CHARACTERS, BETA = 6, 2
"""Of chrF: characters of the longest n-grams, and how much more recall counts than precision."""


def consensus(texts: Sequence[str], metric: str) -> int:
    """The place of the text with the highest mean similarity to the others, which are its references; the first one of
    equals. `metric` is chrf or bleu.

    (Kumar and Byrne 2004, https://aclanthology.org/N04-1022; with samples as references Eikema and Aziz 2020.)
    """
    counts = Counter(texts)
    different = list(counts)
    times = np.array(list(counts.values()))
    similar = METRICS[metric](different)
    # A text that occurs twice is a reference for itself; one that does not has only the others.
    totals = similar @ times - similar.diagonal()
    return texts.index(different[int(totals.argmax())])


def chrf(texts: Sequence[str]) -> Similarities:
    """chrF (Popović 2015) of each text with each text as its reference: characters without spaces, beta 2."""
    letters = ["".join(text.split()) for text in texts]
    shares, known = np.zeros((2, len(texts), len(texts))), np.zeros((len(texts), len(texts)))
    for length in range(1, CHARACTERS + 1):
        same, sizes = _matches([_runs(text, length) for text in letters])
        both = np.minimum.outer(sizes, sizes) > 0  # a length that one of two texts does not have does not count
        precision_and_recall = same / np.maximum(1, np.stack(np.broadcast_arrays(sizes[:, None], sizes)))
        shares, known = shares + precision_and_recall * both, known + both
    precision, recall = shares / np.maximum(1, known)
    weighted = BETA**2 * precision + recall
    return 100 * (1 + BETA**2) * precision * recall / np.where(weighted > 0, weighted, 1)


def bleu(texts: Sequence[str]) -> Similarities:
    """BLEU of each text with each text as its reference, over the lengths of n-grams that it has, smoothed as by
    sacreBLEU; the letters of the texts decide on the tokenization."""
    chosen = metrics.available(tokenization("", texts))
    words = metrics.words(texts, chosen.name)
    found = [_matches([_runs(each, length) for each in words]) for length in range(1, metrics.RUN + 1)]
    every = range(len(texts))
    return np.array(
        [
            [
                metrics.bleu_of_counts(
                    [int(same[text, reference]) for same, _ in found],
                    [int(sizes[text]) for _, sizes in found],
                    len(words[reference]),
                )
                for reference in every
            ]
            for text in every
        ]
    )


METRICS: dict[str, Callable[[Sequence[str]], Similarities]] = {"chrf": chrf, "bleu": bleu}


def _runs(items: Sequence[str], length: int) -> Iterable[object]:
    """The n-grams of one length of a text or of words."""
    return (items[start : start + length] for start in range(len(items) - length + 1))


def _matches(runs: Sequence[Iterable[object]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """How many n-grams two texts have in common, [N, N], and how many each one has, [N]."""
    numbers: dict[object, int] = {}
    rows = [[numbers.setdefault(run, len(numbers)) for run in each] for each in runs]
    counts_NG = np.zeros((len(rows), len(numbers)), np.int64)
    for counts_G, row in zip(counts_NG, rows, strict=True):
        np.add.at(counts_G, row, 1)
    # One row at a time: all pairs at once would be N times as large.
    same = np.array([np.minimum(counts_NG, counts_G).sum(1) for counts_G in counts_NG])
    return same.reshape(len(rows), len(rows)), counts_NG.sum(1)
