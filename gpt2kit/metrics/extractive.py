"""Extractive baselines, which a model must beat: summaries of unchanged sentences of the document."""

import hashlib
import math
import random
from collections import Counter
from collections.abc import Sequence

from gpt2kit.metrics.sentences import paragraphs, sentences
from gpt2kit.metrics.words import ngrams, words

Ngrams = Counter[tuple[str, ...]]

SIZES = (1, 2)
"""Words in the n-grams that `oracle` counts."""

BUDGET = 80
"""Words of a `tfidf` summary: Wikipedia's leads have a median of 78 (Liu et al. 2018)."""


def lead(document: str, n: int = 3) -> str:
    """The first n sentences: "lead-3", which is hard to beat for news, where the main point comes first."""
    return " ".join(sentences(document)[:n])


def random_sentences(document: str, n: int = 3, seed: int = 0) -> str:
    """n random sentences, in the document's order; the same for a document wherever it is in a corpus."""
    found = sentences(document)
    key = hashlib.sha256(f"{seed}\n{document}".encode("utf-8", "surrogatepass")).digest()
    drawn = random.Random(key).sample(range(len(found)), min(n, len(found)))
    return " ".join(found[place] for place in sorted(drawn))


def tfidf_order(paragraphs: Sequence[str], title: str) -> list[int]:
    """Indices of paragraphs, the most relevant to the title first; equal ones keep their order.

    The score of Liu et al. 2018: the sum over the title's words of N_w log(N_d / N_dw), where N_w is how often the
    paragraph has the word, N_d the number of paragraphs, and N_dw how many of them have it. So a word that all have
    counts 0, and long paragraphs are favoured.
    """
    wanted = set(words(title))
    counts = [Counter(word for word in words(paragraph) if word in wanted) for paragraph in paragraphs]
    having = Counter(word for count in counts for word in count)
    weight = {word: math.log(len(paragraphs) / having[word]) for word in sorted(having)}
    scores = [sum(times * weight[word] for word, times in sorted(count.items())) for count in counts]
    return sorted(range(len(paragraphs)), key=lambda place: -scores[place])


def tfidf(document: str, title: str, n_words: int = BUDGET) -> str:
    """The sentences of the paragraphs in `tfidf_order`, up to the first that does not fit into `n_words` words.

    The first sentence is always included.
    """
    found = paragraphs(document)
    room, taken = n_words, list[str]()
    for place in tfidf_order(found, title):
        for sentence in sentences(found[place]):
            room -= len(words(sentence))
            if taken and room < 0:
                return " ".join(taken)
            taken.append(sentence)
    return " ".join(taken)


def oracle(document: str, reference: str, n: int = 3) -> str:
    """Up to n sentences, in the document's order, that approximate the reference: the limit of extraction.

    Greedy (Nallapati et al. 2017): each step adds the sentence that maximises the sum of the F1 of ROUGE-1 and ROUGE-2,
    the first one of equals, until none increases it. Bigrams do not cross sentences. Each of the n steps reads each
    word of the document once, so time is linear in n and in its length.
    """
    found = sentences(document)
    candidates = [[Counter(ngrams(tokens, size)) for size in SIZES] for tokens in map(words, found)]
    target = words(reference)
    scores = [_F1(Counter(ngrams(target, size))) for size in SIZES]
    chosen: list[int] = []
    best = 0.0
    while len(chosen) < min(n, len(found)):
        values = [
            sum(score.with_more(counts) for score, counts in zip(scores, candidate, strict=True))
            for candidate in candidates
        ]
        place = max(set(range(len(found))).difference(chosen), key=lambda place: (values[place], -place))
        if values[place] <= best:
            break
        best = values[place]
        chosen.append(place)
        for score, counts in zip(scores, candidates[place], strict=True):
            score.add(counts)
    return " ".join(found[place] for place in sorted(chosen))


class _F1:
    """ROUGE-n of a growing text against a reference, from their n-grams."""

    def __init__(self, reference: Ngrams) -> None:
        self.missing = reference
        self.total = reference.total()
        """Number of n-grams on both sides."""
        self.hits = 0

    def with_more(self, counts: Ngrams) -> float:
        """F1 with these added to the text: twice the hits divided by the n-grams of both sides."""
        return 2 * (self.hits + self._hits(counts)) / max(self.total + counts.total(), 1)

    def add(self, counts: Ngrams) -> None:
        self.hits += self._hits(counts)
        self.total += counts.total()
        self.missing = self.missing - counts

    def _hits(self, counts: Ngrams) -> int:
        return sum(min(times, self.missing[gram]) for gram, times in counts.items())
