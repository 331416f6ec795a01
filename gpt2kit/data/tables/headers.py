"""What the first line and the values of a table say about its columns: names or data, a language, an index, a score."""

import re
from collections.abc import Sequence

LANGUAGES = {
    word: language.split()[0]
    for language in (
        "ar ara arb arabic",
        "bg bul bulgarian",
        "bn ben bengali",
        "ca cat catalan",
        "cs ces cze czech",
        "da dan danish",
        "de deu ger german deutsch allemand",
        "el ell gre greek",
        "en eng english anglais englisch inglés ingles inglese",
        "es spa spanish español espanol espagnol spanisch",
        "et est estonian",
        "eu eus basque",
        "fa fas pes persian farsi",
        "fi fin finnish suomi",
        "fr fra fre french français francais französisch francés francese",
        "ga gle irish",
        "gl glg galician",
        "gu guj gujarati",
        "he heb hebrew",
        "hi hin hindi",
        "hr hrv croatian",
        "hu hun hungarian",
        "id ind indonesian",
        "is isl icelandic",
        "it ita italian italiano italien italienisch",
        "ja jpn japanese",
        "ka kat georgian",
        "kk kaz kazakh",
        "km khm khmer",
        "ko kor korean",
        "la lat latin",
        "lt lit lithuanian",
        "lv lav lvs latvian",
        "mk mkd macedonian",
        "mr mar marathi",
        "ms msa zsm malay",
        "nb nob no nor norwegian",
        "nl nld dut dutch nederlands",
        "pl pol polish polski",
        "pt por portuguese português portugues portugais",
        "ro ron rum romanian",
        "ru rus russian русский",
        "sk slk slovak",
        "sl slv slovenian",
        "sq sqi albanian",
        "sr srp serbian",
        "sv swe swedish svenska",
        "sw swa swahili",
        "ta tam tamil",
        "te tel telugu",
        "th tha thai",
        "tr tur turkish türkçe",
        "uk ukr ukrainian",
        "ur urd urdu",
        "vi vie vietnamese",
        "zh zho chi cmn chinese mandarin 中文",
    )
    for word in language.split()
}
"""The code of a language by its codes and names."""

SOURCES, TARGETS = ("source", "src"), ("target", "tgt", "trg", "translation")
PLAIN = {
    *("text", "texts", "sentence", "sentences", "sent", "segment", "string", "phrase", "line", "original", "lang"),
    *("id", "ids", "idx", "index", "number", "score", "language", "title", "label", "name", "attribution", "license"),
    *("word", "words", "text1", "text2", "translated", "reference", "ref", "input", "output", "latn", "us", "gb", "br"),
}
"""Usual words of column names, in addition to languages and roles."""

WORD = re.compile(r"[^\W_]+")
INDEX = re.compile(r"(unnamed: ?\d+|unnamed|__index_level_\d+__)?", re.IGNORECASE)
"""Names of the index columns that pandas and R write, with or without a name."""

SENTENCE = re.compile(r"[.!?…。！？,;:»”]\W*$|[¿¡«“]")
LONGEST_NAME = 40

NUMBER = re.compile(r"[-+]?\d+")
FRACTION = re.compile(r"[-+]?(\d+[.,]\d*|[.,]?\d+)([eE][-+]?\d+)?\s*%?")
CODE = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")
ORIGIN = re.compile(r"CC[- ]BY|Attribution:|https?://|www\.")

INDEX_LIKE = "numbers, as of an index"
"""What a column of whole numbers looks like."""

DATE = re.compile(r"(\d{4}[-./]\d\d?[-./]\d\d?|\d\d?[-./]\d\d?[-./]\d{2,4})([T ].*)?")
TOKEN = re.compile(r"[\w.:#/-]+")
CLASS = re.compile(r"[\w/-]+")

ENOUGH, MANY = 3, 10
"""Values of a column from which on a few language codes are a column of codes, not short texts; and values that are
enough to tell a header, or a table of numbers, from texts."""


def language_of(name: str) -> str:
    """The code of the language that a column's name tells, such as fr for french_sentence; empty if it tells none."""
    words = [word.rstrip("0123456789") for word in WORD.findall(name.lower())]
    named = {LANGUAGES[word] for word in words if word in LANGUAGES}
    other = [word for word in words if word and word not in LANGUAGES and word not in PLAIN | {*SOURCES, *TARGETS}]
    return named.pop() if len(named) == 1 and not other else ""


def language_code(code: str) -> str:
    """The short code of a language given as pt-BR, fra or fr; the code itself if it is not a well-known one."""
    base = code.replace("_", "-").partition("-")[0].lower()
    return LANGUAGES.get(base, base)


def names_columns(fields: Sequence[str]) -> bool:
    """Whether the fields of a first line are certainly names of columns, as in `en<TAB>fr` or `source<TAB>target`."""
    names = [field.strip().lstrip("#").strip().lower() for field in fields]
    given = [name for name in names if name and not INDEX.fullmatch(name)]
    if len(given) < 2 or not all(map(_is_name, given)):
        return False
    told = {language_of(name) or name for name in given}  # a dictionary may begin with a word and its translation
    return len(given) > 2 or len(told) == 2


def is_data(fields: Sequence[str]) -> bool:
    """Whether the fields of a first line look like data, not like names of columns."""
    names = [field.strip() for field in fields if not INDEX.fullmatch(field.strip())]
    return not names or any(
        NUMBER.fullmatch(name) or is_text(name) or (" " in name and not _is_name(name.lower())) for name in names
    )


def is_text(name: str) -> bool:
    """Whether a column's name is rather one of the texts of a table without a header."""
    return len(name) > LONGEST_NAME or SENTENCE.search(name.strip()) is not None


def unnamed(names: Sequence[str]) -> list[int]:
    """The columns of a header without a name, such as the index that pandas writes."""
    return [index for index, name in enumerate(names) if INDEX.fullmatch(name.strip())]


def looks(values: Sequence[str]) -> str:
    """What the values of a column look like, if not like texts: a few words for a message; empty for texts."""
    given = [stripped for value in values if (stripped := value.strip())]
    if not given:
        return "nothing, being empty" if values else ""
    if all(map(NUMBER.fullmatch, given)):
        return INDEX_LIKE
    if all(map(FRACTION.fullmatch, given)):
        return "scores"
    if sum(1 for value in given if ORIGIN.search(value)) * 2 > len(given):
        return "addresses or attributions"
    few = len(given) >= ENOUGH and len(set(given)) * 2 < len(given)
    if few and all(CODE.fullmatch(value) and language_code(value) in LANGUAGES for value in given):
        return "language codes"
    return ""


def hardly_texts(values: Sequence[str]) -> str:
    """What the values of a column look like if there are others that look more like texts: dates, identifiers or
    labels."""
    given = [stripped for value in values if (stripped := value.strip())]
    distinct = len(set(given))
    if len(given) < ENOUGH:
        return ""
    if all(map(DATE.fullmatch, given)):
        return "dates"
    if distinct == len(given) and all(map(TOKEN.fullmatch, given)):
        numbered = sum(any(map(str.isdigit, value)) for value in given)
        return "identifiers" if numbered > 0.9 * len(given) else ""
    return "labels" if distinct * 4 <= len(given) and all(map(CLASS.fullmatch, given)) else ""


def may_be_header(first: Sequence[str], rows: Sequence[Sequence[str]]) -> bool:
    """Whether a first line has no sentences, unlike nearly all others."""
    sentences = sum(any(map(SENTENCE.search, map(str.strip, row))) for row in rows)
    return len(rows) >= MANY and sentences > 0.9 * len(rows) and not any(map(SENTENCE.search, map(str.strip, first)))


def _is_name(name: str) -> bool:
    if "_" in name and " " not in name:
        return True
    words = [word.rstrip("0123456789") for word in WORD.findall(name)]
    return any(words) and all(word in LANGUAGES or word in PLAIN or word in (*SOURCES, *TARGETS, "") for word in words)
