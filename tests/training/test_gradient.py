"""How a batch is divided into the micro-batches of each process."""

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
def test_every_row_is_in_one_shard_and_all_shards_have_the_same_number_of_parts(
    count: int, accumulate: int, size: int
) -> None:
    rows = np.arange(100, 100 + count)
    shards = [shard(rows, accumulate, ProcessGroup(CPU, rank, size)) for rank in range(size)]
    assert len({len(each) for each in shards}) == 1, "they wait for one another"
    assert 1 <= len(shards[0]) <= accumulate
    real = [part for each in shards for part in each if part.weight]
    assert sorted(row for part in real for row in part.rows) == rows.tolist()
    assert {part.weight for part in real} == {1.0}
    sizes = [len(part.rows) for part in real]
    assert max(sizes) - min(sizes) <= 1
    assert len(shards[0][0].rows) == max(sizes), "the first is the one that is tried"
    replacements = [part for each in shards for part in each if not part.weight]
    assert all(part.rows.tolist() == [100] for part in replacements)
    assert size > 1 or not replacements
