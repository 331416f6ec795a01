"""The nearest states are those of brute force in float64, however many blocks there are."""

import pytest
import torch
from torch import Tensor

from gpt2kit.decoding import nearest
from gpt2kit.decoding.nearest import States, quantized


def brute_force(states_ND: Tensor, queries_QD: Tensor, count: int) -> tuple[Tensor, Tensor]:
    distances = (queries_QD.double()[:, None] - states_ND.double()).square().sum(-1)
    found = distances.topk(count, largest=False)
    return found.values, found.indices


@pytest.mark.parametrize(("block", "queries"), [(1 << 14, 256), (7, 3), (300, 64), (1, 1)])
def test_the_nearest_are_those_of_brute_force(monkeypatch: pytest.MonkeyPatch, block: int, queries: int) -> None:
    monkeypatch.setattr(nearest, "BLOCK", block)
    monkeypatch.setattr(nearest, "QUERIES", queries)
    states = States(*quantized(torch.randn(700, 12) * torch.rand(700, 1)))
    asked = torch.randn(65, 12)
    distances, indices = states.nearest(asked, 5)
    expected, places = brute_force(states.at(torch.arange(700)), asked, 5)
    assert torch.equal(indices, places)
    torch.testing.assert_close(distances.double(), expected, rtol=1e-5, atol=0)


def test_a_state_is_rounded_to_a_127th_of_its_largest_entry() -> None:
    states = torch.randn(50, 20) * torch.logspace(-3, 3, 50)[:, None]
    levels, scales = quantized(states)
    assert levels.dtype == torch.int8
    off = (States(levels, scales).at(torch.arange(50)) - states).abs().amax(-1)
    assert (off <= states.abs().amax(-1) / 127 / 2 * 1.0001).all()


def test_a_state_finds_itself_far_from_the_origin() -> None:
    """The difference of squares of 7,000 in fp32 would be off by 0.001."""
    states = States(*quantized(30 + torch.randn(400, 8)))
    distances, indices = states.nearest(states.at(torch.arange(400)), 1)
    assert distances.abs().max() == 0
    assert torch.equal(states.at(indices[:, 0]), states.at(torch.arange(400)))


def test_there_are_no_more_neighbors_than_states() -> None:
    distances, indices = States(*quantized(torch.eye(3))).nearest(torch.zeros(2, 3), 8)
    assert distances.shape == indices.shape == (2, 3)


def test_a_state_of_zeros_stays_zero() -> None:
    assert States(*quantized(torch.zeros(1, 4))).at(torch.tensor(0)).tolist() == [0.0] * 4
