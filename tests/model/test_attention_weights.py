"""What a model looks at: the weights that it really computes with, also beyond its window."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor
from transformers import GPT2LMHeadModel

from gpt2kit.model import hf
from gpt2kit.model.attention_weights import attention_spans
from gpt2kit.model.gpt2 import GPT2

Build = Callable[..., GPT2]

KINDS = pytest.mark.parametrize("attention", ["full", "relative", "local", "local,relative", "relative-local"])
BLOCK = 5
"""Of local attention."""


def ids_of(count: int) -> list[int]:
    return torch.randint(23, (count,), generator=torch.Generator().manual_seed(count)).tolist()


def attention_rows(model: GPT2, ids: list[int]) -> Iterator[Tensor]:
    """Rows from position 0 on, [L, H, t + 1]: what is out of sight has 0."""
    for start, row in attention_spans(model, ids):
        yield torch.nn.functional.pad(row, (start, 0))


def square(rows: list[Tensor]) -> Tensor:
    """[L, H, T, T] of rows that grow by one."""
    assert [row.size(-1) for row in rows] == list(range(1, len(rows) + 1))
    return torch.stack([torch.nn.functional.pad(row, (0, len(rows) - row.size(-1))) for row in rows], 2)


@KINDS
@pytest.mark.parametrize("count", [1, 2, 16, 17, 24, 25, 41])
def test_every_position_has_shares_of_what_stands_before_it(tiny_model: Build, attention: str, count: int) -> None:
    model = tiny_model(n_positions=16, attention=attention, block=BLOCK)
    rows = list(attention_rows(model, ids_of(count)))
    assert [row.shape for row in rows] == [(2, 2, position + 1) for position in range(count)]
    for row in rows:
        assert row.dtype == torch.float32
        assert not row.requires_grad
        assert (row >= 0).all()
        torch.testing.assert_close(row.sum(-1), torch.ones(2, 2))


def test_the_weights_are_hugging_faces(tiny_model: Build, tmp_path: Path) -> None:
    model, ids = tiny_model(n_layer=3), ids_of(30)
    hf.save(tmp_path, model, 0)
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path, attn_implementation="eager").eval()
    with torch.no_grad():
        expected = torch.cat(theirs(torch.tensor([ids]), output_attentions=True).attentions)
    torch.testing.assert_close(square(list(attention_rows(model, ids))), expected, atol=1e-6, rtol=1e-4)


@KINDS
def test_the_values_weighed_by_them_are_the_layers_output(tiny_model: Build, attention: str) -> None:
    model, ids = tiny_model(attention=attention, block=BLOCK), ids_of(30)
    seen: list[tuple[Tensor, Tensor]] = []
    layers = [block.attn for block in model.transformer.blocks()]
    for layer in layers:
        layer.register_forward_hook(lambda _, given, made: seen.append((given[0], made)))
    with torch.no_grad():
        model(torch.tensor([ids]))
    called, seen[:] = list(seen), []
    found = square(list(attention_rows(model, ids)))
    for layer, weights, (x, made) in zip(layers, found, called, strict=True):
        values = layer.projected(x)[2][0]
        with torch.no_grad():
            weighed = layer.c_proj((weights @ values).transpose(0, 1).flatten(1))
        torch.testing.assert_close(weighed, made[0], atol=1e-5, rtol=1e-4)


@KINDS
@pytest.mark.parametrize("window", [1, 2, 7, 16])
def test_beyond_the_window_each_position_has_its_window(tiny_model: Build, attention: str, window: int) -> None:
    """A position sees at least the half window before it, and what a direct pass over the same ids makes of it."""
    model, ids = tiny_model(n_positions=window, attention=attention, block=BLOCK), ids_of(45)
    rows = list(attention_rows(model, ids))
    assert len(rows) == 45
    for position, row in enumerate(rows):
        step = window - window // 2
        start = 0 if position < window else ((position - window) // step + 1) * step
        assert position - start in range(min(position, window // 2), window)
        assert not row[..., :start].any()
        direct = list(attention_rows(model, ids[start : start + window]))[position - start]
        torch.testing.assert_close(row[..., start:], direct, atol=1e-6, rtol=1e-5)


def test_a_span_is_no_longer_than_the_window(tiny_model: Build) -> None:
    """However long the piece is."""
    spans = list(attention_spans(tiny_model(n_positions=16), ids_of(100)))
    assert [start + row.size(-1) for start, row in spans] == list(range(1, 101))
    assert max(row.size(-1) for _, row in spans) == 16


def test_local_attention_has_no_weight_outside_of_its_block(tiny_model: Build) -> None:
    for position, row in enumerate(attention_rows(tiny_model(attention="local", block=BLOCK), ids_of(23))):
        begin = position // BLOCK * BLOCK
        assert not row[..., :begin].any()
        assert (row[..., begin:] > 0).all()


@pytest.mark.parametrize("count", [1, 2, 3, 16, 31, 32, 33])
def test_a_groups_weight_is_spread_over_it(tiny_model: Build, count: int) -> None:
    """What is left to 1 is the weight of what stands at no position."""
    for position, row in enumerate(attention_rows(tiny_model(attention="compressed"), ids_of(count))):
        seen = (position + 1) // 3 * 3
        assert row.shape == (2, 2, position + 1)
        assert not row[..., seen:].any()
        groups = row[..., :seen].unflatten(-1, (-1, 3)) if seen else row[..., :0]
        assert (groups > 0).all()
        assert torch.equal(groups, groups[..., :1].expand_as(groups))
        assert (row.sum(-1) < 1 + 1e-5).all()


def test_nothing_to_look_at(tiny_model: Build) -> None:
    assert list(attention_rows(tiny_model(), [])) == []


def test_looking_has_no_dropout(tiny_model: Build) -> None:
    calm, wild = tiny_model(), tiny_model(dropout=0.9).train()
    for expected, found in zip(attention_rows(calm, ids_of(9)), attention_rows(wild, ids_of(9)), strict=True):
        assert torch.equal(expected, found)
