"""Relative local attention is relative attention to a position's block and the one before."""

import pytest
import torch
from torch import Tensor

from gpt2kit.model.attention import causal_attention
from gpt2kit.model.relative_local import relative_local_attention

BLOCK = 8


def by_definition(query: Tensor, key: Tensor, value: Tensor, table: Tensor) -> Tensor:
    """Position by position: it and those before it in its block and the block before."""
    out = torch.zeros_like(value)
    for i in range(query.size(2)):
        first = max(0, i // BLOCK - 1) * BLOCK
        seen = slice(first, i + 1)
        vectors_HSK = table[:, [i - j for j in range(first, i + 1)]]
        keys_BHSK = key[:, :, seen] + vectors_HSK
        shares = (query[:, :, i, None] @ keys_BHSK.transpose(-1, -2) / query.size(-1) ** 0.5).softmax(-1)
        out[:, :, i] = (shares @ value[:, :, seen])[:, :, 0]
    return out


def inputs(positions: int, requires_grad: bool = False) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    query, key, value = (torch.randn(2, 3, positions, 4, requires_grad=requires_grad) for _ in range(3))
    return query, key, value, torch.randn(3, 2 * BLOCK, 4, requires_grad=requires_grad)


@pytest.mark.parametrize("positions", [1, 7, 8, 9, 15, 16, 17, 24, 25, 31, 32, 33, 50])
def test_it_is_its_definition(positions: int) -> None:
    given = inputs(positions)
    torch.testing.assert_close(relative_local_attention(*given, BLOCK), by_definition(*given), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("positions", [9, 17, 50])
def test_it_has_the_gradients_of_its_definition(positions: int) -> None:
    given, weights = inputs(positions, requires_grad=True), torch.randn(2, 3, positions, 4)
    wanted = torch.autograd.grad((by_definition(*given) * weights).sum(), given)
    found = torch.autograd.grad((relative_local_attention(*given, BLOCK) * weights).sum(), given)
    for got, want in zip(found, wanted, strict=True):
        torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-4)


def test_two_blocks_are_relative_attention() -> None:
    given = inputs(2 * BLOCK)
    assert torch.equal(relative_local_attention(*given, BLOCK), causal_attention(*given))


def test_gradients_stay_in_two_blocks() -> None:
    given = inputs(40, requires_grad=True)
    found = torch.autograd.grad(relative_local_attention(*given, BLOCK)[:, :, 28].sum(), given[:3])
    for gradient, seen in zip(found, (range(28, 29), range(16, 29), range(16, 29)), strict=True):
        assert gradient.isfinite().all()
        assert gradient.abs().amax((0, 1, 3)).nonzero().flatten().tolist() == list(seen)
