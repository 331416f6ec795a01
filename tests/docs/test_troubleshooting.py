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


@cache
def texts() -> list[str]:
    """Every text of the package, with gaps for what an f-string inserts."""
    found = []
    for path in sorted((ROOT / "gpt2kit").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = (str(part.value) if isinstance(part, ast.Constant) else GAP for part in node.values)
                found.append("".join(parts))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return found


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


def test_another_message_is_not() -> None:
    assert printed("… exists")
    assert not printed("… exists and is a nice folder")
