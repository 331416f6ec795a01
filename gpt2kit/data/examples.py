"""Labelled examples: texts that end with an extract token; a head predicts the answer from its last vector.

A row's prompt is the example's texts, one after the other, each ending with the extract token; its target is one id,
the number of the answer. Each text is a separate row of a batch.

Shapes: B texts, T positions, N targets of the language model, E examples.
"""

import numpy as np
import torch
from numpy.typing import NDArray

from gpt2kit.data.batches import BatchRows, ClassificationBatch, RowBatches, padded_width
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError


class ExampleBatches(RowBatches):
    """Batches of whole examples."""

    def __init__(self, store: Store, batch_tokens: int, seed: int, extract: int) -> None:
        """`extract` is the id that ends a text. Raises DataError without examples, or for one without a text."""
        self.extract = extract
        row_ends = np.asarray(store.ends)
        ends = store.places_of(extract) + 1
        ends = ends[~np.isin(ends, row_ends)]  # an answer's number may equal it
        last = np.searchsorted(ends, row_ends, side="right")
        counts = np.diff(last, prepend=0)
        if len(counts) and counts.min() < 1:
            raise DataError(f"row {int(counts.argmin()) + 1} of {store.split} has no text: prepare the data again")
        self.text_ends, self.last, self.text_starts = ends, last, np.concatenate(([0], ends))[:-1]
        if len(row_ends):  # a text begins after the previous one, or where its row begins
            self.text_starts[np.concatenate(([0], last[:-1]))] = np.concatenate(([0], row_ends[:-1]))
        super().__init__(store, max(1, batch_tokens // int(counts.max(initial=1))), seed)

    def measured(self) -> NDArray[np.int64]:
        """Tokens of the longest text; unlike a row's last token, all of them are input."""
        return np.maximum.reduceat(self.text_ends - self.text_starts, np.concatenate(([0], self.last[:-1]))) + 1

    def texts(self, rows: BatchRows) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """The texts of examples [B], the example of each text and its index there."""
        firsts = np.where(rows > 0, self.last[rows - 1], 0)
        counts = self.last[rows] - firsts
        examples = np.repeat(np.arange(len(rows)), counts)
        slots = np.arange(counts.sum()) - np.repeat(counts.cumsum() - counts, counts)
        return firsts[examples] + slots, examples, slots

    def lengths(self, rows: BatchRows) -> NDArray[np.int64]:
        texts, _, _ = self.texts(rows)
        return self.text_ends[texts] - self.text_starts[texts] + 1

    def tokens(self, rows: BatchRows) -> int:
        return int((self.lengths(rows) - 1).sum())

    def targets(self, rows: BatchRows) -> int:
        return len(rows)

    def collate(self, rows: BatchRows) -> ClassificationBatch:
        texts, examples, slots = self.texts(rows)
        starts, lengths = self.text_starts[texts], self.text_ends[texts] - self.text_starts[texts]
        width = padded_width(int(lengths.max()) + 1)
        columns = np.arange(width)
        inside = columns < lengths[:, None]
        ids = np.where(inside, self.store.ids[np.where(inside, starts[:, None] + columns, 0)], 0).astype(np.int64)
        predicts = inside[:, 1:]
        # The mean over the tokens of each text, and over the texts of an example.
        weights = np.repeat(1 / (np.bincount(examples)[examples] * np.maximum(1, lengths - 1)), lengths - 1)
        places = np.flatnonzero(np.pad(predicts, ((0, 0), (0, 1))))
        answers = self.store.ids[self.store.ends[rows] - 1].astype(np.int64)
        last_positions = np.arange(len(texts)) * width + lengths - 1
        return ClassificationBatch(
            torch.from_numpy(ids),
            torch.from_numpy(places),
            torch.from_numpy(ids[:, 1:][predicts]),
            int(lengths.sum()),
            torch.from_numpy(weights).float(),
            *map(torch.from_numpy, (last_positions, examples, slots, answers)),
        )


class ExampleBatching:
    """Examples with their answers; the loss is that of the answers plus that of a language model of the texts."""

    def __init__(self, extract: int) -> None:
        self.extract = extract

    def training(self, store: Store, batch_tokens: int, seed: int) -> ExampleBatches:
        return ExampleBatches(store, batch_tokens, seed, self.extract)

    def validation(self, store: Store, batch_tokens: int) -> ExampleBatches:
        return ExampleBatches(store, batch_tokens, 0, self.extract)
