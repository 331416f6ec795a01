"""Markdown and YAML in which text of a user's data stays text: without markup, HTML, links or control characters."""

import json
import re
from collections.abc import Iterable, Sequence

LONGEST = 600
"""Characters of a sample that are shown; a longer one loses its middle."""


def visible(text: str, keep: str = "") -> str:
    """Escape characters that do not print, except those to keep."""
    return "".join(char if char.isprintable() or char in keep else repr(char)[1:-1] for char in text)


def code(text: str) -> str:
    """A code span within a line, in which nothing is markup; empty for an empty text."""
    text = visible(text)
    if not text.strip():
        return ""
    ticks = "`" * (_longest_run(text) + 1)
    space = " " if text.startswith("`") or text.endswith("`") else ""
    return f"{ticks}{space}{text}{space}{ticks}"


def cell(text: str) -> str:
    """The same for a table cell."""
    return code(text).replace("|", "\\|")


def fenced(text: str, language: str = "text") -> str:
    """A code block, whose fence is longer than any in the text."""
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
    """Cells are Markdown: pass data through `cell` first. The first column holds words, the others figures."""
    rule = ["---", *["---:"] * (len(columns) - 1)]
    return "\n".join(f"| {' | '.join(row)} |" for row in (columns, rule, *rows))


def front_matter(values: dict[str, object], note: str) -> str:
    """YAML between its two marker lines; values are written as JSON, which is valid YAML. `note` explains the first
    one."""
    lines = [f"{key}: {json.dumps(value)}" for key, value in values.items() if value not in ("", [], None)]
    lines[0] = f"{lines[0]}  # {note}"
    return "\n".join(["---", *lines, "---"])
