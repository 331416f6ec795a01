"""Rows of similar length under a token budget, padded on the right; shuffled by a seed, so any step can be found again.

Shapes: B rows, T positions, N targets.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gpt2kit.data.store import Store
from gpt2kit.errors import DataError


@dataclass(frozen=True)
class Batch:
    """What one micro-batch needs: inputs, where the targets are predicted from, and the targets."""

    ids_BT: Tensor
    positions_N: Tensor
    """Flat positions in B x T: the one before each target token, the first being the prompt's last."""
    labels_N: Tensor
    tokens: int
    """Tokens of the rows, without padding."""

    def to(self, device: torch.device) -> "Batch":
        moved = [part.to(device, non_blocking=True) for part in (self.ids_BT, self.positions_N, self.labels_N)]
        return Batch(moved[0], moved[1], moved[2], self.tokens)


WIDTH_STEP = 2
"""Widths are multiples of this. Together with a number of rows that depends on the width alone it bounds how many
shapes there are: a new shape costs every kernel library its preparation, again and again."""


def padded_width(length: int) -> int:
    """Positions of a row as input, at least one step: its last token is only ever a target."""
    return max(1, -(-(length - 1) // WIDTH_STEP)) * WIDTH_STEP


class RowBatches:
    """The batches of a split, epoch after epoch."""

    def __init__(self, store: Store, batch_tokens: int, seed: int) -> None:
        """Raises DataError when the split has no rows."""
        if not len(store):
            raise DataError("the training split has no rows: nothing can be learned")
        self.store, self.seed = store, seed
        self.lengths = store.lengths()
        in_order = np.sort(self.lengths)
        # Rows are cut into batches by length alone, from the longest down, so that every epoch has the same number.
        cuts, end, inputs = [], len(in_order), 0
        while end:
            width = padded_width(int(in_order[end - 1]))
            start = max(0, end - max(1, batch_tokens // width))
            inputs += width * (end - start)
            cuts.append(start)
            end = start
        self.cuts = np.array(cuts[-2::-1], dtype=np.int64)
        self.padding = 1 - (int(in_order.sum()) - len(in_order)) / inputs
        """Share of the input positions that are padding."""

    def __len__(self) -> int:
        """Batches in an epoch."""
        return len(self.cuts) + 1

    def epoch(self, number: int) -> list[NDArray[np.int64]]:
        """Row indices of each batch of an epoch: equal lengths are shuffled among themselves, then the batches."""
        rng = np.random.default_rng((self.seed, number))
        order = np.lexsort((rng.random(len(self.lengths)), self.lengths))
        batches = np.split(order, self.cuts)
        return [batches[index] for index in rng.permutation(len(batches))]

    def longest(self) -> NDArray[np.int64]:
        """The batch that needs the most memory."""
        return np.split(np.argsort(self.lengths, kind="stable"), self.cuts)[-1]


def collate(store: Store, rows: NDArray[np.int64]) -> Batch:
    """Pad rows to the width of the longest."""
    ends = np.asarray(store.ends)[rows]
    starts = np.where(rows > 0, np.asarray(store.ends)[rows - 1], 0)
    lengths = ends - starts
    width = padded_width(int(lengths.max()))
    columns = np.arange(width + 1)
    inside = columns < lengths[:, None]
    source = np.where(inside, starts[:, None] + columns, 0)
    ids = np.where(inside, store.ids[source], 0).astype(np.int64)
    prompts = np.asarray(store.prompts)[rows][:, None].astype(np.int64)
    is_target = inside[:, 1:] & (columns[1:] >= prompts)
    return Batch(
        torch.from_numpy(ids[:, :-1].copy()),
        torch.from_numpy(np.flatnonzero(is_target)),
        torch.from_numpy(ids[:, 1:][is_target]),
        int(lengths.sum()),
    )
