"""Batches of labelled examples: every text a row, every answer where it belongs."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from gpt2kit.data.examples import ExampleBatching
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError
from gpt2kit.model.gpt2 import GPT2

Write = Callable[..., Store]
BuildModel = Callable[..., GPT2]
EXTRACT = 9

ROWS = [
    ([1, 2, 3, EXTRACT], [0]),
    ([1, 4, EXTRACT, 1, 5, 6, EXTRACT], [1]),
    ([1, 7, 8, 7, 8, EXTRACT], [EXTRACT]),
    ([1, EXTRACT, 1, EXTRACT, 1, 3, EXTRACT], [2]),
]


def texts_of(prompt: list[int]) -> list[list[int]]:
    found: list[list[int]] = [[]]
    for id in prompt:
        found[-1].append(id)
        if id == EXTRACT:
            found.append([])
    return found[:-1]


@pytest.mark.parametrize("batch_tokens", [1, 20, 1000])
def test_every_text_is_a_row(store_of: Write, batch_tokens: int) -> None:
    batches = ExampleBatching(EXTRACT).training(store_of(ROWS), batch_tokens, seed=0)
    seen = []
    for rows in batches.epoch(0):
        batch = batches.collate(rows)
        assert batch.targets == batches.targets(rows) == len(rows)
        flat = batch.ids_BT.flatten()
        assert torch.equal(flat[batch.ends_B], torch.full_like(batch.ends_B, EXTRACT))
        assert torch.equal(flat[batch.positions_N + 1], batch.labels_N)
        for example, row in enumerate(rows):
            mine = batch.examples_B == example
            wanted = texts_of(ROWS[row][0])
            assert batch.slots_B[mine].tolist() == list(range(len(wanted)))
            for text, ids, end in zip(wanted, batch.ids_BT[mine], batch.ends_B[mine], strict=True):
                assert ids[: len(text)].tolist() == text
                assert int(end) % batch.ids_BT.shape[1] == len(text) - 1
            assert batch.answers_E[example] == ROWS[row][1][0]
        owner = batch.examples_B[batch.positions_N // batch.ids_BT.shape[1]]
        sums = torch.zeros(len(rows)).index_add(0, owner, batch.weights_N)
        assert sums == pytest.approx(torch.ones(len(rows))), "the mean over an example's tokens"
        seen += rows.tolist()
    assert sorted(seen) == list(range(len(ROWS)))


def test_lengths_are_those_of_the_longest_text(store_of: Write) -> None:
    batches = ExampleBatching(EXTRACT).validation(store_of(ROWS), 100)
    assert batches.measured().tolist() == [5, 5, 7, 4], "one more than there are inputs"
    assert batches.lengths(np.array([1, 3])).tolist() == [4, 5, 3, 3, 4]
    assert batches.tokens(np.array([1, 3])) == 3 + 4 + 2 + 2 + 3


def test_a_row_without_a_text(store_of: Write) -> None:
    with pytest.raises(DataError, match="row 2 of train has no text"):
        ExampleBatching(EXTRACT).training(store_of([ROWS[0], ([1, 2], [0])]), 100, 0)
    with pytest.raises(DataError, match="has no rows"):
        ExampleBatching(EXTRACT).training(store_of([]), 100, 0)
