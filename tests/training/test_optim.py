"""Which weights go to which optimiser, how its rate moves, and the average of the weights."""

import itertools
import math
from collections.abc import Callable
from contextlib import nullcontext

import pytest
import torch
from torch import Tensor
from torch.optim import AdamW, Optimizer

from gpt2kit.config import TrainConfig
from gpt2kit.model import lora
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training import optim
from gpt2kit.training.muon import Muon

Build = Callable[..., GPT2]


def names(model: GPT2, parameters: list[Tensor]) -> set[str]:
    by_id = {id(parameter): name for name, parameter in model.named_parameters()}
    return {by_id[id(parameter)] for parameter in parameters}


def groups(optimizers: list[Optimizer]) -> list[tuple[Optimizer, dict[str, object], list[Tensor]]]:
    return [(each, group, group["params"]) for each in optimizers for group in each.param_groups]


@pytest.mark.parametrize("optimizer", ["adamw", "muon"])
def test_every_weight_has_one_optimiser_and_decay_is_on_matrices(tiny_model: Build, optimizer: str) -> None:
    model = tiny_model()
    found = groups(optim.build(model, TrainConfig(optimizer=optimizer, weight_decay=0.3)))
    everything = [parameter for _, _, parameters in found for parameter in parameters]
    assert len(everything) == len({id(parameter) for parameter in everything})
    assert names(model, everything) == {name for name, _ in model.named_parameters()}
    for _, group, parameters in found:
        for parameter in parameters:
            assert group["weight_decay"] == (0.3 if parameter.dim() == 2 else 0.0)


def test_adamw_alone(tiny_model: Build) -> None:
    (only,) = optim.build(tiny_model(), TrainConfig(lr=2e-3, beta2=0.95))
    assert isinstance(only, AdamW)
    assert {group["lr"] for group in only.param_groups} == {2e-3}
    assert {group["betas"] for group in only.param_groups} == {(0.9, 0.95)}


def test_muon_gets_exactly_the_blocks_matrices(tiny_model: Build) -> None:
    model = tiny_model(n_layer=2)
    adamw, muon = optim.build(model, TrainConfig(optimizer="muon", lr=1e-3, muon_lr=5e-3))
    assert isinstance(adamw, AdamW)
    assert isinstance(muon, Muon)
    assert names(model, [p for group in muon.param_groups for p in group["params"]]) == {
        f"transformer.h.{layer}.{matrix}.weight"
        for layer in range(2)
        for matrix in ("attn.c_attn", "attn.c_proj", "mlp.c_fc", "mlp.c_proj")
    }
    for group in muon.param_groups:  # query, key and value have one weight
        assert all(("c_attn" in name) == (group["parts"] == 3) for name in names(model, group["params"]))
        assert group["params"]
    assert {group["lr"] for group in muon.param_groups} == {5e-3}
    assert {group["lr"] for group in adamw.param_groups} == {1e-3}


def test_adapters_of_query_key_and_value_are_matrices_of_their_own(tiny_model: Build) -> None:
    """Three parts of an adapter's first matrix would be nothing that the model computes."""
    model = tiny_model()
    lora.adapt(model, 2, 4.0, ("c_attn",), 0)
    _, muon = optim.build(model, TrainConfig(optimizer="muon", lora=2))
    assert not [p for group in muon.param_groups if group["parts"] == 3 for p in group["params"]]
    assert [p for group in muon.param_groups for p in group["params"]]
    model(torch.arange(12).view(2, 6)).sum().backward()
    muon.step()


def test_the_two_rates_move_together(tiny_model: Build) -> None:
    optimizers = optim.build(tiny_model(), TrainConfig(optimizer="muon", lr=1e-3, muon_lr=4e-3))
    for share in (0.5, 0.25):
        optim.set_rate(optimizers, share)
        rates = {type(each).__name__: each.param_groups[-1]["lr"] for each in optimizers}
        assert rates == {"AdamW": pytest.approx(1e-3 * share), "Muon": pytest.approx(4e-3 * share)}


def test_the_rate_rises_then_falls_as_a_cosine() -> None:
    config = TrainConfig(warmup=0.2, final_lr=0.1)
    shares = [optim.rate(step, 100, config) for step in range(100)]
    assert shares[:20] == pytest.approx([(step + 1) / 21 for step in range(20)])
    assert shares[20] == max(shares) == 1
    assert all(later < earlier for earlier, later in itertools.pairwise(shares[20:]))
    assert shares[60] == pytest.approx(0.55), "half way down"
    assert shares[40] == pytest.approx(0.1 + 0.9 * (1 + math.cos(math.pi / 4)) / 2)
    assert 0.1 <= shares[-1] < 0.101
    assert min(shares) > 0, "no step is wasted"


def test_the_rate_falls_linearly_if_asked() -> None:
    config = TrainConfig(warmup=0.2, final_lr=0.1, decay="linear")
    shares = [optim.rate(step, 100, config) for step in range(100)]
    assert shares[:20] == [optim.rate(step, 100, TrainConfig(warmup=0.2)) for step in range(20)]
    assert shares[20:] == pytest.approx([1 - 0.9 * step / 80 for step in range(80)])


@pytest.mark.parametrize("warmup", [0.0, 0.05, 0.9])
@pytest.mark.parametrize("steps", [1, 2, 7])
def test_the_rate_of_short_runs(steps: int, warmup: float) -> None:
    shares = [optim.rate(step, steps, TrainConfig(warmup=warmup)) for step in range(steps)]
    assert all(0 < share <= 1 for share in shares)
    assert max(shares) > 0.5


def test_a_final_rate_of_1_is_constant() -> None:
    assert {optim.rate(step, 9, TrainConfig(warmup=0, final_lr=1)) for step in range(9)} == {1}


def moved(model: GPT2, step: int) -> list[Tensor]:
    """The weights after they were set to something that depends on the step."""
    with torch.no_grad():
        for number, parameter in enumerate(model.parameters()):
            parameter.copy_(torch.full_like(parameter, math.sin(step * 3.7 + number)))
    return [parameter.detach().clone() for parameter in model.parameters()]


def test_the_average_is_the_recurrence_it_says(tiny_model: Build) -> None:
    model = tiny_model()
    average = optim.Average(model, 0.7)
    expected = [parameter.detach().clone() for parameter in model.parameters()]
    for step in range(30):
        weights = moved(model, step)
        average.update(model, step)
        decay = min(0.7, step / (step + 10))
        expected = [decay * old + (1 - decay) * new for old, new in zip(expected, weights, strict=True)]
    for kept, wanted in zip(average.weights.values(), expected, strict=True):
        torch.testing.assert_close(kept, wanted, atol=1e-6, rtol=1e-5)


def test_the_first_weights_do_not_linger(tiny_model: Build) -> None:
    model = tiny_model()
    average = optim.Average(model, 0.999)
    weights = moved(model, 0)
    average.update(model, 0)
    for kept, wanted in zip(average.weights.values(), weights, strict=True):
        assert torch.equal(kept, wanted)


@pytest.mark.parametrize("fails", [False, True])
def test_the_average_is_applied_for_a_while(tiny_model: Build, fails: bool) -> None:
    model = tiny_model()
    average = optim.Average(model, 0.9)
    averaged = {name: weight.clone() for name, weight in average.weights.items()}
    weights = moved(model, 1)
    with pytest.raises(KeyError) if fails else nullcontext(), average.applied(model):
        for name, parameter in model.named_parameters():
            assert torch.equal(parameter, averaged[name])
        if fails:
            raise KeyError
    for parameter, wanted in zip(model.parameters(), weights, strict=True):
        assert torch.equal(parameter, wanted)
    for name, kept in average.weights.items():
        assert torch.equal(kept, averaged[name])
