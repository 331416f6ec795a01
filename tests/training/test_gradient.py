"""How a batch is dealt to processes and micro-batches, and what is counted without asking the others."""

import itertools

import numpy as np
import pytest
import torch

from gpt2kit.training.distributed import ProcessGroup
from gpt2kit.training.gradient import shard

CPU = torch.device("cpu")


@pytest.mark.parametrize(
    ("count", "accumulate", "size"), list(itertools.product([1, 2, 3, 7, 8, 30], [1, 2, 5], [1, 2, 3]))
)
def test_every_row_is_dealt_once_and_every_process_gets_as_many_parts(count: int, accumulate: int, size: int) -> None:
    rows = np.arange(100, 100 + count)
    hands = [shard(rows, accumulate, ProcessGroup(CPU, rank, size)) for rank in range(size)]
    assert len({len(hand) for hand in hands}) == 1, "they wait for one another"
    assert 1 <= len(hands[0]) <= accumulate
    real = [part for hand in hands for part in hand if part.weight]
    assert sorted(row for part in real for row in part.rows) == rows.tolist()
    assert {part.weight for part in real} == {1.0}
    sizes = [len(part.rows) for part in real]
    assert max(sizes) - min(sizes) <= 1
    assert len(hands[0][0].rows) == max(sizes), "the first is the one that is tried"
    stand_ins = [part for hand in hands for part in hand if not part.weight]
    assert all(part.rows.tolist() == [100] for part in stand_ins)
    assert size > 1 or not stand_ins
