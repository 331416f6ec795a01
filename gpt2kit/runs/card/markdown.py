"""Markdown and YAML in which text of a user's data stays text: no markup, no HTML, no link, no control character."""

import json
import re
from collections.abc import Iterable, Sequence

LONGEST = 600
"""Characters of a sample that are shown; the middle of a longer one is left out."""


def visible(text: str, keep: str = "") -> str:
    """With what does not print spelled out, but for the characters that are kept."""
    return "".join(char if char.isprintable() or char in keep else repr(char)[1:-1] for char in text)


def code(text: str) -> str:
    """Inside of a line: a code span, in which nothing is markup; nothing at all for an empty text."""
    text = visible(text)
    if not text.strip():
        return ""
    ticks = "`" * (_longest_run(text) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{space}{text}{space}{ticks}"


def cell(text: str) -> str:
    """The same in a table."""
    return code(text).replace("|", "\\|")


def fenced(text: str, language: str = "text") -> str:
    """A block of its own, behind a fence that is longer than any in the text."""
    text = visible(text.replace("\r\n", "\n"), "\n\t")
    fence = "`" * max(3, _longest_run(text) + 1)
    return f"{fence}{language}\n{text}\n{fence}"


def _longest_run(text: str) -> int:
    return max(map(len, re.findall("`+", text)), default=0)


def shortened(text: str) -> str:
    if len(text) <= LONGEST:
        return text
    return f"{text[: LONGEST // 2]} … {text[-LONGEST // 2 :]}"


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Cells are Markdown: text of the data goes through `cell` first. The first column is words, others are figures."""
    rule = ["---", *["---:"] * (len(columns) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (columns, rule, *rows))


def front_matter(values: dict[str, object], note: str) -> str:
    """YAML between its two lines; values are written as JSON, which YAML contains. `note` explains the first."""
    lines = [f"{key}: {json.dumps(value)}" for key, value in values.items() if value not in ("", [], None)]
    lines[0] = f"{lines[0]}  # {note}"
    return "\n".join(["---", *lines, "---"])
