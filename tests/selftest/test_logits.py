"""Logits computed in two ways: equal for every kind of attention, and unequal as soon as something is wrong."""

from collections.abc import Callable
from copy import deepcopy

import pytest
import torch

from gpt2kit.model.attention import Attention
from gpt2kit.model.attention_kinds import KINDS
from gpt2kit.model.cache import Cache, DecodeMasks
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.inference import InferenceGPT2
from gpt2kit.model.local import Blocks
from gpt2kit.selftest import logits
from gpt2kit.selftest.logits import alone
from gpt2kit.selftest.probes import Probes

BuildModel = Callable[..., GPT2]

CPU = torch.device("cpu")
MIXES = ["full", "relative", "relative-local", "local", "compressed", "local,compressed,local"]
TEXTS = [list(range(1, 20)), [5], [3, 1, 4, 1, 5, 9, 2, 6] * 12]
EXTRACT = 7
EXAMPLES = [[1, 2, 3, EXTRACT], [4, EXTRACT], [1, 5, 2, 6, 3, 8, EXTRACT]]


def asked(texts: list[list[int]] = TEXTS, examples: list[list[int]] | None = None) -> Probes:
    return Probes(texts, [], examples or [])


def model_of(tiny_model: BuildModel, kind: str = "full") -> GPT2:
    return tiny_model(attention=kind, n_layer=kind.count(",") + 1, block=16, n_positions=96)


def disturbed(model: GPT2, name: str, by: float = 1.0) -> GPT2:
    other = deepcopy(model)
    with torch.no_grad():
        other.get_parameter(name).flatten()[3] += by
    return other


@pytest.mark.parametrize("kind", MIXES)
def test_decoding_s_logits_are_those_of_one_pass(tiny_model: BuildModel, kind: str) -> None:
    check = logits.cached_equals_full(model_of(tiny_model, kind), asked())
    assert check.passed
    assert check.figure is not None
    assert check.figure < 1e-4
    assert check.remark == "3 texts, up to 96 tokens"


@pytest.mark.parametrize("kind", ["full", "compressed"])
@pytest.mark.parametrize("name", ["transformer.h.0.mlp.c_fc.weight", "transformer.wpe.weight", "transformer.ln_f.bias"])
def test_one_other_weight_in_the_decoder_is_found(tiny_model: BuildModel, kind: str, name: str) -> None:
    model = model_of(tiny_model, kind)
    assert logits.worst(model, InferenceGPT2(disturbed(model, name), "fp32"), TEXTS) > logits.SAME


@pytest.mark.parametrize("kind", ["local", "relative-local"])
def test_a_cache_that_forgets_a_block_is_found(
    tiny_model: BuildModel, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the steps over the border of a block."""
    model = model_of(tiny_model, kind)
    honest = KINDS[kind].new_masks

    def forgetful(attention: Attention, cache: Cache) -> DecodeMasks:
        masks = honest(attention, cache)
        assert isinstance(masks, Blocks)
        masks.block = 8
        return masks

    monkeypatch.setattr(KINDS[kind], "new_masks", forgetful)
    decoder = InferenceGPT2(model, "fp32")
    assert logits.worst(model, decoder, TEXTS) > logits.SAME


def test_weights_that_are_no_numbers_do_not_pass(tiny_model: BuildModel) -> None:
    check = logits.cached_equals_full(disturbed(model_of(tiny_model), "transformer.ln_f.bias", torch.nan), asked())
    assert check.passed is False
    assert check.json()["figure"] is None


@pytest.mark.parametrize("kind", ["full", "compressed"])
def test_bf16_is_within_its_rounding_and_not_within_that_of_fp32(tiny_model: BuildModel, kind: str) -> None:
    model = model_of(tiny_model, kind)
    check = logits.equal_in(model, asked(), CPU, "bf16", None)
    assert check.name == "cpu bf16 equals cpu fp32"
    assert check.passed
    assert check.figure is not None
    assert logits.SAME < check.figure < logits.ROUNDED
    assert logits.equal_in(model, asked(), CPU, "fp32", None).limit == logits.SAME


def test_another_device_that_computes_something_else_is_found(
    tiny_model: BuildModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = model_of(tiny_model)
    wrong = disturbed(model, "transformer.ln_f.bias", 5.0)
    monkeypatch.setattr(logits, "deepcopy", lambda _: wrong)
    assert logits.equal_in(model, asked(), CPU, "bf16", None).passed is False


def test_a_head_in_bf16_and_in_batches(tiny_model: BuildModel, monkeypatch: pytest.MonkeyPatch) -> None:
    model = tiny_model()
    model.set_classifier(("yes", "no", "perhaps"))
    with torch.no_grad():
        model.score.weight.mul_(20)  # type: ignore[union-attr]
    given = asked(examples=EXAMPLES)
    assert logits.cached_equals_full(model, given).passed is None
    assert logits.equal_in(model, given, CPU, "bf16", EXTRACT).passed
    check = logits.batch_equals_single(model, given, EXTRACT)
    assert (check.passed, check.remark) == (True, "3 examples, their probabilities")

    monkeypatch.setattr(logits, "alone", lambda *asked: [likely[::-1] for likely in alone(*asked)])
    assert logits.batch_equals_single(model, given, EXTRACT).passed is False
    wrong = disturbed(model, "transformer.ln_f.bias", 5.0)
    monkeypatch.setattr(logits, "alone", alone)
    monkeypatch.setattr(logits, "deepcopy", lambda _: wrong)
    assert logits.equal_in(model, given, CPU, "bf16", EXTRACT).passed is False


def test_choices_are_scored_each_alone(tiny_model: BuildModel) -> None:
    model = tiny_model()
    model.set_classifier(("choice",))
    given = asked(examples=[[1, EXTRACT, 2, EXTRACT], [3, 4, EXTRACT, 5, EXTRACT, 6, 8, 9, EXTRACT]])
    assert logits.batch_equals_single(model, given, EXTRACT).passed
    assert logits.scores(model, [[1, EXTRACT], [2, EXTRACT]]).shape == (2, 1)


def test_every_device_is_asked_in_what_it_computes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.device_count", lambda: 1)
    monkeypatch.setattr("torch.backends.mps.is_available", lambda: True)
    monkeypatch.setattr(logits, "native_bf16", lambda device: device.type != "mps")
    found = [f"{device} {dtype}" for device, dtype in logits.arithmetics()]
    assert found == ["cpu bf16", "cuda:0 fp32", "cuda:0 bf16", "mps fp32"]


def test_apart_is_in_standard_deviations() -> None:
    wanted = torch.tensor([[0.0, 2.0], [4.0, 6.0]])
    assert logits.apart(wanted, wanted) == 0
    found = wanted.clone()
    found[1, 0] += 1
    assert logits.apart(found, wanted) == pytest.approx(1 / float(wanted.std()))
    assert logits.apart(torch.zeros(1, 2), torch.zeros(1, 2)) == 0
    assert logits.apart(torch.ones(1, 2), torch.zeros(1, 2)) > 1
