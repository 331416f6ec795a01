"""show: prepared data as training reads it, token by token, and which tokens carry loss."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, groupby
from operator import itemgetter
from typing import Any

from gpt2kit.data.batches import Batch, BatchRows, ClassificationBatch
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError, counted
from gpt2kit.recipe import Recipe
from gpt2kit.runs.prepared import Prepared
from gpt2kit.tasks.base import Task, decode_row
from gpt2kit.tasks.vocabulary import GAP, Line

ELLIPSIS = " … "


@dataclass(frozen=True)
class Shown:
    """One row of a batch; a labelled example has one or several rows."""

    example: int
    """The number of its example, from 1."""
    ids: list[int]
    loss: list[bool]
    """Whether each id is a target."""
    weight: float
    """The weight of each target; 1 unless a language model's loss is added to a classifier's."""
    answer: str
    """The classifier's target; empty without a classifier."""

    def spans(self, task: Task[Any, Any], most: int) -> Iterator[tuple[str, bool]]:
        """Consecutive tokens that carry loss, or do not, as text; of more than `most` ids the middle is left out, in
        whole lines if the vocabulary has lines."""
        if lines := task.vocabulary.lines(self.ids):
            yield from self._in_lines(lines, most)
            return
        half = max(1, most // 2)
        whole = len(self.ids) <= most
        for part in [slice(None)] if whole else [slice(half), slice(len(self.ids) - half, None)]:
            places = range(len(self.ids))[part]
            if places.start:
                yield ELLIPSIS, False
            for loss, span in groupby(places, key=self.loss.__getitem__):
                yield task.vocabulary.render([self.ids[place] for place in span]), loss

    def _in_lines(self, lines: list[Line], most: int) -> Iterator[tuple[str, bool]]:
        half = most // 2 if len(self.ids) > most else len(self.ids)
        firsts = [*accumulate((len(line.names) for line in lines), initial=0)]
        head = max(1, bisect_right(firsts, half) - 1)
        tail = min(len(lines) - 1, bisect_left(firsts, len(self.ids) - half))
        for number, (line, first) in enumerate(zip(lines, firsts, strict=False)):
            if number == head < tail:
                left_out = counted(firsts[tail] - firsts[head], "token")
                yield f"{ELLIPSIS.strip():>{len(line.heading)}}{GAP}{left_out} left out\n", False
            if head <= number < tail:
                continue
            yield line.heading, False
            losses = self.loss[first : first + len(line.names)]
            for loss, named in groupby(zip(losses, line.names, strict=True), key=itemgetter(0)):
                yield GAP, False
                yield GAP.join(name for _, name in named), loss
            yield "\n", False


def shown(recipe: Recipe, prepared: Prepared, task: Task[Any, Any], split: str, count: int) -> Iterator[Shown]:
    """The first rows of a split. Of a stream, the first windows: those of `train` as training reads them, varied; those
    of other splits from the first document on, and the short ends of documents last."""
    store = prepared.store(split)
    if not len(store):
        instead = "show another one with --split, or prepare more data"
        raise DataError(f"{prepared.path}: its {split} split is empty; {instead}")
    batching = task.layout.batching(recipe.model.n_positions, recipe.train.loss_on, recipe.train.window)
    if split == "train":
        batches = batching.training(store, recipe.train.batch_tokens, recipe.train.seed)
    else:
        batches = batching.validation(store, recipe.train.batch_tokens)
    for number, rows in enumerate(task.layout.first_rows(batches, len(store), count), 1):
        batch = batches.collate(rows)
        # The last token of a row is not an input; where it is not a target either, as in a classifier's texts, there is
        # none.
        lengths = (batches.lengths(rows) - 1).tolist()
        yield from _rows(batch, lengths, number, task, store, rows)


def _rows(
    batch: Batch, lengths: list[int], number: int, task: Task[Any, Any], store: Store, rows: BatchRows
) -> Iterator[Shown]:
    width = batch.ids_BT.size(1)
    labels = dict(zip(batch.positions_N.tolist(), batch.labels_N.tolist(), strict=True))
    weights = batch.weights_N.tolist() if isinstance(batch, ClassificationBatch) else [1.0] * len(labels)
    weight_at = dict(zip(labels, weights, strict=True))
    answer = ""
    if task.layout.labels:
        prompt, target = store.row(int(rows[0]))
        answer = str(decode_row(task, prompt, target)[1])
    for row, (inputs, length) in enumerate(zip(batch.ids_BT.tolist(), lengths, strict=True)):
        ids = inputs[:length]
        places = [row * width + place - 1 for place in range(1, length + 1)]  # predict ids from the second on
        loss = [False, *(place in labels for place in places)]
        if loss[-1]:
            ids.append(labels[places[-1]])
        else:
            loss.pop()
        yield Shown(number, ids, loss, next((weight_at[p] for p in places if p in weight_at), 1.0), answer)
