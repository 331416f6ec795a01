"""Windows over the documents of a split, which form one flat array of ids.

Training cuts the array, as a ring, at another place each epoch, regardless of document ends. Validation cuts each
document separately: every token but a document's first is predicted exactly once, from its own document alone.

Shapes: B rows, T positions (the window), N targets.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray

from gpt2kit.data.batches import Batch, BatchRows
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError

Ids = NDArray[Any]

Crop = Callable[[Ids, int, int, Generator], Ids]
"""(ring of ids, start, length, noise) -> `length` ids: how a task varies a training window."""


class StreamBatches:
    """Training windows; a row [3] is (where the window starts, its length, the epoch), so that every epoch's crop has
    its own noise. An epoch reads all tokens about once; its order takes 8 bytes for each window."""

    def __init__(
        self, store: Store, window: int, batch_tokens: int, seed: int, crop: Crop, given: int | None = None
    ) -> None:
        """Ids from `given` on carry no loss. Raises DataError when there are fewer than two tokens."""
        if store.tokens < 2:
            raise DataError(
                "nothing to train on: the training split has fewer than 2 tokens; prepare it with more data"
            )
        self.store, self.seed, self.crop, self.given = store, seed, crop, given
        self.width, self.padding = min(window, store.tokens - 1), 0.0
        self.count = max(1, store.tokens // self.width)
        self.epoch_tokens = self.count * self.width
        self.size = -(-self.count // max(1, batch_tokens // self.width))

    def __len__(self) -> int:
        return self.size

    def epoch(self, number: int) -> list[BatchRows]:
        return [self._rows(starts, number) for starts in self._starts(number)]

    def longest(self) -> BatchRows:
        return self._rows(self._starts(0)[0], 0)

    def _starts(self, epoch: int) -> list[NDArray[np.int64]]:
        """The starts of the whole windows of each batch."""
        rng = np.random.default_rng((self.seed, epoch))
        starts = (rng.integers(self.store.tokens) + self.width * rng.permutation(self.count)) % self.store.tokens
        return np.array_split(starts, len(self))

    def _rows(self, starts: NDArray[np.int64], epoch: int) -> BatchRows:
        return np.stack([starts, np.full_like(starts, self.width), np.full_like(starts, epoch)], axis=1)

    def lengths(self, rows: BatchRows) -> NDArray[np.int64]:
        return rows[:, 1] + 1

    def tokens(self, rows: BatchRows) -> int:
        return int(rows[:, 1].sum())

    def targets(self, rows: BatchRows) -> int:
        """All tokens: those that are given count with a loss of 0, as only cropping tells how many they are."""
        return self.tokens(rows)

    def collate(self, rows: BatchRows) -> Batch:
        ids = np.empty((len(rows), int(rows[0, 1]) + 1), dtype=np.int64)
        for row, (start, _, epoch) in zip(ids, rows.tolist(), strict=True):
            row[:] = self.crop(self.store.ids, start, len(row), np.random.default_rng((self.seed, epoch, start)))
        return _batch(ids, self.lengths(rows), given=self.given)


class DocumentWindows:
    """Validation windows: each predicts `stride` tokens after as much context as fits; without a stride, a whole window
    after its first token. A row [3] is (start, first target, end)."""

    def __init__(self, store: Store, window: int, batch_tokens: int, stride: int = 0) -> None:
        self.store = store
        ends = store.document_ends()
        begins = (0, *ends)[: len(ends)]
        pieces = [
            piece
            for begin, end in zip(begins, ends, strict=True)
            for piece in pieces_of(int(begin), int(end), window, stride or window)
        ]
        pieces.sort(key=lambda piece: piece[2] - piece[0])
        self.pieces = np.array(pieces, dtype=np.int64).reshape(-1, 3)
        starts = range(0, len(pieces), max(1, batch_tokens // window))
        self.batches = np.split(self.pieces, list(starts[1:])) if pieces else []
        self.epoch_tokens = self.targets(self.pieces)
        self.width = int(self.lengths(self.pieces).max(initial=2)) - 1
        positions = sum(len(rows) * (int(self.lengths(rows).max()) - 1) for rows in self.batches)
        self.padding = 1 - (int(self.lengths(self.pieces).sum()) - len(pieces)) / max(1, positions)

    def __len__(self) -> int:
        return len(self.batches)

    def epoch(self, number: int) -> list[BatchRows]:
        return self.batches

    def longest(self) -> BatchRows:
        return self.batches[-1]

    def in_order(self) -> BatchRows:
        """All windows as they follow each other in the split, but last those with the short ends of documents."""
        starts = self.pieces[:, 0]
        is_end = (self.lengths(self.pieces) <= self.width) & ~np.isin(starts, (0, *self.store.document_ends()))
        return self.pieces[np.lexsort((starts, is_end))]

    def lengths(self, rows: BatchRows) -> NDArray[np.int64]:
        return rows[:, 2] - rows[:, 0]

    def tokens(self, rows: BatchRows) -> int:
        return self.targets(rows)

    def targets(self, rows: BatchRows) -> int:
        return int((rows[:, 2] - rows[:, 1]).sum())

    def starts(self, rows: BatchRows) -> NDArray[np.int64]:
        """Where each window [B] begins in the ids of the split."""
        return rows[:, 0]

    def collate(self, rows: BatchRows) -> Batch:
        lengths = self.lengths(rows)
        columns = np.arange(lengths.max())
        source = np.where(columns < lengths[:, None], rows[:, :1] + columns, 0)
        return _batch(self.store.ids[source].astype(np.int64), lengths, rows[:, 1] - rows[:, 0])


class StreamBatching:
    """Documents of any length; loss on every token but the first of a window."""

    def __init__(self, window: int, crop: Crop, stride: int = 0, given: int | None = None, shorter: int = 0) -> None:
        """`window` is the model's, and that of validation; windows of training have `shorter` tokens, unless it is 0.
        `crop` is applied to these, in which ids from `given` on carry no loss; `stride` is that of validation, 0 for a
        whole window."""
        self.window, self.crop, self.stride, self.given, self.shorter = window, crop, stride, given, shorter

    def training(self, store: Store, batch_tokens: int, seed: int) -> StreamBatches:
        return StreamBatches(store, self.shorter or self.window, batch_tokens, seed, self.crop, self.given)

    def validation(self, store: Store, batch_tokens: int) -> DocumentWindows:
        return DocumentWindows(store, self.window, batch_tokens, self.stride)


def pieces_of(begin: int, end: int, window: int, stride: int) -> Iterator[tuple[int, int, int]]:
    """(start, first target, end) of the windows of a text: the first predicts as many as fit, the others `stride`."""
    start, first = begin, begin + 1
    while first < end:
        yield start, first, min(start + window + 1, end)
        first = start + window + 1
        start += stride


def _batch(
    ids_BT: NDArray[np.int64],
    lengths_B: NDArray[np.int64],
    firsts_B: NDArray[np.int64] | None = None,
    given: int | None = None,
) -> Batch:
    """In each row every token from its first target on is a target, by default from the second, unless its id is
    `given` or higher; padding is on the right."""
    columns = np.arange(1, ids_BT.shape[1])
    inside = columns < lengths_B[:, None]
    if firsts_B is not None:
        inside &= columns >= firsts_B[:, None]
    if given is not None:
        inside &= ids_BT[:, 1:] < given
    return Batch(
        torch.from_numpy(ids_BT[:, :-1].copy()),
        torch.from_numpy(np.flatnonzero(inside)),
        torch.from_numpy(ids_BT[:, 1:][inside]),
        int(lengths_B.sum()) - len(ids_BT),
    )
