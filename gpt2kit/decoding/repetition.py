"""Answers that go round in circles: the commonest failure of a small model, and one that no score tells of."""

from collections.abc import Sequence

LONGEST = 32
"""Tokens of a passage that may be said again and again."""

TIMES = 4
"""So often in a row it is, or more, before that counts."""

LEAST = 16
"""Tokens that all of them together have at least: a row of dots is no circle."""


def circles(ids: Sequence[int]) -> bool:
    """Whether an answer ends with one passage, said again and again."""
    for length in range(1, min(LONGEST, len(ids) // TIMES) + 1):
        span = max(TIMES * length, LEAST)
        if len(ids) >= span and all(ids[-place] == ids[-place - length] for place in range(1, span - length + 1)):
            return True
    return False
