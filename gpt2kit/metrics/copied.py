"""How much of a generated text stands word for word in what the model was trained on.

Shapes: T ids of a text, N runs of ids in it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

RUN = 8
"""Ids in a row that count as copied; shorter ones are the language's own."""

RUN_OF_BYTES, FEW = 40, 1000
"""The same where there are so few tokens that they are hardly more than bytes."""

BLOCK = 1 << 22
"""Training ids that are looked at together: memory does not grow with them."""

BASE = np.uint64(0x9E3779B97F4A7C15)


def run_length(vocab_size: int) -> int:
    return RUN if vocab_size > FEW else RUN_OF_BYTES


def copied_share(training: NDArray[Any], texts: Sequence[Sequence[int]], length: int) -> float:
    """Share of the ids of texts that lie in a run of `length` ids which training has too; 0 where none is as long."""
    hashes = [run_hashes(np.asarray(text, dtype=np.uint64), length) for text in texts]
    wanted = np.unique(np.concatenate([np.empty(0, np.uint64), *hashes]))
    if not len(wanted):
        return 0.0
    found = np.zeros(len(wanted), dtype=bool)
    for start in range(0, len(training), BLOCK):
        block = np.asarray(training[start : start + BLOCK + length - 1]).astype(np.uint64)
        seen = run_hashes(block, length)
        at = np.searchsorted(wanted, seen).clip(max=len(wanted) - 1)
        found[at[wanted[at] == seen]] = True
    known = wanted[found]
    copied = sum(int(_covered(np.isin(each, known), length).sum()) for each in hashes)
    return copied / sum(map(len, texts))


def run_hashes(ids: NDArray[np.uint64], length: int) -> NDArray[np.uint64]:
    """A hash of 64 bits for each run [N]."""
    hashes = np.zeros(max(0, len(ids) - length + 1), dtype=np.uint64)
    for place in range(length if len(hashes) else 0):
        hashes = hashes * BASE + ids[place : place + len(hashes)] + np.uint64(1)
    return hashes


def _covered(copied: NDArray[np.bool_], length: int) -> NDArray[np.bool_]:
    """Which ids [T] lie in a run that was copied [N]."""
    changes = np.zeros(len(copied) + length, dtype=np.int64)
    starts = np.flatnonzero(copied)
    np.add.at(changes, starts, 1)
    np.add.at(changes, starts + length, -1)
    return changes.cumsum()[:-1] > 0
