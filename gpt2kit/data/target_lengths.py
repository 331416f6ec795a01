"""How long targets are compared with their prompts."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from gpt2kit.data.store import Store


def needed_ratio(store: Store, extra: int, beyond: int) -> float:
    """The least ratio by which ratio x prompt + extra tokens hold the targets of all rows, but for one row of `beyond`;
    0 without rows."""
    kept = len(store) // beyond + 1
    largest = np.empty(0, np.float32)
    for prompts, targets in _of(store):
        needed = (np.maximum(targets - extra, 0) / np.maximum(prompts, 1)).astype(np.float32)
        largest = np.sort(np.concatenate([largest, needed]))[-kept:]
    return float(largest[0]) if len(largest) else 0.0


def longer_than(store: Store, tokens: int) -> int:
    """The number of rows with targets of more than this many tokens."""
    return sum(int((targets > tokens).sum()) for _, targets in _of(store))


def longer_than_ratio(store: Store, ratio: float, extra: int) -> int:
    """The number of rows with targets of more than ratio x prompt + extra tokens."""
    return sum(int((targets > np.floor(ratio * prompts) + extra).sum()) for prompts, targets in _of(store))


def _of(store: Store) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Tokens of the prompts and of the targets, some rows at a time."""
    for prompts, lengths in store.row_sizes():
        yield prompts, lengths - prompts
