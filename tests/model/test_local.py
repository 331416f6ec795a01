"""Local attention is full attention inside of blocks, and costs no more than that."""

import math

import pytest
import torch
from torch import Tensor

from gpt2kit.model.attention import causal_attention
from gpt2kit.model.local import local_attention


def by_definition(query: Tensor, key: Tensor, value: Tensor, block: int) -> Tensor:
    """Position by position: it and those before it in its block."""
    out = torch.zeros_like(value)
    rows, heads, positions, width = query.shape
    for row in range(rows):
        for head in range(heads):
            for i in range(positions):
                seen = range(i - i % block, i + 1)
                scores = torch.stack([query[row, head, i] @ key[row, head, j] for j in seen]) / math.sqrt(width)
                shares = scores.softmax(0)
                out[row, head, i] = sum(
                    (shares[n] * value[row, head, j] for n, j in enumerate(seen)), torch.zeros(width)
                )
    return out


@pytest.mark.parametrize("positions", [1, 2, 7, 8, 9, 15, 16, 17, 24, 25])
def test_it_is_its_definition(positions: int) -> None:
    query, key, value = (torch.randn(2, 3, positions, 4) for _ in range(3))
    expected = by_definition(query, key, value, 8)
    torch.testing.assert_close(local_attention(query, key, value, 8), expected, atol=1e-5, rtol=1e-5)


def test_one_block_is_full_attention() -> None:
    query, key, value = (torch.randn(2, 3, 20, 4) for _ in range(3))
    for block in (20, 21, 256):
        assert torch.equal(local_attention(query, key, value, block), causal_attention(query, key, value))


def test_gradients_stay_in_the_block() -> None:
    query, key, value = (torch.randn(1, 2, 21, 4, requires_grad=True) for _ in range(3))
    found = torch.autograd.grad(local_attention(query, key, value, 8)[:, :, 12].sum(), (query, key, value))
    for gradient, seen in zip(found, (range(12, 13), range(8, 13), range(8, 13)), strict=True):
        assert gradient.isfinite().all()
        assert gradient.abs().amax((0, 1, 3)).nonzero().flatten().tolist() == list(seen)


def test_what_is_looked_at_grows_with_the_length_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """No kernel ever sees more than a block."""
    shapes = []

    fused = torch.nn.functional.scaled_dot_product_attention

    def spy(query: Tensor, key: Tensor, value: Tensor, is_causal: bool) -> Tensor:
        shapes.append(tuple(query.shape))
        return fused(query, key, value, is_causal=is_causal)

    monkeypatch.setattr("gpt2kit.model.local.F.scaled_dot_product_attention", spy)
    query, key, value = (torch.randn(2, 3, 100, 4) for _ in range(3))
    local_attention(query, key, value, 8)
    assert shapes == [(2 * 13, 3, 8, 4)]
