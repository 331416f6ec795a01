"""docs/troubleshooting.md: every message on it is one that gpt2kit prints; "…" is what differs from case to case."""

import ast
import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "troubleshooting.md").read_text(encoding="utf-8")
MESSAGES = re.findall(r"^### `(.+)`$", PAGE, re.MULTILINE)
GAP = "…"


def texts_in(source: str) -> list[str]:
    """Every text of a module except docstrings, with gaps for what an f-string inserts."""
    nodes = list(ast.walk(ast.parse(source)))
    docstrings = [node.value for node in nodes if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)]
    found = []
    for node in nodes:
        if isinstance(node, ast.JoinedStr):
            parts = (str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values)
            found.append("".join(parts))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and node not in docstrings:
            found.append(node.value)
    return found


@cache
def texts() -> list[str]:
    """Every text of the package that it may print."""
    paths = sorted((ROOT / "gpt2kit").rglob("*.py"))
    return [text for path in paths for text in texts_in(path.read_text(encoding="utf-8"))]


def printed(message: str) -> bool:
    """Whether the parts of a message are in one text of the package, in this order."""
    parts = [part.strip() for part in message.split(GAP)]
    pattern = re.compile(".*".join(map(re.escape, filter(None, parts))), re.DOTALL)
    return any(map(pattern.search, texts()))


def test_there_are_enough_and_none_twice() -> None:
    assert len(MESSAGES) >= 20
    assert len(set(MESSAGES)) == len(MESSAGES)


@pytest.mark.parametrize("message", MESSAGES)
def test_a_message_is_printed_like_that(message: str) -> None:
    assert printed(message)


def test_docstrings_are_not_printed() -> None:
    source = "def f(x):\n  'docstring'\n  g('text', f'one {x} more')\nX = 3\n'docstring of X'\n"
    found = texts_in(source)
    assert {"text", f"one {GAP} more"} <= set(found)
    assert not [text for text in found if "docstring" in text]


def test_another_message_is_not() -> None:
    assert printed("… exists")
    assert not printed("… exists and is a nice folder")
