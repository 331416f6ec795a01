"""Counts in messages."""

import pytest

from gpt2kit.errors import counted


@pytest.mark.parametrize(
    ("count", "noun", "text"),
    [
        (0, "row", "0 rows"),
        (1, "row", "1 row"),
        (2000, "row", "2,000 rows"),
        (1, "batch", "1 batch"),
        (2, "batch", "2 batches"),
    ],
)
def test_counted(count: int, noun: str, text: str) -> None:
    assert counted(count, noun) == text


def test_an_irregular_plural() -> None:
    assert counted(2, "index", "indices") == "2 indices"
