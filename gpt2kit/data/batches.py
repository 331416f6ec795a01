"""Rows of similar length under a token budget, padded on the right; a seed shuffles them, so any step can be
reproduced.

Shapes: B rows, T positions, N targets, E examples.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from gpt2kit.data.store import Store
from gpt2kit.errors import DataError


@dataclass(frozen=True)
class Batch:
    """One micro-batch of a language model: inputs, targets and the position before each target."""

    ids_BT: Tensor
    positions_N: Tensor
    """Flat positions in B x T: the one before each target token, the first being the prompt's last."""
    labels_N: Tensor
    tokens: int
    """Tokens in the rows, without padding."""

    @property
    def targets(self) -> int:
        """The divisor of the batch's summed loss."""
        return self.labels_N.numel()

    def inputs(self, device: torch.device) -> list[Tensor]:
        """The arguments of the objective's forward pass, in its order, on a device."""
        tensors = [value for value in vars(self).values() if isinstance(value, Tensor)]
        if device.type == "cuda":  # the host would wait for copies from memory that is not pinned
            tensors = [tensor.pin_memory() for tensor in tensors]
        return [tensor.to(device, non_blocking=True) for tensor in tensors]


@dataclass(frozen=True)
class ClassificationBatch(Batch):
    """One micro-batch of a classifier: E examples of one text or several, with the language model's targets in them."""

    weights_N: Tensor
    """The weight of each of the language model's targets."""
    ends_B: Tensor
    """Flat position in B x T of the last token of each text."""
    examples_B: Tensor
    """The example that each text belongs to."""
    slots_B: Tensor
    """The index of each text within its example."""
    answers_E: Tensor

    @property
    def targets(self) -> int:
        return self.answers_E.numel()


BatchRows = NDArray[np.int64]
"""Rows of a batch [B, ...]; only their Batching knows how they are identified."""


class Batches(Protocol):
    """The batches of a split, epoch after epoch: the only view of the data that the training loop has."""

    padding: float
    """Share of the input positions that are padding."""
    width: int
    """Input positions of the widest batch."""
    epoch_tokens: int

    def __len__(self) -> int:
        """Batches in an epoch."""
        ...

    def epoch(self, number: int) -> list[BatchRows]: ...

    def longest(self) -> BatchRows:
        """The batch that needs the most memory."""
        ...

    def lengths(self, rows: BatchRows) -> NDArray[np.int64]:
        """Tokens of each row [B]; the last token of a row is only a target."""
        ...

    def tokens(self, rows: BatchRows) -> int:
        """Tokens of the data that these rows read."""
        ...

    def targets(self, rows: BatchRows) -> int: ...

    def collate(self, rows: BatchRows) -> Batch: ...


class Batching(Protocol):
    """How the ids of a split become batches."""

    def training(self, store: Store, batch_tokens: int, seed: int) -> Batches: ...

    def validation(self, store: Store, batch_tokens: int) -> Batches:
        """Every target once, in one epoch that never changes."""
        ...


def batches_from(batches: Batches, step: int) -> Iterator[BatchRows]:
    """The batches from a step on, epoch after epoch, endlessly."""
    epoch, index = divmod(step, len(batches))
    while True:
        yield from batches.epoch(epoch)[index:]
        epoch, index = epoch + 1, 0


WIDTH_STEP = 2
"""Widths are multiples of this. The number of rows depends on the width alone, so this bounds the number of shapes:
kernel libraries prepare again for each new shape."""


def padded_width(length: int) -> int:
    """Input positions of a row, at least one step: its last token is only a target."""
    return max(1, -(-(length - 1) // WIDTH_STEP)) * WIDTH_STEP


class RowBatches:
    """Batches of whole rows, identified by their indices.

    Memory holds 8 bytes for each row, which are its length, and as many for the order of an epoch; twice as many more
    while that is drawn.
    """

    def __init__(self, store: Store, batch_tokens: int, seed: int) -> None:
        """Raises DataError when the split has no rows."""
        if not len(store):
            raise DataError("nothing to train on: the training split has no rows; prepare it with more data")
        self.store, self.seed = store, seed
        self.row_lengths = self.measured()
        self.epoch_tokens = store.tokens
        in_order = np.sort(self.row_lengths)
        self.width = padded_width(int(in_order[-1]))
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

    def measured(self) -> NDArray[np.int64]:
        """Tokens of each row; the last one is not an input."""
        return self.store.lengths()

    def __len__(self) -> int:
        return len(self.cuts) + 1

    def epoch(self, number: int) -> list[BatchRows]:
        """Row indices of each batch of an epoch: equal lengths are shuffled among themselves, then the batches."""
        rng = np.random.default_rng((self.seed, number))
        order = np.lexsort((rng.random(len(self.row_lengths)), self.row_lengths))
        batches = np.split(order, self.cuts)
        return [batches[index] for index in rng.permutation(len(batches))]

    def longest(self) -> BatchRows:
        return np.split(np.argsort(self.row_lengths, kind="stable"), self.cuts)[-1]

    def lengths(self, rows: BatchRows) -> NDArray[np.int64]:
        return self.row_lengths[rows]

    def tokens(self, rows: BatchRows) -> int:
        return int(self.row_lengths[rows].sum())

    def targets(self, rows: BatchRows) -> int:
        prompts = self.store.prompts[rows].astype(np.int64)
        return int(np.maximum(0, self.row_lengths[rows] - np.maximum(1, prompts)).sum())

    def starts(self, rows: BatchRows) -> NDArray[np.int64]:
        """Where each row [B] begins in the ids of the split."""
        return row_starts(self.store, rows)

    def collate(self, rows: BatchRows) -> Batch:
        return collate(self.store, rows)


class RowBatching:
    """Prompts with their answers, one row each; loss on the answers, or in training on the whole row if so
    configured."""

    def __init__(self, loss_on: str = "answer") -> None:
        self.loss_on = loss_on

    def training(self, store: Store, batch_tokens: int, seed: int) -> RowBatches:
        return RowBatches(store.without_prompts() if self.loss_on == "all" else store, batch_tokens, seed)

    def validation(self, store: Store, batch_tokens: int) -> RowBatches:
        return RowBatches(store, batch_tokens, seed=0)


def row_starts(store: Store, rows: BatchRows) -> NDArray[np.int64]:
    return np.where(rows > 0, store.ends[rows - 1], 0)


def collate(store: Store, rows: BatchRows) -> Batch:
    """Pad rows to the width of the longest."""
    starts = row_starts(store, rows)
    lengths = store.ends[rows] - starts
    width = padded_width(int(lengths.max()))
    columns = np.arange(width + 1)
    inside = columns < lengths[:, None]
    source = np.where(inside, starts[:, None] + columns, 0)
    ids = np.where(inside, store.ids[source], 0).astype(np.int64)
    prompts = store.prompts[rows][:, None].astype(np.int64)
    is_target = inside[:, 1:] & (columns[1:] >= prompts)
    return Batch(
        torch.from_numpy(ids[:, :-1].copy()),
        torch.from_numpy(np.flatnonzero(is_target)),
        torch.from_numpy(ids[:, 1:][is_target]),
        int(lengths.sum()),
    )
