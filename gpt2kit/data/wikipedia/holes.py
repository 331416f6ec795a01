"""Lines of text where markup was removed: without gaps, and without the sentences that lost a part."""

import re

from gpt2kit.data.wikipedia.templates import HOLE
from gpt2kit.metrics.sentences import sentences

OPEN_TEMPLATE = re.compile(r"\{\{.*")
"""A template that nothing closes takes the rest of its line."""
TABLE_LINE = re.compile(r"\||\{\||!.*(?:\||!!)")
FORMULA = "\x1b"
"""The place of a formula, which is a hole, but may be part of a sentence from a line of its own."""
DISPLAYED = re.compile(rf"(?<=[^\s.!?])[^\S\n]*+\n\s*+(?={FORMULA})|(?<={FORMULA})([ .,;:]*+)\n\s*+(?=[a-z])")
"""The line ends around a formula within a sentence."""
SPACES = re.compile(r"[ \t\xa0]+")
PARENTHESES = re.compile(r"([(（])([^()（）]*)([)）])")
EMPTY_PART = re.compile(r"[:：]\s*(?=[,;，；])|(?<=[,;，；、])(?:\s*[,;，；、])+")
PART = re.compile(r"([,;，；、])")
SPACE_BEFORE = re.compile(r" ([,.])(?=\s|$)")
NESTED = 3
"""Greatest depth of nested parentheses."""

BETWEEN = re.compile(
    rf"(?:(?<=[.!?…。！？])[\"'”’»)\]]*|^)\s*{HOLE}+\s*(?=$|[\"'“‘«(\[]*[^\W_a-zа-яα-ω])|(?<=[.!?…。！？])\s*{HOLE}+$"
)
"""A hole between two sentences, or before the first one: it is a note, not a part of one of them."""


def whole_lines(text: str) -> tuple[list[str], int]:
    """Lines that contain text, without the gaps of removed markup; and the number of sentences that were left out
    because of a hole in them."""
    lines, lost = [], 0
    text = DISPLAYED.sub(r"\1 ", text).replace(FORMULA, HOLE)
    for line in text.split("\n"):
        line = line.strip()
        if TABLE_LINE.match(line):
            continue
        line = _tidy(OPEN_TEMPLATE.sub(HOLE, line).replace("}}", ""))
        if HOLE in line:
            line, holes = _without_holes(line)
            lost += holes
        if line:
            lines.append(line)
    return lines, lost


def _without_holes(line: str) -> tuple[str, int]:
    """The sentences of a line that have no hole, and the number of the others."""
    if not line.replace(HOLE, "").strip(" *#:;,.-–—"):
        return "", 0
    line = BETWEEN.sub(" ", line).strip()
    if HOLE not in line:
        return SPACES.sub(" ", line), 0
    found = sentences(line)
    kept = [sentence for sentence in found if HOLE not in sentence]
    return " ".join(kept), len(found) - len(kept)


def _tidy(line: str) -> str:
    """Normalize spaces, and drop empty parentheses and stray punctuation in them."""
    line = SPACES.sub(" ", line)
    for _ in range(NESTED):
        line = PARENTHESES.sub(_tidy_parentheses, line)
    return SPACE_BEFORE.sub(r"\1", SPACES.sub(" ", line)).strip()


def _tidy_parentheses(found: re.Match[str]) -> str:
    inner = found[2]
    if HOLE in inner:
        inner = "".join(part if HOLE not in part else _part(part) for part in PART.split(inner))
    inner = EMPTY_PART.sub("", inner).strip(" ,;:，；：、")
    return f"{found[1]}{inner}{found[3]}" if inner else ""


def _part(part: str) -> str:
    """A part of a parenthesis that has a hole: its label if it is "Greek: HOLE", or nothing."""
    before = part.replace(HOLE, " ").rstrip()
    return before if before.endswith((":", "：")) else ""
