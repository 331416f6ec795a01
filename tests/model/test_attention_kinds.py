"""What holds for every kind of attention and for layers of several: no look ahead, gradients, sizes, one graph."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from gpt2kit.config import ATTENTIONS, ModelConfig
from gpt2kit.model.attention_kinds import KINDS
from gpt2kit.model.gpt2 import GPT2

Build = Callable[..., GPT2]

MIXES = [
    *ATTENTIONS,
    "relative-local,compressed,relative",
    "local,compressed,local",
    "compressed,relative,local",
    "full,compressed,full",
]
EVERY = pytest.mark.parametrize("attention", MIXES)


@pytest.fixture(params=["three products", "fused kernel"])
def both_paths(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways in which attention is computed on a CPU."""
    monkeypatch.setattr("gpt2kit.model.attention.SHORT", 128 if request.param == "three products" else 0)


def build(tiny_model: Build, attention: str, **shape: int) -> GPT2:
    return tiny_model(n_layer=3, attention=attention, block=8, **shape)


def test_every_name_has_its_kind() -> None:
    assert set(KINDS) == set(ATTENTIONS)
    for kind in ATTENTIONS:
        model = GPT2(ModelConfig(n_layer=2, n_embd=8, n_positions=4, attention=f"full,{kind}"), 5)
        assert [type(block.attn) for block in model.transformer.blocks()] == [KINDS["full"], KINDS[kind]]


@pytest.mark.usefixtures("both_paths")
@EVERY
@torch.no_grad()
def test_no_token_is_seen_before_its_time(tiny_model: Build, attention: str) -> None:
    model, ids = build(tiny_model, attention), torch.randint(23, (2, 27))
    before = model(ids)
    for position in range(27):
        changed = ids.clone()
        changed[:, position] = (changed[:, position] + 1) % 23
        after = model(changed)
        torch.testing.assert_close(after[:, :position], before[:, :position], atol=2e-6, rtol=0)
        assert (after[:, position] - before[:, position]).abs().max() > 1e-2


@EVERY
@torch.no_grad()
def test_a_target_does_not_leak_across_the_separator(tiny_model: Build, attention: str) -> None:
    """The separator stands inside of a block and of a group, at the end of them and at their beginning."""
    model, separator = build(tiny_model, attention), 22
    for source in (6, 7, 8, 9, 10):
        ids = torch.cat([torch.randint(22, (source,)), torch.tensor([separator]), torch.randint(22, (15,))])[None]
        before = model(ids)[:, : source + 1]
        for position in range(source + 1, ids.size(1)):
            changed = ids.clone()
            changed[0, position:] = torch.randint(22, (ids.size(1) - position,))
            torch.testing.assert_close(model(changed)[:, : source + 1], before, atol=2e-6, rtol=0)


@pytest.mark.usefixtures("both_paths")
@EVERY
@torch.no_grad()
def test_padding_on_the_right_changes_nothing_before_it(tiny_model: Build, attention: str) -> None:
    model, ids = build(tiny_model, attention), torch.randint(23, (2, 40))
    whole = model(ids)
    for length in range(1, 40):
        torch.testing.assert_close(model(ids[:, :length]), whole[:, :length], atol=2e-5, rtol=1e-5)


def test_two_kinds_together_reach_what_each_alone_does_not(tiny_model: Build) -> None:
    """The last token sees the first through local and compressed layers, and not through local ones alone."""
    ids = torch.randint(23, (1, 30))
    changed = ids.clone()
    changed[0, 0] = (changed[0, 0] + 1) % 23
    for attention, reached in (("local", False), ("local,compressed,local", True), ("compressed", True)):
        model = build(tiny_model, attention)
        difference = (model(changed)[:, -1] - model(ids)[:, -1]).abs().max()
        assert bool(difference > 1e-4) == reached, attention


@EVERY
def test_every_weight_learns(attention: str) -> None:
    """From the first weights on, those of 0 too."""
    model = GPT2(ModelConfig(n_layer=3, n_head=2, n_embd=16, n_positions=48, attention=attention, block=8), 23)
    ids = torch.randint(23, (2, 48))
    model(ids).log_softmax(-1)[:, :-1].gather(2, ids[:, 1:, None]).sum().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        if name.endswith("distance"):
            assert parameter.grad[:, :16].abs().amax((0, 2)).all(), name
        else:
            assert parameter.grad.any(), name


@pytest.mark.parametrize(
    ("attention", "more"),
    [
        ("local", 0),
        ("compressed", 3 * (2 * 4 * 3 * 8 * 8 + 2 * 32)),
        ("local,compressed,local", 2 * 4 * 3 * 8 * 8 + 2 * 32),
        ("relative,local,full", 4 * 48 * 8),
        ("relative-local", 3 * 4 * 48 * 8),
    ],
)
def test_the_number_of_weights(attention: str, more: int) -> None:
    full = ModelConfig(n_layer=3, n_head=4, n_embd=32, n_positions=48)
    counts = [GPT2(config, 23).parameter_count() for config in (replace(full, attention=attention), full)]
    assert counts[0] - counts[1] == more


def test_names_and_shapes_of_the_new_weights() -> None:
    model = GPT2(ModelConfig(n_layer=2, n_head=4, n_embd=32, attention="local,compressed"), 23)
    named = {name: tuple(parameter.shape) for name, parameter in model.named_parameters() if ".attn." in name}
    usual = {"c_attn.weight": (96, 32), "c_attn.bias": (96,), "c_proj.weight": (32, 32), "c_proj.bias": (32,)}
    new = {"compress_k": (4, 3, 8, 8), "compress_v": (4, 3, 8, 8), "null_k": (32,), "null_v": (32,)}
    expected = {f"transformer.h.{layer}.attn.{name}": shape for layer in (0, 1) for name, shape in usual.items()}
    assert named == expected | {f"transformer.h.1.attn.{name}": shape for name, shape in new.items()}


@pytest.mark.usefixtures("both_paths")
@EVERY
@torch.no_grad()
def test_bf16_is_close_to_fp32(tiny_model: Build, attention: str) -> None:
    model, ids = build(tiny_model, attention), torch.randint(23, (2, 40))
    exact = model.hidden(ids)
    with torch.autocast("cpu", torch.bfloat16):
        attended = model.transformer.blocks()[1].attn(torch.randn(2, 40, 16))
        rounded = model.hidden(ids)
    assert attended.dtype == torch.bfloat16
    assert 0 < (rounded - exact).abs().max() < 0.15 * exact.abs().max()


@EVERY
def test_some_positions_have_the_same_vectors_and_gradients_alone(tiny_model: Build, attention: str) -> None:
    model, ids = build(tiny_model, attention), torch.randint(23, (2, 27))
    positions = torch.tensor([3, 4, 26, 27 + 11, 27 + 25])
    weights = torch.randn(5, 16)
    found = []
    for hidden in (model.hidden(ids).flatten(0, 1)[positions], model.hidden(ids, positions_N=positions)):
        model.zero_grad()
        (hidden * weights).sum().backward()
        gradients = {name: each.grad for name, each in model.named_parameters() if each.grad is not None}
        found.append((hidden.detach(), gradients))
    torch.testing.assert_close(found[1], found[0], atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("kind", ["relative-local", "local", "compressed"])
def test_a_layer_is_one_graph_for_all_lengths(tiny_model: Build, kind: str) -> None:
    """Nothing in it depends on what stands in a tensor."""
    block = build(tiny_model, kind).transformer.blocks()[0]
    compiled = torch.compile(block, backend="eager", fullgraph=True, dynamic=True)
    for length in (24, 25, 31, 40, 9):
        x = torch.randn(2, length, 16)
        torch.testing.assert_close(compiled(x), block(x), atol=1e-6, rtol=1e-5)
