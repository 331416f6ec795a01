"""Rows in batches: which rows, in which order, with how much padding, and which tokens are predicted from where."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from gpt2kit.data.batches import Batch, RowBatches, collate
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError

Write = Callable[..., Store]
BUDGET = 2048


@pytest.fixture
def realistic(store_of: Write) -> Store:
    """3,000 rows with the lengths of sentence pairs: log-normal, 30 tokens in the middle, a few above 100."""
    rng = np.random.default_rng(0)
    lengths = np.clip(rng.lognormal(3.4, 0.5, 3000), 4, 200).astype(int)
    rows = []
    for length in lengths:
        prompt = int(rng.integers(1, length - 1))
        ids = rng.integers(0, 100, length).tolist()
        rows.append((ids[:prompt], ids[prompt:]))
    return store_of(rows)


def listed(batches: list[Any]) -> list[list[int]]:
    return [batch.tolist() for batch in batches]


def test_each_row_once_an_epoch(realistic: Store) -> None:
    batches = RowBatches(realistic, BUDGET, seed=1)
    for number in range(2):
        epoch = batches.epoch(number)
        assert len(epoch) == len(batches)
        assert sorted(np.concatenate(epoch).tolist()) == list(range(3000))


def test_seed_and_epoch_decide_the_batches(realistic: Store) -> None:
    one = RowBatches(realistic, BUDGET, seed=1)
    assert listed(one.epoch(3)) == listed(RowBatches(realistic, BUDGET, seed=1).epoch(3))
    for other in (one.epoch(4), RowBatches(realistic, BUDGET, seed=2).epoch(3)):
        assert listed(one.epoch(3)) != listed(other)
        assert {frozenset(batch) for batch in listed(one.epoch(3))} != {frozenset(batch) for batch in listed(other)}


def test_batches_are_not_ordered_by_length(realistic: Store) -> None:
    lengths = [collate(realistic, rows).ids_BT.size(1) for rows in RowBatches(realistic, BUDGET, seed=0).epoch(0)]
    assert lengths != sorted(lengths)
    assert lengths != sorted(lengths, reverse=True)


def test_padding_is_small_and_reported_as_it_is(realistic: Store) -> None:
    batches = RowBatches(realistic, BUDGET, seed=0)
    inputs = wasted = 0
    for rows in batches.epoch(0):
        width = collate(realistic, rows).ids_BT.size(1)
        inputs += width * len(rows)
        wasted += sum(width - (len(prompt) + len(target) - 1) for prompt, target in map(realistic.row, rows))
    assert batches.padding == pytest.approx(wasted / inputs)
    assert 0 < batches.padding <= 0.05


def test_no_batch_exceeds_the_budget(realistic: Store) -> None:
    for rows in RowBatches(realistic, BUDGET, seed=0).epoch(0):
        assert collate(realistic, rows).ids_BT.numel() <= BUDGET


def test_there_are_few_shapes_and_every_epoch_has_the_same(realistic: Store) -> None:
    batches = RowBatches(realistic, BUDGET, seed=0)
    epochs = [[tuple(collate(realistic, rows).ids_BT.shape) for rows in batches.epoch(number)] for number in range(3)]
    assert sorted(epochs[0]) == sorted(epochs[1]) == sorted(epochs[2])
    widths = {width for _, width in epochs[0]}
    assert all(width % 2 == 0 for width in widths)
    assert len(set(epochs[0])) <= len(widths) + 1, "the rows of a batch follow from its width, but for the last one"


def test_the_longest_batch(realistic: Store) -> None:
    batches = RowBatches(realistic, BUDGET, seed=0)
    longest = collate(realistic, batches.longest()).ids_BT
    assert longest.size(1) == max(collate(realistic, rows).ids_BT.size(1) for rows in batches.epoch(0))


def test_a_row_longer_than_the_budget_is_a_batch(store_of: Write) -> None:
    batches = RowBatches(store_of([([1], [2] * 50), ([1], [2]), ([1], [2] * 60)]), 16, seed=0)
    assert sorted(listed(batches.epoch(0))) == [[0], [1], [2]]


def test_one_row(store_of: Write) -> None:
    batches = RowBatches(store_of([([1], [2, 3])]), 100, seed=0)
    assert listed(batches.epoch(0)) == listed(batches.epoch(9)) == [[0]]
    assert batches.padding == 0


def test_no_rows(store_of: Write) -> None:
    with pytest.raises(DataError, match="no rows"):
        RowBatches(store_of([]), 100, seed=0)


def predictions(batch: Batch, rows: list[tuple[list[int], list[int]]]) -> list[tuple[int, int, int]]:
    """(row, position, label) of every prediction, after checking what stands in the inputs."""
    width = batch.ids_BT.size(1)
    for ids, (prompt, target) in zip(batch.ids_BT.tolist(), rows, strict=True):
        whole = [*prompt, *target]
        assert ids[: len(whole) - 1] == whole[:-1][:width]
        assert not any(ids[len(whole) :])
    flat = batch.positions_N.tolist()
    return [(index // width, index % width, label) for index, label in zip(flat, batch.labels_N.tolist(), strict=True)]


def test_exactly_the_targets_are_predicted_from_the_token_before(store_of: Write) -> None:
    eos = 0  # the same id as the padding: the mask tells them apart
    rows = [([11, 12, 13], [21, 22, eos]), ([14], [23, eos]), ([15, 16], [eos]), ([17], [24, 25, 26, 27, 28, eos])]
    store = store_of(rows)
    batch = collate(store, np.array([3, 0, 2, 1]))
    chosen = [rows[3], rows[0], rows[2], rows[1]]
    expected = [
        (row, len(prompt) - 1 + index, label)
        for row, (prompt, target) in enumerate(chosen)
        for index, label in enumerate(target)
    ]
    assert predictions(batch, chosen) == expected
    assert not {11, 12, 13, 14, 15, 16, 17} & set(batch.labels_N.tolist()), "no prompt token is a label"
    for row, (prompt, _) in enumerate(chosen):
        first = next(position for which, position, _ in expected if which == row)
        assert batch.ids_BT[row, first] == prompt[-1], "the first target is predicted from the prompt's last token"
    assert batch.tokens == sum(len(prompt) + len(target) for prompt, target in rows)
    assert batch.ids_BT.shape == (4, 6)


def test_targets_of_a_realistic_split(realistic: Store) -> None:
    predicted = 0
    for indices in RowBatches(realistic, BUDGET, seed=0).epoch(0):
        batch = collate(realistic, indices)
        rows = [realistic.row(int(index)) for index in indices]
        assert batch.labels_N.tolist() == [label for _, target in rows for label in target]
        assert batch.ids_BT.dtype == batch.labels_N.dtype == torch.int64
        predictions(batch, rows)
        predicted += batch.labels_N.numel()
    assert predicted == realistic.tokens - realistic.prompt_tokens


def test_rows_without_a_prompt_or_a_target(store_of: Write) -> None:
    """Without a prompt the first token has nothing before it; without a target nothing is predicted."""
    store = store_of([([], [1, 2, 3]), ([4, 5], []), ([], [6])])
    assert len(RowBatches(store, 2, seed=0).epoch(0)) == 3
    batch = collate(store, np.array([0, 1, 2]))
    assert batch.positions_N.tolist() == [0, 1]
    assert batch.labels_N.tolist() == [2, 3]
    alone = collate(store, np.array([2]))
    assert alone.ids_BT.shape == (1, 2)
    assert alone.labels_N.numel() == 0


@pytest.mark.parametrize(("length", "width"), [(2, 2), (3, 2), (4, 4), (5, 4), (6, 6)])
def test_widths_are_even(store_of: Write, length: int, width: int) -> None:
    store = store_of([([1], [2] * (length - 1))])
    assert collate(store, np.array([0])).ids_BT.shape == (1, width)


def test_a_batch_moves_as_a_whole(store_of: Write) -> None:
    batch = collate(store_of([([1], [2])]), np.array([0]))
    moved = batch.inputs(torch.device("meta"))
    assert [part.shape for part in moved] == [batch.ids_BT.shape, batch.positions_N.shape, batch.labels_N.shape]
    assert {part.device.type for part in moved} == {"meta"}


def test_targets_are_counted_as_they_are_collated(store_of: Callable[..., Store]) -> None:
    rows = [([1, 2, 3], [4]), ([1], [2, 3, 4, 5]), ([1, 2], []), ([7, 8, 9], [1, 2])]
    batches = RowBatches(store_of(rows), 100, seed=0)
    for chosen in ([0], [1], [2], [3], [3, 0, 1], [0, 1, 2, 3]):
        index = np.array(chosen)
        assert batches.lengths(index).tolist() == [sum(map(len, rows[row])) for row in chosen]
        assert batches.tokens(index) == batches.collate(index).tokens
        assert batches.targets(index) == batches.collate(index).labels_N.numel()
