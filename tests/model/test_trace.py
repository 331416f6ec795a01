"""A pass laid open: its parts are those of the model, and add up to what it computes."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import GPT2LMHeadModel

from gpt2kit.model import hf
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.trace import embedded, layers, lens, written_by_heads

Build = Callable[..., GPT2]
KINDS = pytest.mark.parametrize(
    "attention", ["full", "relative", "local", "relative-local", "compressed", "local,compressed"]
)
IDS = torch.randint(23, (30,), generator=torch.Generator().manual_seed(3)).tolist()


def built(tiny_model: Build, attention: str) -> GPT2:
    return tiny_model(attention=attention, block=5)


@KINDS
@torch.no_grad()
def test_what_each_part_writes_adds_up_to_the_residual_stream(tiny_model: Build, attention: str) -> None:
    model = built(tiny_model, attention)
    before = torch.stack(embedded(model, IDS)).sum(0)
    for layer, block in zip(layers(model, IDS), model.transformer.blocks(), strict=True):
        assert torch.equal(layer.before, before)
        torch.testing.assert_close(layer.after, block(before[None])[0])
        before = layer.after
    torch.testing.assert_close(model.transformer.ln_f(before), model.hidden(torch.tensor([IDS]))[0])


@KINDS
@torch.no_grad()
def test_the_lens_of_the_last_layer_is_the_model_s_answer(tiny_model: Build, attention: str) -> None:
    model = built(tiny_model, attention)
    *_, last = layers(model, IDS)
    torch.testing.assert_close(lens(model, last.after), model(torch.tensor([IDS]))[0])


@KINDS
@torch.no_grad()
def test_heads_add_up_to_what_attention_writes(tiny_model: Build, attention: str) -> None:
    model = built(tiny_model, attention)
    for layer, block in zip(layers(model, IDS), model.transformer.blocks(), strict=True):
        assert layer.heads.shape == (2, 30, 16)
        torch.testing.assert_close(layer.heads.sum(0) + block.attn.c_proj.bias, layer.attention, atol=1e-5, rtol=1e-4)


@KINDS
def test_every_row_is_shared_out_among_what_is_not_hidden(tiny_model: Build, attention: str) -> None:
    for layer in layers(built(tiny_model, attention), IDS):
        weights, hidden = layer.trace.weights, layer.trace.hidden
        assert hidden.shape == weights.shape[1:]
        torch.testing.assert_close(weights.sum(-1), torch.ones(2, 30))
        assert not weights[:, hidden].any()
        assert (weights[:, ~hidden] > 0).all()
        assert torch.isfinite(layer.trace.scores[:, ~hidden]).all()
        if layer.kind != "compressed":
            assert hidden[torch.ones_like(hidden).triu(1)].all()


def test_scores_are_products_of_queries_and_keys_and_distances_add_to_them(tiny_model: Build) -> None:
    plain = next(layers(built(tiny_model, "full"), IDS)).trace
    torch.testing.assert_close(plain.scores, plain.query @ plain.key.transpose(1, 2) / 8**0.5)
    model = built(tiny_model, "relative")
    trace, table = next(layers(model, IDS)).trace, model.transformer.blocks()[0].attn.get_parameter("distance")
    head, query, key = 1, 20, 13
    own = trace.query[head, query] @ (trace.key[head, key] + table[head, query - key]) / 8**0.5
    torch.testing.assert_close(trace.scores[head, query, key], own)
    assert trace.scores[head, key, query].isnan()  # there is no distance for what comes later


def test_attention_and_residual_stream_are_hugging_face_s(tiny_model: Build, tmp_path: Path) -> None:
    model = tiny_model(n_layer=3)
    hf.save(tmp_path, model, 0)
    theirs = GPT2LMHeadModel.from_pretrained(tmp_path, attn_implementation="eager").eval()
    with torch.no_grad():
        expected = theirs(torch.tensor([IDS]), output_attentions=True, output_hidden_states=True)
    for number, layer in enumerate(layers(model, IDS)):
        torch.testing.assert_close(layer.trace.weights, expected.attentions[number][0], atol=1e-6, rtol=1e-4)
        torch.testing.assert_close(layer.before, expected.hidden_states[number][0], atol=1e-5, rtol=1e-4)


def test_the_slots_of_compressed_attention_are_what_the_layer_sees(tiny_model: Build) -> None:
    """Slot 0 is always there; the group of three that ends at or before a position is seen by it."""
    trace = next(layers(built(tiny_model, "compressed"), IDS)).trace
    for position in range(30):
        assert (~trace.hidden[position]).sum() == 1 + (position + 1) // 3


def test_adapters_are_laid_open_like_weights(tiny_model: Build) -> None:
    """Also before they are merged."""
    from gpt2kit.model import lora

    model = tiny_model()
    lora.adapt(model, 2, 4.0, ("c_attn", "attn.c_proj"), 0)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if name.endswith("lora_B"):
                parameter.normal_()
    block, layer = model.transformer.blocks()[0], next(layers(model, IDS))
    heads = written_by_heads(block.attn, layer.trace).sum(0) + block.attn.c_proj.bias
    torch.testing.assert_close(heads, layer.attention, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("count", [0, 49])
def test_too_few_and_too_many(tiny_model: Build, count: int) -> None:
    with pytest.raises(ValueError, match=f"{count} tokens; expected 1 to 48"):
        embedded(tiny_model(), [1] * count)
