"""Sentences and paragraphs of a text, by rules: nothing is downloaded, and the same text gives the same sentences.

The abbreviations and the words that begin sentences are English, with a few that other languages share; quotes,
brackets and stops are those of most scripts. Time is linear in the length of the text, whatever its content.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


STOPS = ".!?…‽؟۔।॥"
SPACELESS_STOPS = "。！？｡"
"""Chinese and Japanese stops end a sentence without a space after them."""

CLOSING = r"\"'”’“»«›‹)\]}」』》〉】）］"
OPENING = re.compile(r"[\s\"'“”‘’„«»‹›(\[{¿¡—–\-•*「『《〈【（［]*+")

STOP = re.compile(
    rf"(?P<stops>[{STOPS}{SPACELESS_STOPS}]++)"
    rf"(?P<closing>(?:[{CLOSING}]|\[\d{{1,4}}\]|\s»(?!\w))*)"  # Wikipedia's [12]; French has a space before »
    r"(?P<space>\s*+)"
)
"""A run of stops is matched as a whole: no character is examined twice. `closing` is not possessive, as before Python
3.11.5 a possessive group takes what its alternatives gave back (CPython issue 106052); what follows always matches."""

LETTER_OR_DIGIT = re.compile(r"[^\W_]")
NEXT_WORD = re.compile(r"[^\W\d_]{1,12}+(?=[\s,])")
LAST_WORD = re.compile(r"[^\s(\[{\"“‘«„\-–—/]+$")
LONGEST_ABBREVIATION = 16
DOTTED = re.compile(r"(?:[^\W\d_]{1,3}\.)+[^\W\d_]{1,3}|[^\W\d_]")
"""U.S, a.m, Ph.D, and one letter alone, as of a name."""

GO_ON = _set(
    "dr drs mr mrs ms mx prof rev hon pres gov sen rep gen col lt maj cpl sgt capt cmdr adm supt messrs mme mlle "
    "vs viz cf e.g i.e z.b d.h"
)
"""After these the sentence continues."""

GO_ON_BEFORE_DIGITS = _set(
    "no nos nr vol vols p pp ch sec art fig figs eq op ca c approx est fl "
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
"""After these it continues if a number follows."""

MAY_END = _set("st ste mt ft jr sr bros inc ltd co corp llc al ed eds dept univ")
"""Like `DOTTED` words, these end a sentence if the next word is one of `STARTERS`."""

STARTERS = _set(
    "the a an this that these those it its he she we they i you his her our their there here "
    "in on at by for from to as of with without within after before when while where if although though however but "
    "and so since during until because despite also then thus today now later according several under over not no "
    "one two some many most all both each other another such what who why how"
)

WRAPPED = 100
"""A text counts as wrapped if no line is longer than this."""
UNFINISHED = 50
"""In a wrapped text, a line of at least this length continues on the next one."""


class Block(NamedTuple):
    """A unit of text that no sentence crosses."""

    text: str
    heading: bool


def sentences(text: str, headings: bool = False) -> list[str]:
    """The sentences of a text in order, each one line; nothing but white space is lost.

    A sentence ends at a stop and the closing quotes and brackets after it, if white space and not a lower-case letter
    follows; not after an abbreviation or initial, and not within a number. It also ends at a paragraph's end. In a text
    without capitals, lower-case letters may begin sentences. Text without a stop is one sentence. Headings ("== Heading
    ==") are not sentences, and are left out unless `headings` requests them as separate items.
    """
    cased = any(map(str.isupper, text))
    found: list[str] = []
    for block in _blocks(text):
        if not block.heading:
            found += _split(block.text, cased)
        elif headings:
            found.append(block.text)
    return found


def without_last_sentence(text: str) -> str:
    """The text up to the end of the second-last sentence; all of it if there is only one."""
    left = sum(not letter.isspace() for sentence in sentences(text, headings=True)[:-1] for letter in sentence)
    for index, letter in enumerate(text):
        if left == 0:
            return text[:index].rstrip() or text
        left -= not letter.isspace()
    return text


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a text, each one line, without headings.

    Blank lines, headings and line breaks separate paragraphs. But if no line is longer than 100 characters, the text
    may be wrapped: then a line of 50 or more continues on the next one, as does a line before a lower-case letter.
    """
    return [block.text for block in _blocks(text) if not block.heading]


def _blocks(text: str) -> Iterator[Block]:
    lines = [" ".join(line.split()) for line in text.splitlines()]
    wrapped = all(len(line) <= WRAPPED for line in lines)
    open_lines: list[str] = []
    for line in lines:
        heading = _is_heading(line)
        goes_on = wrapped and open_lines and (line[:1].islower() or len(open_lines[-1]) >= UNFINISHED)
        if open_lines and (heading or not line or not goes_on):
            yield Block(" ".join(open_lines), False)
            open_lines = []
        if heading:
            yield Block(line, True)
        elif line:
            open_lines.append(line)
    if open_lines:
        yield Block(" ".join(open_lines), False)


def _is_heading(line: str) -> bool:
    """Whether a line has equals signs at both ends and something between them."""
    return line.startswith("=") and line.endswith("=") and bool(line.strip("= "))


def _split(text: str, cased: bool) -> Iterator[str]:
    start, first = 0, _first_of_word(text, 0)
    for stop in STOP.finditer(text):
        if first < stop.start() and _ends(text, start, stop, cased):
            following = _first_of_word(text, stop.end())
            if following == len(text):
                break
            yield text[start : stop.end("closing")]
            start, first = stop.end(), following
    yield text[start:]


def _first_of_word(text: str, start: int) -> int:
    """Index of the next letter or digit; the length of the text if there is none."""
    found = LETTER_OR_DIGIT.search(text, start)
    return found.start() if found else len(text)


def _ends(text: str, start: int, stop: re.Match[str], cased: bool) -> bool:
    """Whether the sentence that begins at `start` ends at this stop."""
    stops = stop["stops"]
    if stops[-1] in SPACELESS_STOPS:
        return True
    if not stop["space"]:
        return False
    next_at = _after_opening(text, stop.end())
    following = text[next_at : next_at + 1]
    if following in STOPS or (cased and following.islower()):  # the first is ". . .", and "" at the end of the text
        return False
    return stops != "." or not _is_abbreviated(text, start, stop, next_at)


def _after_opening(text: str, start: int) -> int:
    opening = OPENING.match(text, start)
    return opening.end() if opening else start


def _is_abbreviated(text: str, start: int, stop: re.Match[str], next_at: int) -> bool:
    """Whether the single dot is part of the word before it, or of "1." at the head of an item."""
    last = LAST_WORD.search(text, max(start, stop.start() - LONGEST_ABBREVIATION), stop.start())
    if not last:
        return False
    word = last[0].lower()
    if word in GO_ON or (last.start() == start and word.isdecimal()):
        return True
    if word in GO_ON_BEFORE_DIGITS and text[next_at : next_at + 1].isdecimal():
        return True
    if word in MAY_END or (
        DOTTED.fullmatch(word) and word != word.upper()
    ):  # scripts without capitals do not have initials
        begins = NEXT_WORD.match(text, next_at)
        return not begins or begins[0].lower() not in STARTERS
    return False
