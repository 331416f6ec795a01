"""Which of sacreBLEU's tokenizations suits a target language.

BLEU counts runs of four words. The default tokenization, 13a, finds words by their spaces and punctuation: a sentence
of Chinese, Japanese or Thai would be one word, and BLEU 0 even for equal sentences.
"""

import re
from collections import Counter
from collections.abc import Iterable
from itertools import islice
from typing import NamedTuple

from gpt2kit.metrics.words import BRAHMIC

DEFAULT = "13a"
CHARACTERS = "char"

AUTO = "auto"
TOKENIZATIONS = (AUTO, DEFAULT, "intl", "zh", "ja-mecab", "ko-mecab", CHARACTERS, "flores101", "flores200", "none")
"""Accepted names, which are sacreBLEU's; auto: by the target language."""

PACKAGES = {
    "ja-mecab": "sacrebleu[ja]",
    "ko-mecab": "sacrebleu[ko]",
    "flores101": "sentencepiece",
    "flores200": "sentencepiece",
}
"""What to install for tokenizations that need more than sacreBLEU."""

LANGUAGES = {
    "zh": "zh zho chi cmn yue wuu hak gan hsn cdo cjy lzh",
    "ja-mecab": "ja jpn",
    "ko-mecab": "ko kor",
    CHARACTERS: "th tha nod lo lao km khm my mya bur mnw shn bo bod tib dz dzo khb tdd jv-Java ban-Bali",
}
"""Codes of languages whose words 13a cannot find, by their tokenization."""

BY_CODE = {code: name for name, codes in LANGUAGES.items() for code in codes.lower().split()}

SCRIPTS = {
    "kana": "\u3040-\u30ff\u31f0-\u31ff\uff66-\uff9f",
    "han": "\u3005-\u3007\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U000323af",
    "hangul": "\u1100-\u11ff\u3130-\u318f\uac00-\ud7af",
    "unspaced": BRAHMIC,
}
"""Ranges of characters of scripts without spaces, and of Korean."""

SCRIPT = re.compile("|".join(f"(?P<{name}>[{ranges}])" for name, ranges in SCRIPTS.items()) + r"|(?P<other>[^\W\d_])")

JAPANESE = 0.05
"""Least share of syllables among the letters of Japanese; quotations in Chinese have fewer."""

SOME, MOST = 0.1, 0.5
"""Share of a script among the letters of the references: what a language written in it must have, and what decides
against the language."""

TEXTS = 1000
"""The number of references to look at."""


class Tokenization(NamedTuple):
    name: str
    remark: str = ""
    """Why it is not that of the language, in words; empty if it is."""


def tokenization(language: str, references: Iterable[str]) -> Tokenization:
    """The tokenization for references in this language, as sacreBLEU has it; characters where neither 13a nor another
    suits.

    If the letters of the references do not fit the language, as for a code that was never set, they decide.
    """
    named, written = _by_code(language), _written(islice(references, TEXTS))
    if _fits(named, written):
        return Tokenization(named)
    how = f"BLEU is tokenized by {written.name}, because of the letters of the references"
    return Tokenization(written.name, f"{how}; the target language is {language!r}")


class _Written(NamedTuple):
    """How texts are written."""

    letters: int
    share: float
    """Share of the letters whose script needs another tokenization than 13a."""
    name: str
    """The tokenization for it."""


def _fits(named: str, written: _Written) -> bool:
    """Whether the tokenization of a language suits what is written."""
    if named == DEFAULT or written.name == DEFAULT:
        return named == written.name or (written.share >= SOME and written.share <= MOST) or not written.letters
    # All of it can be split into characters, and Japanese may have no syllables.
    return named in (written.name, CHARACTERS) or (named, written.name) == ("ja-mecab", "zh")


def _by_code(language: str) -> str:
    """The tokenization for a code, such as zh-TW; a language may also be written in Latin letters, as zh-Latn is."""
    parts = language.lower().replace("_", "-").split("-")
    if "latn" in parts:
        return DEFAULT
    return BY_CODE.get("-".join(parts[:2]), BY_CODE.get(parts[0], DEFAULT))


def _written(texts: Iterable[str]) -> _Written:
    counts = Counter(str(found.lastgroup) for text in texts for found in SCRIPT.finditer(text))
    letters = counts.total()
    share = 1 - counts["other"] / letters if letters else 0.0
    if share <= MOST:
        return _Written(letters, share, DEFAULT)
    chinese_or_japanese = counts["han"] + counts["kana"]
    if counts["hangul"] >= max(chinese_or_japanese, counts["unspaced"]):
        return _Written(letters, share, "ko-mecab")
    if counts["unspaced"] >= chinese_or_japanese:
        return _Written(letters, share, CHARACTERS)
    return _Written(letters, share, "ja-mecab" if counts["kana"] >= JAPANESE * letters else "zh")
