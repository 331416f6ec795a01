"""Both ways of computing causal attention on a CPU, and the cached one, are the same function."""

import pytest
import torch
from torch.nn import functional as F

from gpt2kit.config import ModelConfig
from gpt2kit.model.attention import SHORT, Attention, short_attention
from gpt2kit.model.cache import Cache


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
    layer, x = Attention(ModelConfig(n_head=4, n_embd=32)), torch.randn(2, 11, 32)
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
    Attention(ModelConfig(n_head=2, n_embd=4))(torch.randn(1, positions, 4))
    assert bool(called) == products


def test_cached_attention_equals_the_whole() -> None:
    config = ModelConfig(n_layer=1, n_head=4, n_embd=32)
    layer, x = Attention(config), torch.randn(2, 10, 32)
    cache = Cache(1, 2, 4, 10, 8, torch.device("cpu"), torch.float32)
    parts = []
    for part in x.split([6, 1, 3], 1):
        new = part.size(1)
        positions = cache.positions(new)
        mask = cache.mask(positions) if cache.longest else None
        parts.append(layer.cached(part, 0, cache, positions, mask))
        cache.advance(torch.full((2,), new), new)
    torch.testing.assert_close(torch.cat(parts, 1), layer(x), atol=1e-6, rtol=1e-5)


def test_a_query_sees_its_own_row_up_to_itself() -> None:
    cache = Cache(1, 2, 1, 6, 4, torch.device("cpu"), torch.float32)
    cache.advance(torch.tensor([4, 2]), 4)
    mask = cache.mask(cache.positions(1))
    assert mask[:, 0, 0].tolist() == [[True] * 5, [True, True, True, False, False]]
