"""Both ways of computing causal attention on a CPU, and the cached one, are the same function."""

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from gpt2kit.config import ModelConfig
from gpt2kit.model.attention import SHORT, by_distance, cached_attention, causal_attention, short_attention
from gpt2kit.model.full import FullAttention


@pytest.mark.parametrize("positions", [1, 2, 17])
def test_short_attention_is_causal_attention(positions: int) -> None:
    inputs = [torch.randn(3, 4, positions, 8, requires_grad=True) for _ in range(3)]
    query, key, value = inputs
    expected = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    found = short_attention(query, key, value)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-5)
    weights = torch.randn_like(expected)
    wanted_grads = torch.autograd.grad((expected * weights).sum(), inputs)
    found_grads = torch.autograd.grad((found * weights).sum(), inputs)
    for got, wanted in zip(found_grads, wanted_grads, strict=True):
        torch.testing.assert_close(got, wanted, atol=1e-5, rtol=1e-4)


def test_short_attention_keeps_the_dtype_and_sums_in_fp32() -> None:
    query, key, value = (torch.randn(1, 2, 9, 8, dtype=torch.bfloat16) for _ in range(3))
    found = short_attention(query, key, value)
    assert found.dtype == torch.bfloat16
    exact = F.scaled_dot_product_attention(query.float(), key.float(), value.float(), is_causal=True)
    torch.testing.assert_close(found.float(), exact, atol=0.03, rtol=0.03)


def test_both_paths_of_the_layer_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    layer, x = FullAttention(ModelConfig(n_head=4, n_embd=32)), torch.randn(2, 11, 32)
    short = layer(x)
    monkeypatch.setattr("gpt2kit.model.attention.SHORT", 0)
    torch.testing.assert_close(layer(x), short, atol=1e-6, rtol=1e-5)


@pytest.mark.parametrize(("positions", "products"), [(SHORT, True), (SHORT + 1, False)])
def test_the_length_decides_the_path(positions: int, products: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    called = []

    def spy(*inputs: torch.Tensor) -> torch.Tensor:
        called.append(True)
        return short_attention(*inputs)

    monkeypatch.setattr("gpt2kit.model.attention.short_attention", spy)
    FullAttention(ModelConfig(n_head=2, n_embd=4))(torch.randn(1, positions, 4))
    assert bool(called) == products


def test_cached_attention_is_the_last_rows_of_the_whole() -> None:
    query, key, value = (torch.randn(2, 4, 10, 8) for _ in range(3))
    whole = F.scaled_dot_product_attention(query, key, value, is_causal=True)
    last = cached_attention(query[:, :, 9:], key, value, None)
    torch.testing.assert_close(last, whole[:, :, 9:], atol=1e-6, rtol=1e-5)
    positions = torch.arange(10)
    mask = torch.zeros(3, 10).masked_fill(positions > positions[7:, None], -torch.inf)[None, None]
    torch.testing.assert_close(
        cached_attention(query[:, :, 7:], key, value, mask), whole[:, :, 7:], atol=1e-6, rtol=1e-5
    )


def relative_by_definition(query: Tensor, key: Tensor, value: Tensor, table: Tensor) -> Tensor:
    """Written down pair by pair, in O(T^2 K) memory: the vector of each pair's distance, times its query."""
    positions = torch.arange(query.size(2))
    distances = (positions[:, None] - positions).clamp(min=0)
    vectors_HTSK = table[:, distances]
    scores = (query @ key.transpose(-1, -2) + torch.einsum("bhtk,htsk->bhts", query, vectors_HTSK)) / query.size(
        -1
    ) ** 0.5
    return scores.masked_fill(positions > positions[:, None], -torch.inf).softmax(-1) @ value


@pytest.mark.parametrize("positions", [1, 2, 9])
def test_relative_attention_is_its_definition(positions: int) -> None:
    """Skewed for all positions at once, and gathered by distance for the last ones; the table is longer than needed."""
    query, key, value = (torch.randn(2, 3, positions, 8) for _ in range(3))
    table = torch.randn(3, 12, 8)
    expected = relative_by_definition(query, key, value, table)
    torch.testing.assert_close(causal_attention(query, key, value, table), expected, atol=1e-5, rtol=1e-5)
    distances = (positions - 1 - torch.arange(positions))[None, None].expand(2, 1, -1)
    last = query[:, :, -1:]
    found = cached_attention(last, key, value, None, by_distance(last, table, distances))
    torch.testing.assert_close(found, expected[:, :, -1:], atol=1e-5, rtol=1e-5)


def test_relative_attention_has_the_gradients_of_its_definition() -> None:
    query, key, value = (torch.randn(2, 3, 7, 8, requires_grad=True) for _ in range(3))
    table, weights = torch.randn(3, 9, 8, requires_grad=True), torch.randn(2, 3, 7, 8)
    inputs = (query, key, value, table)
    wanted = torch.autograd.grad((relative_by_definition(query, key, value, table) * weights).sum(), inputs)
    found = torch.autograd.grad((causal_attention(query, key, value, table) * weights).sum(), inputs)
    for got, want in zip(found, wanted, strict=True):
        torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-4)


def test_a_table_of_zeros_is_full_attention() -> None:
    query, key, value = (torch.randn(2, 3, 7, 8) for _ in range(3))
    found = causal_attention(query, key, value, torch.zeros(3, 7, 8))
    torch.testing.assert_close(found, causal_attention(query, key, value), atol=1e-6, rtol=1e-5)
