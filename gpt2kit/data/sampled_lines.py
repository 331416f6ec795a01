"""Finds a text within another one, wherever parts of it begin: by the hashes of a sample of its lines."""

import re
import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

SHORTEST = 30
"""Characters of a line that tells one text from another."""

EVERY = 4
"""One of this number of lines is in the sample, chosen by its contents."""

LONG = 2000
"""Characters per line from which on a text is divided into sentences instead."""

SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n")


def sampled_lines(text: str) -> NDArray[np.uint64]:
    """Hashes of some lines of a text, in the upper of their 64 bits; the same lines are chosen in every text.

    The lines at both ends may have been cut, and are left out if there are others.
    """
    lines = text.split("\n") if text.count("\n") * LONG >= len(text) else SENTENCE_END.split(text)
    whole = lines[1:-1] if len(lines) > 2 else lines
    hashes = (zlib.crc32(line.encode()) for each in whole if len(line := each.strip()) >= SHORTEST)
    return np.array([found << 32 for found in hashes if found % EVERY == 0], dtype=np.uint64)


def mostly(found: NDArray[np.bool_], sizes: NDArray[Any]) -> NDArray[np.bool_]:
    """For texts with these numbers of sampled lines, which follow each other: whether most lines of each are found."""
    ends = np.cumsum(sizes, dtype=np.int64)
    counts = np.concatenate([[0], np.cumsum(found)])
    result: NDArray[np.bool_] = (counts[ends] - counts[ends - sizes]) * 2 > sizes
    return result
