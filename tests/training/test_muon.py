"""Muon: singular values by torch's own decomposition, and steps by the recurrence that they follow."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from gpt2kit.training import muon
from gpt2kit.training.muon import Muon, orthogonal


@pytest.fixture(autouse=True)
def in_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever this CPU computes natively, so that tolerances can be narrow."""
    monkeypatch.setattr(muon, "native_bf16", lambda device: False)


def with_singular_values(values: Tensor, columns: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    """A matrix of unit Frobenius norm, as many rows as values, and the orthogonal one with its singular vectors."""
    torch.manual_seed(seed)
    left, _ = torch.linalg.qr(torch.randn(len(values), len(values)))
    right, _ = torch.linalg.qr(torch.randn(columns, len(values)))
    return (left * (values / values.norm())) @ right.T, left @ right.T


@pytest.mark.parametrize("native", [True, False])
@pytest.mark.parametrize("shape", [(16, 16), (16, 64), (64, 16)])
def test_singular_values_come_near_1_and_vectors_stay(
    shape: tuple[int, int], native: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(muon, "native_bf16", lambda device: native)
    rows, columns = sorted(shape)
    matrix, wanted = with_singular_values(torch.logspace(-1.2, 0, rows), columns)
    if shape[0] > shape[1]:
        matrix, wanted = matrix.T, wanted.T
    found = orthogonal(3e-4 * matrix[None])[0]
    assert found.dtype == torch.float32
    values = torch.linalg.svdvals(found)
    rounding = 0.03 if native else 0.0
    assert 0.88 - rounding < float(values.min()) < float(values.max()) < 1.12 + rounding
    torch.testing.assert_close(found, wanted, atol=0.05 + rounding, rtol=0)


def test_small_singular_values_grow_but_not_past_1() -> None:
    matrix, _ = with_singular_values(torch.tensor([1.0, 1.0, 2e-3, 2e-4, 2e-5]), 8)
    values = torch.linalg.svdvals(orthogonal(matrix[None])[0])
    assert 0.88 < values[2] < 1.12
    assert values[3] == pytest.approx(0.147, rel=0.05)
    assert values[4] == pytest.approx(0.0147, rel=0.05)


def test_matrices_computed_together_do_not_mix() -> None:
    torch.manual_seed(1)
    matrices = torch.randn(3, 8, 24) * torch.tensor([1e-6, 1.0, 1e3])[:, None, None]
    alone = torch.cat([orthogonal(each[None]) for each in matrices])
    torch.testing.assert_close(orthogonal(matrices), alone, atol=1e-4, rtol=0)
    assert orthogonal(torch.zeros(1, 3, 4)).abs().max() == 0, "a block that adds nothing yet has such gradients"


def test_bf16_only_where_the_hardware_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a CPU without it such products take ten to a hundred times as long (torch 2.13)."""
    torch.manual_seed(2)
    matrix, seen = torch.randn(1, 8, 8), list[torch.dtype]()
    multiply = torch.Tensor.baddbmm

    def spied(self: Tensor, first: Tensor, second: Tensor, **factors: float) -> Tensor:
        seen.append(self.dtype)
        return multiply(self, first, second, beta=factors["beta"], alpha=factors.get("alpha", 1))

    monkeypatch.setattr(torch.Tensor, "baddbmm", spied)
    for native, dtype in ((True, torch.bfloat16), (False, torch.float32)):
        monkeypatch.setattr(muon, "native_bf16", lambda device, native=native: native)
        seen.clear()
        assert orthogonal(matrix).dtype == torch.float32
        assert set(seen) == {dtype}


def weights(*shapes: tuple[int, int]) -> list[nn.Parameter]:
    torch.manual_seed(3)
    return [nn.Parameter(torch.randn(shape)) for shape in shapes]


def test_steps_are_the_recurrence() -> None:
    """Of two groups and three shapes, one weight without a gradient."""
    learned = weights((6, 6), (4, 12), (12, 4), (6, 6))
    unused = nn.Parameter(torch.ones(2, 2))
    groups: list[dict[str, Any]] = [{"params": learned[:2]}, {"params": [*learned[2:], unused], "lr": 0.5}]
    optimizer = Muon(groups, lr=0.1, weight_decay=0.2)
    expected = [weight.detach().clone() for weight in learned]
    averages = [torch.zeros_like(weight) for weight in expected]
    for step in range(3):
        for number, weight in enumerate(learned):
            torch.manual_seed(10 * step + number)
            weight.grad = torch.randn_like(weight)
            averages[number] = 0.95 * averages[number] + 0.05 * weight.grad
            direction = orthogonal((0.05 * weight.grad + 0.95 * averages[number])[None])[0]
            rate = 0.1 if number < 2 else 0.5
            size = 0.2 * max(weight.shape) ** 0.5
            expected[number] = expected[number] * (1 - rate * 0.2) - rate * size * direction
        optimizer.step()
    for weight, wanted in zip(learned, expected, strict=True):
        torch.testing.assert_close(weight.detach(), wanted, atol=1e-4, rtol=0)
    assert torch.equal(unused.detach(), torch.ones(2, 2))


def test_an_update_has_the_size_of_adamws() -> None:
    (weight,) = weights((32, 128))
    before = weight.detach().clone()
    weight.grad = torch.randn_like(weight)
    Muon([{"params": [weight]}], lr=1.0, weight_decay=0.0).step()
    assert float((weight.detach() - before).square().mean().sqrt()) == pytest.approx(0.2, rel=0.1)


def test_the_parts_of_a_weight_are_matrices_of_their_own() -> None:
    joined, *single = weights((24, 8), (8, 8), (8, 8), (8, 8))
    with torch.no_grad():
        joined.copy_(torch.cat([each.detach() for each in single]))
    parts = [torch.randn(8, 8) * size for size in (1e-3, 1.0, 10.0)]
    joined.grad = torch.cat(parts)
    for weight, part in zip(single, parts, strict=True):
        weight.grad = part
    Muon([{"params": [joined], "parts": 3}], lr=0.1, weight_decay=0.1).step()
    Muon([{"params": single}], lr=0.1, weight_decay=0.1).step()
    torch.testing.assert_close(joined.detach(), torch.cat([each.detach() for each in single]), atol=1e-4, rtol=0)
