"""The largest entries of rows, against torch.topk."""

import pytest
import torch

from gpt2kit.decoding.largest import GROUP, largest


@pytest.mark.parametrize("k", [1, 2, 8])
@pytest.mark.parametrize("length", [8, 15 * GROUP, 16 * GROUP, 50 * GROUP, 50 * GROUP + 1, 51 * GROUP - 1])
@pytest.mark.parametrize("rows", [(3,), (2, 4)])
def test_the_entries_of_topk(rows: tuple[int, ...], length: int, k: int) -> None:
    x = torch.randn(*rows, length, generator=torch.Generator().manual_seed(length))
    x[..., -1] = x.max() + 1  # beyond the last whole group, where there is one
    x[..., 3:6] = x.max() + 1 + torch.arange(3.0)  # several in one group
    values, places = largest(x, k)
    expected = x.topk(k)
    assert torch.equal(values, expected.values)
    assert torch.equal(places, expected.indices)


def test_equal_entries_are_different_places() -> None:
    values, places = largest(torch.zeros(2, 40 * GROUP + 3), 8)
    assert torch.equal(values, torch.zeros(2, 8))
    assert all(len(set(row)) == 8 for row in places.tolist())
