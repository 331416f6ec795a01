"""Words for scores and baselines: of any script, in lower case; one rule for all scripts."""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import islice

CJK = "\u3005-\u3007\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U000323af"
"""Chinese characters and Japanese syllables. Korean has spaces."""

BRAHMIC = "\u0e00-\u0fff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\u1b00-\u1b7f\ua980-\ua9ff\uaa60-\uaa7f"
"""Thai, Lao, Tibetan, Burmese, Khmer, Tai Le, Tai Lue, Tai Tham, Balinese and Javanese."""

UNSPACED = CJK + BRAHMIC
"""Scripts without spaces between words, so that each letter is a word."""

JOINERS = "\u200c\u200d"
"""These occur within words of Persian and of Indian scripts."""

_ASCII = re.compile(r"[a-z0-9]+")


def words(text: str) -> list[str]:
    """Runs of letters and digits, in lower case; each letter of a script without spaces, such as Chinese or
    Thai, is a separate word.

    Apostrophes and hyphens separate words. For ASCII text only, this equals rouge-score's own tokenizer, which keeps
    only a to z and digits, so that "été" is "t". Composed and decomposed accents are the same (NFC).
    """
    text = text.lower()
    if text.isascii():
        return _ASCII.findall(text)
    return word_pattern().findall(unicodedata.normalize("NFC", text))


def first_words(text: str, n: int) -> str:
    """A text up to its n-th word, n > 0; a longer one is returned in NFC."""
    if len(text) <= n:
        return text
    text = unicodedata.normalize("NFC", text)
    last = next(islice(word_pattern().finditer(text), n - 1, None), None)
    return text[: last.end()] if last else text


def ngrams(tokens: Sequence[str], n: int) -> Iterator[tuple[str, ...]]:
    """Every run of n words, in order; none if there are fewer."""
    return zip(*(tokens[start:] for start in range(n)), strict=False)


@cache
def word_pattern() -> re.Pattern[str]:
    """The pattern of one word of text in NFC."""
    # \w lacks the marks that are part of words in Hindi, Arabic, Hebrew, Thai, ...; no accent is beyond U+1F000.
    marks = "".join(char for char in map(chr, range(0x300, 0x1F000)) if unicodedata.category(char)[0] == "M")
    letter, mark = rf"[^\W_{UNSPACED}]", f"[{marks}{JOINERS}]"
    return re.compile(rf"(?![\W_])[{UNSPACED}]{mark}*+|{letter}(?:{letter}|{mark})*")
