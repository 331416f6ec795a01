"""Finds a text within another one, wherever parts of it begin: by the hashes of a sample of its lines."""

import re
import zlib

import numpy as np
from numpy.typing import NDArray

SHORTEST = 30
"""Characters of a line that tells one text from another."""

EVERY = 4
"""One of this number of lines is in the sample, chosen by its contents."""

LONG = 2000
"""Characters per line from which on a text is divided into sentences instead."""

SENTENCE_END = re.compile(r"(?<=[.!?])\s+|\n")


def sampled_lines(text: str) -> NDArray[np.uint32]:
    """Hashes of some lines of a text; the same lines are chosen in every text.

    The lines at both ends may have been cut, and are left out if there are others.
    """
    lines = text.split("\n") if text.count("\n") * LONG >= len(text) else SENTENCE_END.split(text)
    whole = lines[1:-1] if len(lines) > 2 else lines
    hashes = (zlib.crc32(line.encode()) for each in whole if len(line := each.strip()) >= SHORTEST)
    return np.array([found for found in hashes if found % EVERY == 0], dtype=np.uint32)


def mostly_within(lines: list[NDArray[np.uint32]], others: list[NDArray[np.uint32]]) -> NDArray[np.bool_]:
    """For the sampled lines of each text: whether most of them are among those of the other texts."""
    if not lines or not others:
        return np.zeros(len(lines), bool)
    found = np.isin(np.concatenate(lines), np.concatenate(others))
    sizes = np.array([len(each) for each in lines])
    ends = np.cumsum(sizes)
    counts = np.concatenate([[0], np.cumsum(found)])
    return (counts[ends] - counts[ends - sizes]) * 2 > sizes
