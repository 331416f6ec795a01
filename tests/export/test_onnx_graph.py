"""The modules that become ONNX graphs compute what the model computes, padded and in parts."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from gpt2kit.export.onnx_graph import CachedGraph, KeyValue, WholeGraph, has_cache
from gpt2kit.model.attention_kinds import KINDS
from gpt2kit.model.gpt2 import GPT2

TinyModel = Callable[..., GPT2]

SHAPES: dict[str, dict[str, Any]] = {kind: {"attention": kind} for kind in KINDS} | {
    "a mixture": {"attention": "relative,relative-local"},
    "another GPT-2": {"scale_attn_by_inverse_layer_idx": True, "scale_attn_weights": False, "n_inner": 24},
    "its own head": {"tie_word_embeddings": False, "activation_function": "relu", "layer_norm_epsilon": 1e-3},
}


def texts(vocab: int) -> tuple[list[Tensor], Tensor, Tensor]:
    """Texts of several lengths, the same padded on the left, and their mask."""
    found = [torch.randint(vocab, (length,)) for length in (20, 1, 7, 13)]
    gaps = [20 - len(text) for text in found]
    ids = torch.stack([torch.cat([torch.full((gap,), 5), text]) for gap, text in zip(gaps, found, strict=True)])
    return found, ids, (torch.arange(20) >= torch.tensor(gaps)[:, None]).long()


def empty(model: GPT2, rows: int) -> list[KeyValue]:
    shape = (rows, model.config.n_head, 0, model.config.n_embd // model.config.n_head)
    return [(torch.zeros(shape), torch.zeros(shape)) for _ in range(model.config.n_layer)]


@torch.no_grad()
@pytest.mark.parametrize("name", SHAPES)
def test_whole_texts(tiny_model: TinyModel, name: str) -> None:
    model = tiny_model(block=5, **SHAPES[name])
    found, ids, mask = texts(model.vocab_size)
    logits = WholeGraph(model)(ids, mask)
    for text, row in zip(found, logits, strict=True):
        torch.testing.assert_close(row[-len(text) :], model(text[None])[0], atol=1e-5, rtol=1e-5)
    right = torch.stack([row.roll(len(text), 0) for text, row in zip(found, ids, strict=True)])
    torch.testing.assert_close(WholeGraph(model)(right, mask.flip(1))[1, :1], model(found[1][None])[0])


@torch.no_grad()
@pytest.mark.parametrize("name", [name for name in SHAPES if name != "compressed"])
def test_texts_in_parts(tiny_model: TinyModel, name: str) -> None:
    model = tiny_model(block=5, **SHAPES[name])
    assert has_cache(model)
    found, ids, mask = texts(model.vocab_size)
    positions, past, parts = (mask.cumsum(1) - 1).clamp(min=0), empty(model, len(ids)), []
    for start, end in ((0, 11), (11, 12), (12, 20)):
        logits, past = CachedGraph(model)(ids[:, start:end], mask[:, :end], positions[:, start:end], past)
        parts.append(logits)
        assert [tensor.shape[2] for layer in past for tensor in layer] == [end] * 2 * model.config.n_layer
    for text, row in zip(found, torch.cat(parts, 1), strict=True):
        torch.testing.assert_close(row[-len(text) :], model(text[None])[0], atol=1e-5, rtol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("kind", KINDS)
def test_a_classifier_reads_the_last_token(tiny_model: TinyModel, kind: str) -> None:
    model = tiny_model(block=5, attention=kind)
    model.set_classifier(("dull", "fine", "good"))
    assert model.score is not None
    assert not has_cache(model)
    found, ids, mask = texts(model.vocab_size)
    wanted = torch.cat([model.score(model.hidden(text[None])[:, -1]) for text in found])
    torch.testing.assert_close(WholeGraph(model)(ids, mask), wanted, atol=1e-5, rtol=1e-5)


def test_compressed_attention_has_no_cache(tiny_model: TinyModel) -> None:
    assert not has_cache(tiny_model(attention="full,compressed"))
