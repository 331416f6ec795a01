"""Temperature, top-k, top-p and the draw, on distributions small enough to check by hand."""

import math

import pytest
import torch
from torch import Tensor
from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

from gpt2kit.config import GenerateConfig
from gpt2kit.decoding import sampling

NO_IDS = torch.zeros(4, 1, dtype=torch.long)


def logits_of(probabilities: list[float]) -> Tensor:
    return torch.tensor([probabilities]).log()


def kept(logits: Tensor) -> list[int]:
    return logits[0].isfinite().nonzero().flatten().tolist()


@pytest.mark.parametrize("k", [1, 2, 7, 29, 30])
def test_top_k_is_hugging_faces_without_ties(k: int) -> None:
    logits = torch.randn(4, 30)
    assert torch.equal(sampling.top_k(logits, k), TopKLogitsWarper(k)(NO_IDS, logits))


@pytest.mark.parametrize("k", [0, 30, 31, 1000])
def test_top_k_that_keeps_everything(k: int) -> None:
    logits = torch.randn(4, 30)
    assert torch.equal(sampling.top_k(logits, k), logits)


def test_top_k_keeps_what_ties_with_the_last() -> None:
    assert kept(sampling.top_k(torch.tensor([[1.0, 3.0, 2.0, 2.0, 0.0]]), 2)) == [1, 2, 3]


@pytest.mark.parametrize("p", [0.0, 0.05, 0.3, 0.5, 0.9, 0.99])
def test_top_p_is_hugging_faces(p: float) -> None:
    logits = 2 * torch.randn(4, 30)
    assert torch.equal(sampling.top_p(logits, p), TopPLogitsWarper(p)(NO_IDS, logits))


@pytest.mark.parametrize(
    ("p", "expected"), [(0.0, [1]), (0.4, [1]), (0.6, [1, 2]), (0.74, [1, 2]), (0.8, [0, 1, 2]), (1.0, [0, 1, 2, 3])]
)
def test_top_p_keeps_the_token_that_crosses(p: float, expected: list[int]) -> None:
    assert kept(sampling.top_p(logits_of([0.2, 0.5, 0.25, 0.05]), p)) == expected


def test_rows_are_cut_independently() -> None:
    logits = torch.cat([logits_of([0.7, 0.1, 0.2]), logits_of([0.1, 0.45, 0.45])])
    cut = sampling.top_p(logits, 0.6)
    assert cut.isfinite().tolist() == [[True, False, False], [False, True, True]]


@pytest.mark.parametrize(
    "config",
    [
        GenerateConfig(temperature=0.7),
        GenerateConfig(temperature=1.3, top_k=5),
        GenerateConfig(temperature=0.5, top_p=0.8),
        GenerateConfig(temperature=2.0, top_k=10, top_p=0.7),
    ],
)
def test_the_order_is_temperature_then_top_k_then_top_p(config: GenerateConfig) -> None:
    logits = 2 * torch.randn(4, 30)
    expected = TemperatureLogitsWarper(config.temperature)(NO_IDS, logits)
    if config.top_k:
        expected = TopKLogitsWarper(config.top_k)(NO_IDS, expected)
    if config.top_p < 1:
        expected = TopPLogitsWarper(config.top_p)(NO_IDS, expected)
    torch.testing.assert_close(sampling.probabilities(logits, config), expected.softmax(-1))


def test_the_order_matters() -> None:
    """After top-k, 0.5 of 0.5 + 0.25 is two thirds, which alone reaches p = 0.6; before it 0.5 would not."""
    logits = logits_of([0.5, 0.25, 0.15, 0.1])
    found = sampling.probabilities(logits, GenerateConfig(temperature=1.0, top_k=2, top_p=0.6))
    assert found.tolist() == [[1, 0, 0, 0]]
    hotter = sampling.probabilities(logits, GenerateConfig(temperature=3.0, top_k=2, top_p=0.6))
    assert (hotter > 0).tolist() == [[True, True, False, False]]


def test_half_precision_logits_are_raised_first() -> None:
    found = sampling.probabilities(torch.randn(2, 9).bfloat16(), GenerateConfig(temperature=0.3))
    assert found.dtype == torch.float32
    torch.testing.assert_close(found.sum(-1), torch.ones(2))


def test_a_nearly_cold_temperature_is_greedy() -> None:
    logits = torch.randn(4, 30)
    found = sampling.probabilities(logits, GenerateConfig(temperature=1e-4))
    assert torch.equal(sampling.draw(found, torch.full((4,), 0.999)), logits.argmax(-1))


@pytest.mark.parametrize("probabilities", [[0.2, 0.5, 0.25, 0.05], [0.0, 0.6, 0.0, 0.4], [0.001, 0.0, 0.999, 0.0]])
def test_the_draw_follows_the_distribution(probabilities: list[float]) -> None:
    """With evenly spaced uniform numbers each token comes up its share of times, to within one."""
    count = 10_000
    uniform = (torch.arange(count) + 0.5) / count
    drawn = sampling.draw(torch.tensor(probabilities).expand(count, -1), uniform)
    for found, expected in zip(drawn.bincount(minlength=4).tolist(), probabilities, strict=True):
        assert abs(found - expected * count) <= 1
        assert expected > 0 or found == 0


def test_random_draws_follow_the_distribution() -> None:
    count, probabilities = 20_000, torch.tensor([0.1, 0.2, 0.3, 0.4])
    drawn = sampling.draw(probabilities.expand(count, -1), torch.rand(count)).bincount(minlength=4)
    chi_square = ((drawn - count * probabilities) ** 2 / (count * probabilities)).sum().item()
    assert chi_square < 16.3, "three degrees of freedom: one in a thousand lies above"


LAST = math.nextafter(1.0, 0.0)


@pytest.mark.parametrize(
    ("uniform", "token"), [(0.0, 1), (0.24, 1), (0.26, 3), (0.74, 3), (0.76, 4), (1 - 2**-24, 4), (LAST, 4)]
)
def test_the_edges_of_the_draw(uniform: float, token: int) -> None:
    """Neither end ever gives a token of probability 0."""
    probabilities = torch.tensor([[0.0, 0.25, 0.0, 0.5, 0.25, 0.0]])
    assert sampling.draw(probabilities, torch.tensor([uniform], dtype=torch.float64)).tolist() == [token]


@pytest.mark.parametrize("uniform", [0.0, 1e-12, 0.5, 1 - 2**-24])
def test_no_token_of_probability_0_is_drawn(uniform: float) -> None:
    probabilities = sampling.probabilities(
        3 * torch.randn(200, 50), GenerateConfig(temperature=0.8, top_k=6, top_p=0.9)
    )
    drawn = sampling.draw(probabilities, torch.full((200,), uniform))
    assert (probabilities.gather(1, drawn[:, None]) > 0).all()


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    probabilities, uniform = torch.randn(6, 40).softmax(-1), torch.rand(6)
    together = sampling.draw(probabilities, uniform)
    alone = [sampling.draw(probabilities[row : row + 1], uniform[row : row + 1]).item() for row in range(6)]
    assert together.tolist() == alone


def test_groups_share_among_themselves() -> None:
    """Row 0: of group 1 (0.4) one id remains; group 2 (0.3) has none left, so what it had is shared by all.

    Row 1 has no groups.
    """
    probabilities = torch.tensor([[0.1, 0.3, 0.2, 0.1, 0.2, 0.1]] * 2)
    groups = torch.tensor([[1, 1, 2, 2, 0, 0], [0] * 6])
    bias = torch.tensor([[0.0, -math.inf, -math.inf, -math.inf, 0.0, 0.0]] * 2)
    found = (sampling.within_groups(probabilities.log(), bias, groups) + bias).softmax(-1)
    expected = torch.tensor([[0.4, 0, 0, 0, 0.2, 0.1], [0.1, 0, 0, 0, 0.2, 0.1]])
    torch.testing.assert_close(found, expected / expected.sum(-1, keepdim=True))


def test_groups_of_hopeless_ids_stay_finite() -> None:
    logits, group = torch.tensor([[0.0, -300.0, 1.0]]), torch.tensor([[1, 1, 0]])
    found = sampling.within_groups(logits, torch.tensor([[-math.inf, 0.0, 0.0]]), group)
    assert found.isfinite().all()
