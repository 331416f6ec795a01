"""How much of a summary is copied from its source, and what may be made up: from words alone, without a model.

Words are those of `words`: without case and punctuation, so a copied passage may cross the end of a sentence.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from gpt2kit.metrics.numbers import numbers
from gpt2kit.metrics.sentences import sentences
from gpt2kit.metrics.words import ngrams, word_pattern, words

WITHIN_NAMES = frozenset([" ", ". ", ".", "-", ".-", "'", "’"])
"""Allowed between two words of a name: J. K. Rowling, Jean-Luc, O'Neill, U.S. Senate."""

PRONOUN = "I"
"""The one English word that is always capitalised and is not a name."""


class Copied(NamedTuple):
    """The overlap of a summary and its source; both are 0 for a summary without words."""

    longest: int
    """Words of the longest passage of the summary that is also in the source."""
    density: float
    """Density of extractive fragments (Grusky et al. 2018), the longest shared passages in order from the summary's
    start: the mean, over the summary's words, of the length of the fragment that contains the word."""


def faithfulness(summary: str, source: str, unknown: Sequence[str]) -> dict[str, float]:
    """Measures of what a summary takes from its source; `unknown` is the result of `unsupported`."""
    novel = {f"novel {n}-grams %": 100 * novel_ngrams(summary, source, n) for n in (1, 2, 3)}
    same = copied(summary, source)
    return novel | {
        "longest copied span, words": float(same.longest),
        "copied density": same.density,
        "unsupported names and numbers": float(len(unknown)),
    }


def novel_ngrams(summary: str, source: str, n: int) -> float:
    """Share of the summary's distinct n-grams, 0 to 1, that the source lacks; 0 if the summary has no n-gram."""
    found = set(ngrams(words(summary), n))
    return len(found.difference(ngrams(words(source), n))) / len(found) if found else 0.0


def copied(summary: str, source: str) -> Copied:
    """Measure the passages that are also in the source."""
    longest = _copied_from(words(summary), words(source))
    squares = place = 0
    while place < len(longest):
        squares += longest[place] ** 2
        place += max(longest[place], 1)
    return Copied(max(longest, default=0), squares / max(len(longest), 1))


def unsupported(summary: str, source: str) -> list[str]:
    """The names, then the numbers, that are in the summary but not in the source; each once, in order, as written.

    A name is a run of capitalised words in a sentence. The first word of a sentence belongs to it only if the summary
    or the source also has it capitalised within a sentence, and neither has it in lower case. A name is supported if
    the source has the same words in the same order, in any case; accents count. So a part of a source's name is
    supported, but a first name with another's last name is not.

    A number is written in digits, and supported if the source has its value: 1,000 is 1000, 2.50 is 2.5, and if a mark
    may separate thousands or decimals, either reading counts. Numbers in words are ignored.
    """
    inside, small = set[str](), set[str]()
    for text in (summary, source):
        for sentence in _tokens(text):
            inside.update(token.lower for token in sentence[1:] if token.capitalised)
            small.update(token.lower for token in sentence if not token.capitalised)
    has_words = f" {' '.join(words(source))} "
    has_values = {value for number in numbers(source) for reading in number.readings for value in reading}
    names = _names(_tokens(summary), inside - small)
    unknown = [name for name in names if f" {' '.join(words(name))} " not in has_words]
    unknown += [
        number.text
        for number in numbers(summary)
        if not any(has_values.issuperset(reading) for reading in number.readings)
    ]
    return list(dict.fromkeys(unknown))


class _Token(NamedTuple):
    """A word of a sentence, and the text before it."""

    text: str
    gap: str

    @property
    def capitalised(self) -> bool:
        return self.text[0].isupper() and self.text != PRONOUN

    @property
    def lower(self) -> str:
        return self.text.lower()


def _tokens(text: str) -> Iterator[list[_Token]]:
    """The words of each sentence, with their capitals."""
    for sentence in sentences(unicodedata.normalize("NFC", text)):
        end, tokens = 0, []
        for word in word_pattern().finditer(sentence):
            tokens.append(_Token(word[0], sentence[end : word.start()]))
            end = word.end()
        yield tokens


def _names(parts: Iterable[Sequence[_Token]], begin: set[str]) -> Iterator[str]:
    """Runs of capitalised words; the first word of a sentence counts as one if it is in `begin`."""
    for sentence in parts:
        run = ""
        for place, token in enumerate(sentence):
            named = token.capitalised and (place > 0 or token.lower in begin)
            if run and not (named and token.gap in WITHIN_NAMES):
                yield run
                run = ""
            if named:
                run += (token.gap if run else "") + token.text
        if run:
            yield run


def _copied_from(summary: Sequence[str], source: Sequence[str]) -> list[int]:
    """For each word of the summary, the length of the longest passage that begins there and is also in the source.

    Time is the product of both lengths, about a nanosecond for each pair of words.
    """
    import numpy as np

    ids: dict[str, int] = {}
    source_ids = np.array([ids.setdefault(word, len(ids)) for word in source], np.int64)
    row = np.zeros(len(source) + 1, np.int64)  # [j]: the passage that begins at word j of the source
    longest = []
    for word in reversed(summary):
        row[:-1] = np.where(source_ids == ids.get(word, -1), row[1:] + 1, 0)
        longest.append(int(row.max()))
    return longest[::-1]
