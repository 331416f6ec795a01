"""The share of a generated text that also occurs verbatim in the training data.

Shapes: T ids of a text, N runs of ids in it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

RUN = 8
"""Consecutive ids that count as copied; shorter runs are common in the language."""

RUN_OF_BYTES, FEW = 40, 1000
"""The same for vocabularies so small that tokens are hardly more than bytes."""

BLOCK = 1 << 22
"""Training ids processed at a time: memory does not grow with their number."""

BASE = np.uint64(0x9E3779B97F4A7C15)


def run_length(vocab_size: int) -> int:
    return RUN if vocab_size > FEW else RUN_OF_BYTES


def copied_share(training: NDArray[Any], texts: Sequence[Sequence[int]], length: int) -> float:
    """Share of the ids of texts within a run of `length` ids that also occurs in training; 0 if no text is that
    long."""
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
    """A 64-bit hash of each run [N]."""
    hashes = np.zeros(max(0, len(ids) - length + 1), dtype=np.uint64)
    for place in range(length if len(hashes) else 0):
        hashes = hashes * BASE + ids[place : place + len(hashes)] + np.uint64(1)
    return hashes


def _covered(copied: NDArray[np.bool_], length: int) -> NDArray[np.bool_]:
    """Which ids [T] are within a copied run [N]."""
    changes = np.zeros(len(copied) + length, dtype=np.int64)
    starts = np.flatnonzero(copied)
    np.add.at(changes, starts, 1)
    np.add.at(changes, starts + length, -1)
    return changes.cumsum()[:-1] > 0
