"""The decoder: its size, its first weights, what a position may see, and the cache that must not change it."""

import math
from collections.abc import Callable

import pytest
import torch
from torch.nn import functional

from gpt2kit.config import SIZES, ModelConfig
from gpt2kit.model.activations import gelu_new
from gpt2kit.model.gpt2 import GPT2, dropout

Build = Callable[..., GPT2]


@pytest.mark.parametrize(
    ("size", "parameters"),
    [
        ("gpt2", 124_439_808),
        ("gpt2-medium", 354_823_168),
        ("gpt2-large", 774_030_080),
        ("gpt2-xl", 1_557_611_200),
    ],
)
def test_the_released_sizes_have_their_parameters(size: str, parameters: int) -> None:
    with torch.device("meta"):
        model = GPT2(ModelConfig(size=size, n_positions=1024), 50_257)
    assert model.parameter_count() == parameters


def test_every_released_size_is_counted_above() -> None:
    assert list(SIZES) == ["gpt2", "gpt2-medium", "gpt2-large", "gpt2-xl"]


def test_the_first_weights() -> None:
    torch.manual_seed(0)
    model = GPT2(ModelConfig(n_layer=8, n_head=4, n_embd=128, n_positions=64), 500)
    for name, parameter in model.named_parameters():
        if "ln_" in name:
            assert torch.equal(parameter, torch.full_like(parameter, float(name.endswith("weight")))), name
        elif name.endswith("bias"):
            assert not parameter.any(), name
        else:
            std = 0.02 / math.sqrt(2 * 8) if name.endswith("c_proj.weight") else 0.02
            assert parameter.std().item() == pytest.approx(std, rel=0.05), name
            assert abs(parameter.mean().item()) < std / 10, name


def test_the_same_seed_gives_the_same_first_weights() -> None:
    models = []
    for _ in range(2):
        torch.manual_seed(5)
        models.append(GPT2(ModelConfig(n_layer=1, n_embd=16, n_positions=8), 10))
    for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_head_is_the_token_embedding(tiny_model: Build) -> None:
    model = tiny_model()
    hidden = torch.randn(3, 16)
    assert model.head is model.transformer.wte.weight
    torch.testing.assert_close(model.logits(hidden), hidden @ model.transformer.wte.weight.T)


@pytest.fixture(params=["three products", "fused kernel"])
def both_paths(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both ways in which attention is computed on a CPU."""
    monkeypatch.setattr("gpt2kit.model.attention.SHORT", 128 if request.param == "three products" else 0)


@pytest.mark.usefixtures("both_paths")
def test_the_future_does_not_leak(tiny_model: Build) -> None:
    model, ids = tiny_model(), torch.randint(23, (2, 20))
    before = model(ids)
    for position in (1, 7, 19):
        changed = ids.clone()
        changed[:, position:] = (changed[:, position:] + 1) % 23
        after = model(changed)
        torch.testing.assert_close(after[:, :position], before[:, :position], atol=1e-6, rtol=0)
        assert (after[:, position] - before[:, position]).abs().max() > 1e-2


@pytest.mark.usefixtures("both_paths")
def test_padding_on_the_right_changes_nothing_before_it(tiny_model: Build) -> None:
    model, ids = tiny_model(), torch.randint(23, (3, 9))
    padded = torch.cat([ids, torch.randint(23, (3, 11))], 1)
    torch.testing.assert_close(model(padded)[:, :9], model(ids), atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("share", [0.1, 0.3, 0.5])
def test_dropout_zeroes_its_share_and_scales_the_rest(share: float) -> None:
    ones = torch.ones(300, 1000)
    dropped = dropout(ones, share, training=True)
    zero = dropped == 0
    assert zero.float().mean().item() == pytest.approx(share, abs=0.004)
    kept = dropped[~zero]
    assert torch.equal(kept, kept[0].expand_as(kept))
    assert kept[0].item() == pytest.approx(1 / (1 - share), rel=0.005)
    assert dropped.mean().item() == pytest.approx(1, abs=0.01)
    for column in range(8):  # the noise is drawn eight bytes at a time
        assert zero[:, column::8].float().mean().item() == pytest.approx(share, abs=0.01)


def test_dropout_passes_gradients_where_it_passes_values() -> None:
    x = torch.ones(50, 7, requires_grad=True)
    out = dropout(x, 0.4, training=True)
    out.sum().backward()
    assert x.grad is not None
    assert torch.equal(x.grad, out.detach())


def test_dropout_is_off_at_share_0_and_outside_training() -> None:
    x = torch.randn(4, 5)
    assert torch.equal(dropout(x, 0.0, training=True), x)
    assert torch.equal(dropout(x, 0.5, training=False), x)


def test_dropout_of_nearly_everything_stays_finite() -> None:
    assert dropout(torch.ones(1000), 0.999, training=True).isfinite().all()


def test_the_model_drops_in_training_only(tiny_model: Build) -> None:
    model, ids = tiny_model(dropout=0.2), torch.randint(23, (2, 10))
    assert torch.equal(model(ids), model(ids))
    model.train()
    assert not torch.equal(model(ids), model(ids))


def test_gelu_is_the_same_compiled() -> None:
    x = torch.linspace(-40, 40, 4001, dtype=torch.float64, requires_grad=True)
    wanted = functional.gelu(x, approximate="tanh")
    found = torch.compile(gelu_new, backend="eager", fullgraph=True)(x)
    assert torch.equal(gelu_new(x), wanted)
    assert not torch.equal(found, wanted)  # it was computed in the other way
    torch.testing.assert_close(found, wanted)
    (wanted_gradient,), (gradient,) = (torch.autograd.grad(each.sum(), x) for each in (wanted, found))
    torch.testing.assert_close(gradient, wanted_gradient)
