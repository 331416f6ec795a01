"""Products of 8-bit weights are those of the rounded numbers, computed in full precision."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

import gpt2kit
from gpt2kit.config import GenerateConfig
from gpt2kit.decoding.decode import answers, for_inference
from gpt2kit.model import inference, lora
from gpt2kit.model.activations import ACTIVATIONS
from gpt2kit.model.device import lacks_int8
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.inference import InferenceGPT2
from gpt2kit.model.int8 import Int8Product, quantised

Build = Callable[..., GPT2]

REASON = lacks_int8(torch.device("cpu"))
pytestmark = [pytest.mark.skipif(bool(REASON), reason=REASON), pytest.mark.usefixtures("no_gradients")]

KINDS = ("full", "relative", "local", "compressed", "relative-local", "relative,compressed")
SAME = 2e-5


@pytest.fixture
def no_gradients() -> object:
    with torch.inference_mode():
        yield


def rounded(x: Tensor) -> Tensor:
    """Each row on the grid of 256 steps from its smallest value to its largest, one of which is 0."""
    x = x.double()
    low, high = x.amin(-1, keepdim=True).clamp(max=0), x.amax(-1, keepdim=True).clamp(min=0)
    step = ((high - low) / 255).clamp(min=1e-300)
    zero = (-low / step).round()
    return ((x / step).round() + zero).clamp(0, 255).sub(zero) * step


class Explicit:
    """The same product of explicitly rounded numbers, in fp64."""

    def __init__(self, weight: Tensor, bias: Tensor | None, activation: str = "") -> None:
        integers, scales = quantised(weight)
        self.weight = integers.double() * scales.double()[:, None]
        self.bias = None if bias is None else bias.double()
        self.act = ACTIVATIONS.get(activation, torch.nn.Identity())

    def __call__(self, x: Tensor) -> Tensor:
        return self.act(F.linear(rounded(x), self.weight, self.bias)).float()


@pytest.mark.parametrize("activation", ["", "gelu_new", "gelu", "relu"])
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [(1, 10), (1, 1, 10), (5, 10), (3, 4, 10), (70, 10)])
def test_products(shape: tuple[int, ...], bias: bool, activation: str) -> None:
    weight, shift, x = torch.randn(24, 10), torch.randn(24) if bias else None, 3 * torch.randn(shape) + 1
    found = Int8Product(weight, shift, activation)(x)
    assert found.dtype == torch.float32
    torch.testing.assert_close(found, Explicit(weight, shift, activation)(x), atol=SAME, rtol=SAME)


def test_weights_are_rounded_to_the_nearest_of_255_steps() -> None:
    weight = torch.randn(30, 50) * torch.rand(30, 1)
    weight[7] = 0
    integers, scales = quantised(weight)
    assert integers.dtype == torch.int8
    assert integers.abs().amax(1).tolist() == [127] * 7 + [0] + [127] * 22
    assert ((integers * scales[:, None] - weight).abs() <= scales[:, None] * 0.5001).all()


@pytest.mark.parametrize("count", [1, 2, 6])
def test_odd_rows(count: int) -> None:
    """Zeros, one sign alone, a large outlier, very small and very large numbers; alone and together."""
    x = torch.randn(6, 40)
    x[0], x[1], x[2] = 0, x[1].abs() + 1, -x[2].abs() - 1
    x[3, 5], x[5] = 1000, x[5] * 1e20
    weight, shift = torch.randn(16, 40), torch.randn(16)
    found = torch.cat([Int8Product(weight, shift)(part) for part in x.split(count)])
    expected = Explicit(weight, shift)(x)
    torch.testing.assert_close(found / expected.abs().amax(1)[:, None], expected / expected.abs().amax(1)[:, None])


def test_a_row_does_not_depend_on_its_neighbours() -> None:
    product = Int8Product(torch.randn(16, 40), torch.randn(16))
    x = torch.randn(5, 40) * torch.tensor([1, 1e-2, 1, 1e3, 5])[:, None]
    torch.testing.assert_close(product(x), torch.cat([product(row[None]) for row in x]), atol=1e-5, rtol=1e-5)


def test_weights_take_a_byte_each() -> None:
    """What is kept in wider numbers has a length of the outputs."""
    product = Int8Product(torch.randn(64, 4096), torch.randn(64))
    wide = [value for value in vars(product).values() if isinstance(value, Tensor)]
    assert sum(each.numel() for each in wide) <= 4 * 64
    assert torch.ops.quantized.linear_unpack(product.packed)[0].element_size() == 1


def test_the_engine_of_other_quantised_layers_stays() -> None:
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = "onednn"
    try:
        Int8Product(torch.randn(4, 8), None)
        assert torch.backends.quantized.engine == "onednn"
    finally:
        torch.backends.quantized.engine = before


@pytest.mark.parametrize("attention", KINDS)
def test_logits_are_those_of_the_rounded_model(
    tiny_model: Build, attention: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Prompts of several lengths, then steps; compared with the same model whose products are explicit."""
    model = tiny_model(n_layer=2, attention=attention, block=4)
    ids, lengths = torch.randint(23, (3, 12)), [7, 4, 1]
    with monkeypatch.context() as context:
        context.setattr(inference, "Int8Product", Explicit)
        explicit = InferenceGPT2(model, "int8")
    decoders = [InferenceGPT2(model, "int8"), explicit, InferenceGPT2(model, "fp32")]
    caches = [decoder.new_cache(3, 12) for decoder in decoders]
    pairs = list(zip(decoders, caches, strict=True))
    logits = [decoder.prefill(ids[:, :7], lengths, cache) for decoder, cache in pairs]
    for step in range(5):
        assert logits[0].dtype == torch.float32
        torch.testing.assert_close(logits[0], logits[1], atol=1e-4, rtol=1e-4)
        assert 0 < (logits[0] - logits[2]).abs().max() < 0.1 * logits[2].abs().max()
        logits = [decoder.step(ids[:, 7 + step : 8 + step], cache)[:, 0] for decoder, cache in pairs]


@pytest.mark.parametrize("beams", [1, 3])
def test_any_batch_gives_the_same_answers(tiny_model: Build, beams: int) -> None:
    decoder = for_inference(tiny_model(), "int8")
    config = GenerateConfig(max_new_tokens=12, device="cpu", dtype="int8", beams=beams)
    prompts = [[5, 3], [7], [1, 2, 3, 4, 5, 6, 7]]
    together = {found.index: found.answers[0].ids for found in answers(decoder, prompts, config, 0)}
    for index, prompt in enumerate(prompts):
        assert next(answers(decoder, [prompt], config, 0)).answers[0].ids == together[index]


def test_adapters_are_part_of_the_weights(tiny_model: Build) -> None:
    """The model that is rounded is the sum of base and adapters."""
    model = tiny_model()
    lora.adapt(model, 2, 4.0, ("c_attn", "c_fc", "c_proj"), 0)
    for parameter in model.parameters():
        parameter.data.add_(0.05 * torch.randn_like(parameter))
    ids = torch.randint(23, (2, 9))
    logits = [
        decoder.prefill(ids, [9, 9], decoder.new_cache(2, 9))
        for decoder in (InferenceGPT2(model, "int8"), InferenceGPT2(model, "fp32"))
    ]
    assert 0 < (logits[0] - logits[1]).abs().max() < 0.1 * logits[1].abs().max()
    torch.testing.assert_close(logits[1], model(ids)[:, -1], atol=1e-4, rtol=1e-4)


def test_a_trained_run_gives_its_answers(by_heart: str) -> None:
    sources = ["I am a student", "The cat sat."]
    settings = {"device": "cpu", "beams": 1}
    exact = gpt2kit.load(by_heart, settings | {"dtype": "fp32"})
    assert gpt2kit.load(by_heart, settings | {"dtype": "int8"})(sources) == exact(sources)
