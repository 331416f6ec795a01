"""Memory-compressed attention is what its definition says, pair by pair; and how its training begins."""

import math

import pytest
import torch
from torch import Tensor

from gpt2kit.config import ModelConfig
from gpt2kit.model.compressed import CompressedAttention, shortened
from gpt2kit.model.gpt2 import GPT2


def layer_of(compression: int) -> CompressedAttention:
    layer = CompressedAttention(ModelConfig(n_head=3, n_embd=12, compression=compression))
    with torch.no_grad():
        for parameter in layer.parameters():
            parameter.normal_()
    return layer


def by_definition(layer: CompressedAttention, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Position by position: the learned key, and every group whose last position is not behind it."""
    out = torch.zeros_like(value)
    rows, heads, positions, width = query.shape
    size = layer.compression

    def slot(x: Tensor, weight: Tensor, row: int, head: int, group: int) -> Tensor:
        return sum((x[row, head, size * group + m] @ weight[head, m] for m in range(size)), torch.zeros(width))

    for row in range(rows):
        for head in range(heads):
            own = slice(head * width, (head + 1) * width)
            for i in range(positions):
                groups = [group for group in range(positions) if size * group + size - 1 <= i]
                keys = [layer.null_k[own], *(slot(key, layer.compress_k, row, head, group) for group in groups)]
                values = [layer.null_v[own], *(slot(value, layer.compress_v, row, head, group) for group in groups)]
                shares = (torch.stack(keys) @ query[row, head, i] / math.sqrt(width)).softmax(0)
                out[row, head, i] = shares @ torch.stack(values)
    return out


@pytest.mark.parametrize("short", [512, 0])
@pytest.mark.parametrize("compression", [1, 2, 3, 5])
@pytest.mark.parametrize("positions", [1, 2, 3, 4, 5, 6, 7, 11, 12, 13])
@torch.no_grad()
def test_it_is_its_definition(positions: int, compression: int, short: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gpt2kit.model.attention.SHORT", short)
    layer = layer_of(compression)
    query, key, value = (torch.randn(2, 3, positions, 4) for _ in range(3))
    expected = by_definition(layer, query, key, value)
    torch.testing.assert_close(layer.attend(query, key, value), expected, atol=2e-5, rtol=1e-5)


def test_gradients_are_those_of_the_definition() -> None:
    layer = layer_of(3)
    inputs = [torch.randn(1, 3, 8, 4, requires_grad=True) for _ in range(3)]
    weights = torch.randn(1, 3, 8, 4)
    own = [layer.compress_k, layer.compress_v, layer.null_k, layer.null_v]
    wanted = torch.autograd.grad((by_definition(layer, *inputs) * weights).sum(), [*inputs, *own])
    found = torch.autograd.grad((layer.attend(*inputs) * weights).sum(), [*inputs, *own])
    for got, want in zip(found, wanted, strict=True):
        torch.testing.assert_close(got, want, atol=1e-4, rtol=1e-4)


def test_the_first_queries_have_the_learned_value_alone() -> None:
    layer = layer_of(3)
    query, key, value = (torch.randn(2, 3, 5, 4) for _ in range(3))
    found = layer.attend(query, key, value)
    torch.testing.assert_close(found[:, :, :2], layer.null_v.view(3, 1, 4).expand(2, 3, 2, 4))
    assert (found[:, :, 2] - found[:, :, 0]).abs().max() > 1e-3


def test_shortening_is_a_strided_convolution() -> None:
    x, weight = torch.randn(2, 3, 14, 4), torch.randn(3, 4, 4, 4)
    kernel = weight.permute(0, 3, 2, 1).reshape(12, 4, 4)  # heads and out, in, place: torch's convolution in groups
    expected = torch.nn.functional.conv1d(x.transpose(2, 3).flatten(1, 2), kernel, stride=4, groups=3)
    torch.testing.assert_close(
        shortened(x, weight), expected.unflatten(1, (3, 4)).transpose(2, 3), atol=1e-5, rtol=1e-5
    )


def test_training_begins_near_the_mean_of_each_group() -> None:
    model = GPT2(ModelConfig(n_layer=1, n_head=2, n_embd=128, attention="compressed"), 10)
    layer = model.transformer.blocks()[0].attn
    assert isinstance(layer, CompressedAttention)
    x = torch.randn(4, 2, 300, 64)
    means = x.unflatten(2, (-1, 3)).mean(3)
    for weight in (layer.compress_k, layer.compress_v):
        torch.testing.assert_close(weight.std(), torch.tensor(1 / 3 / 8 + 0.005), atol=0.01, rtol=0)
        away = shortened(x, weight) - means
        assert 0.1 < away.std() / means.std() < 0.7, "noise, but less than the mean"
    assert not layer.null_k.any()
    assert not layer.null_v.any()
