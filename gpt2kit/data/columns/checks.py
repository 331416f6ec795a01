"""What the values of a column look like: labels, scores, an index, a text. Pure functions of a sample of its values."""

import math
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

NO_LABEL = ("-", "--", "–", "—", "?", "n/a", "#n/a", "<na>")
"""Values that no class is called by: annotators disagreed, or nobody was asked."""

RARELY_A_LABEL = ("na", "nan", "null")
"""Values that mean the same where they are rare, but may be classes."""

PERHAPS_NO_LABEL = ("none", "unknown", "unlabeled", "unlabelled", "undefined", "missing", "hidden")
"""Values that are classes in some tables and stand for a missing label in others."""

RARE, VERY_RARE = 0.1, 0.02
"""The largest share of rows in which one of `RARELY_A_LABEL`, or -1, is read as a missing label."""

FEW_ROWS = 3
"""With fewer rows, values say little."""

ENOUGH_FOR_IDENTIFIERS = 20
"""Fewer labels may all be different by chance."""

MOST_CLASSES = 50
"""A column of unknown name with more distinct values is not taken for labels."""

LONGEST_CLASS = 4
"""Words of a label."""

SCORE = re.compile(r"score|similarity|relatedness|rating|grade|points|percent", re.I)
IDENTIFIER = re.compile(r"(?=\S*\d)[\w.:-]+")
DECIMAL_COMMA = re.compile(r"[-+]?\d+,\d+")
UNIT = " $€£¥%"
DATE = re.compile(r"\b\d{1,2}:\d\d\b|\b(19|20)\d\d-\d\d?-\d\d?\b|\b\d\d?[./]\d\d?[./](\d\d){1,2}\b")
BETWEEN_LABELS = re.compile("[,;|]")
"""Between the labels of one row."""
ABOUT_THE_ROW = re.compile(
    r"(unnamed.*|.*_?id|idx|index|split|fold|subset|set|source|dataset|lang(uage)?|date|time(stamp)?|year|month|url|"
    r"domain|licen[sc]e|author|user(name)?|meta(data)?|location|country|version|)",
    re.I,
)
"""Names of columns that say where a row comes from, and are not labels."""


def number(value: str) -> float:
    """A finite number, which may have a decimal comma, a currency or %; or NaN."""
    value = value.strip(UNIT)
    try:
        found = float(value.replace(",", ".") if DECIMAL_COMMA.fullmatch(value) else value)
    except ValueError:
        return math.nan
    return found if math.isfinite(found) else math.nan


def are_scores(labels: Sequence[str], column: str = "") -> bool:
    """Whether labels are measurements, such as 3.7: fractions in many different values, or many whole numbers.

    A column that is called a score has scores already if these are as many as the labels of a large classification.
    """
    numbers = [value for value in map(number, labels) if not math.isnan(value)]
    if len(numbers) < FEW_ROWS or len(numbers) < 0.9 * len(labels):  # a header or a missing score may be among them
        return False
    distinct, share = len({*numbers}), len({*numbers}) / len(numbers)
    if any(each % 0.5 for each in numbers):
        return distinct > 10 or share > 1 / 3
    whole = not any(each % 1 for each in numbers)
    return distinct > (30 if whole else 12) and (not whole or share > 1 / 3 or bool(SCORE.search(column)))


def are_measured(labels: Sequence[str]) -> bool:
    """Whether labels are numbers whose order may matter: fractions, or more of them than ratings have."""
    numbers = {number(label) for label in labels}
    return not any(map(math.isnan, numbers)) and (len(numbers) > 10 or any(each % 1 for each in numbers))


def are_identifiers(values: Sequence[str]) -> bool:
    """Whether the values are whole numbers or codes of which no two are equal."""
    return (
        len(values) >= FEW_ROWS
        and len({*values}) == len(values)
        and all(IDENTIFIER.fullmatch(value) for value in values)
        and not any(number(value) % 1 > 0 for value in values)
    )


def are_numbers(values: Sequence[str]) -> bool:
    return len(values) >= FEW_ROWS and not any(math.isnan(number(value)) for value in values)


def missing_labels(labels: Sequence[str], of_pairs: bool = False) -> tuple[str, ...]:
    """The labels that mean that a row has none, such as "-" where annotators disagreed. -1 is not a label `of_pairs`
    of texts next to 0 and 1; of single texts it may be one, as negative sentiment."""
    counts = Counter(labels)
    found = []
    for label in counts:
        others = [other for other in counts if other != label and other.casefold() not in NO_LABEL]
        if len(others) < 2 or (label == "-" and "+" in others):
            continue
        word, share = label.casefold(), counts[label] / len(labels)
        if word == "-1" and {"0", "1"} <= {*others}:
            missing = of_pairs or share <= VERY_RARE
        else:
            missing = word in NO_LABEL or (word in RARELY_A_LABEL and share <= RARE)
        if missing:
            found.append(label)
    return tuple(found)


def doubtful_labels(labels: Sequence[str], missing: Sequence[str]) -> list[str]:
    """Labels that look like missing ones, but are too frequent to be left out without asking."""
    counts = Counter(labels)
    doubtful = (*NO_LABEL, *RARELY_A_LABEL, *PERHAPS_NO_LABEL, "-1") if len(counts) > 2 else ()
    return [label for label in counts if label not in missing and label.casefold() in doubtful]


def spelled_alike(labels: Iterable[str]) -> list[str]:
    """Labels that differ from another one by case only, or are the same number, as 1 and 1.0."""
    by_word: dict[str | float, list[str]] = {}
    for label in dict.fromkeys(labels):
        by_word.setdefault(label.casefold() if math.isnan(number(label)) else number(label), []).append(label)
    return [label for same in by_word.values() if len(same) > 1 for label in same]


def are_words(labels: Iterable[str]) -> bool:
    return all(math.isnan(number(label)) for label in labels)


def joined_labels(labels: Iterable[str]) -> list[str]:
    """Labels that are several other ones, with commas or the like between them."""
    known = {*labels}
    return [
        label
        for label in dict.fromkeys(labels)
        if len(parts := [part.strip() for part in BETWEEN_LABELS.split(label)]) > 1 and known.issuperset(parts)
    ]


def count_from(answers: Sequence[tuple[int, int]]) -> int | None:
    """The number of the first choice, given each row's answer and its count of choices; None if both 0 and 1 are
    possible, or neither."""
    first = sum(answer == 0 for answer, _ in answers)
    last = sum(answer == count for answer, count in answers)
    if min(first, last) > max(1, VERY_RARE * len(answers)):
        return None
    if first or last:
        return 0 if first >= last else 1
    return 0 if len(answers) < 2 else None


def are_labels(values: Sequence[str]) -> bool:
    """Whether a column has few different short values."""
    distinct = {*values}
    enough = len(values) >= FEW_ROWS and 2 <= len(distinct) <= min(MOST_CLASSES, 2 + len(values) // 4)
    return enough and all(len(value.split()) <= LONGEST_CLASS for value in distinct) and not are_scores(values)


def label_columns(columns: Mapping[str, Sequence[str]]) -> list[str]:
    """The columns that look like labels, apart from those whose names tell where a row comes from."""
    return [name for name, values in columns.items() if are_labels(values) and not ABOUT_THE_ROW.fullmatch(name)]


def text_columns(columns: Mapping[str, Sequence[str]]) -> list[str]:
    """The columns that look like text: mostly different values, of several words."""
    return [
        name
        for name, values in columns.items()
        if values
        and not are_labels(values)
        and sum(len(value.split()) > 1 for value in values) > len(values) / 2
        and not are_numbers(values)
        and sum(DATE.search(value) is not None for value in values) <= len(values) / 2
    ]


def is_data(names: Sequence[str], columns: Mapping[str, Sequence[str]]) -> bool:
    """Whether the first line of a table has values like those below it rather than names of columns."""
    return any(
        not math.isnan(number(name))
        or len(name.split()) > LONGEST_CLASS
        or (name[-1:] in ".!?" and " " in name)
        or (are_labels(columns[name]) and name in columns[name])
        for name in names
        if name
    )


def guess(columns: Mapping[str, Sequence[str]]) -> str:
    """Words for --columns that fit the values of a table; empty if they leave it open."""
    labels, texts = label_columns(columns), text_columns(columns)
    if labels and len(texts) == 2:
        return f"premise={texts[0]},hypothesis={texts[1]},label={labels[0]}"
    if labels and texts:
        return f"text={texts[0]},label={labels[0]}"
    if len(texts) == 2:
        return f"prompt={texts[0]},completion={texts[1]}"
    return f"text={texts[0]}" if len(texts) == 1 else ""
