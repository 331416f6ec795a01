"""Detects answers that repeat themselves: the most common failure of a small model, and one that no score shows."""

from collections.abc import Sequence

LONGEST = 32
"""Most tokens of a passage whose repetition is detected."""

TIMES = 4
"""Least number of consecutive repetitions that count."""

LEAST = 16
"""Least total tokens of all repetitions: a row of dots does not count."""


def repeats_itself(ids: Sequence[int]) -> bool:
    """Whether an answer ends with consecutive repetitions of one passage."""
    for length in range(1, min(LONGEST, len(ids) // TIMES) + 1):
        span = max(TIMES * length, LEAST)
        if len(ids) >= span and all(ids[-place] == ids[-place - length] for place in range(1, span - length + 1)):
            return True
    return False
