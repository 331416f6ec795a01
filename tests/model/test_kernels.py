"""Products and norms for decoding are those of torch's own layers, in the packed layout and in the plain one."""

from unittest.mock import Mock

import pytest
import torch
from torch.nn import functional

from gpt2kit.model import kernels
from gpt2kit.model.kernels import Norm, Product, packs, product_of_row

SHAPES = ((10,), (1, 10), (2, 10), (2, 1, 10), (5, 10), (3, 4, 10), (70, 10))
EPSILON = 1e-5
AFTER = {
    "": torch.nn.Identity(),
    "gelu_new": torch.nn.GELU("tanh"),
    "gelu": torch.nn.GELU(),
    "relu": torch.nn.ReLU(),
}
TOLERANCE = {torch.float32: 1e-5, torch.bfloat16: 0.1}


def product_of(packed: bool, after: str, bias: bool, dtype: torch.dtype, monkeypatch: pytest.MonkeyPatch) -> Product:
    """The same weights each time, in the layout that is asked for."""
    if packed and not packs(torch.device("cpu"), dtype):
        pytest.skip("this CPU's kernels know no blocked layout for this type")
    generator = torch.Generator().manual_seed(1)
    weight, shift = torch.randn(24, 10, generator=generator), torch.randn(24, generator=generator)
    with monkeypatch.context() as context:
        context.setattr(kernels, "packs", lambda device, dtype: packed)
        context.setattr(kernels, "LARGE", 0)
        product = Product(weight, shift if bias else None, dtype, after)
    assert product.packed == packed
    return product


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize("after", AFTER)
@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@torch.inference_mode()
def test_products(dtype: torch.dtype, bias: bool, after: str, packed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    product = product_of(packed, after, bias, dtype, monkeypatch)
    plain = product_of(False, after, bias, torch.float32, monkeypatch)
    for shape in SHAPES:
        x = torch.randn(shape)
        expected = AFTER[after](torch.nn.functional.linear(x, plain.weight, plain.bias))
        found = product(x)
        assert found.dtype == dtype
        torch.testing.assert_close(found.float(), expected, atol=TOLERANCE[dtype], rtol=TOLERANCE[dtype])


@pytest.mark.parametrize("after", AFTER)
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@torch.inference_mode()
def test_both_layouts_give_the_same_numbers(dtype: torch.dtype, after: str, monkeypatch: pytest.MonkeyPatch) -> None:
    packed, plain = (product_of(layout, after, True, dtype, monkeypatch) for layout in (True, False))
    for shape in SHAPES:
        x = torch.randn(shape)
        one_rounding = 1e-5 if dtype == torch.float32 else 2**-6
        torch.testing.assert_close(packed(x), plain(x), atol=one_rounding, rtol=one_rounding)


def test_only_large_weights_are_packed(monkeypatch: pytest.MonkeyPatch) -> None:
    if not packs(torch.device("cpu"), torch.float32):
        pytest.skip("this CPU's kernels know no blocked layout")
    monkeypatch.setattr(kernels, "LARGE", 12)
    assert Product(torch.randn(3, 4), None, torch.float32).packed
    assert not Product(torch.randn(11, 1), None, torch.float32).packed


def test_one_row_takes_the_plain_product(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where that is faster, and to the same numbers."""
    if not packs(torch.device("cpu"), torch.float32):
        pytest.skip("this CPU's kernels know no blocked layout")
    monkeypatch.setattr(kernels, "LARGE", 0)
    weight, shift = torch.randn(5, 7), torch.randn(5)
    inputs = [torch.randn(rows, 7) for rows in (1, 2, 5)]
    plain = Mock(side_effect=functional.linear)
    for capability, asked in (("AVX2", 1), ("AVX512", 0)):
        monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", Mock(return_value=capability))
        product = Product(weight, shift, torch.float32, "relu")
        plain.reset_mock()
        with monkeypatch.context() as context:
            context.setattr(functional, "linear", plain)
            found = [product(x) for x in inputs]
        assert plain.call_count == asked
        torch.testing.assert_close(found, [(x @ weight.T + shift).relu() for x in inputs])
    assert Product(weight, None, torch.bfloat16).alone is None


@pytest.mark.parametrize("outputs", [3, 16, 21])
@pytest.mark.parametrize("bias", [False, True])
@torch.inference_mode()
def test_a_product_of_one_row_in_parts(outputs: int, bias: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """To the numbers of the whole, also where parts are not equal; they do not depend on threads."""
    monkeypatch.setattr(kernels, "DIVIDED", 0)
    weight, shift = torch.randn(outputs, 10), torch.randn(outputs) if bias else None
    before = torch.get_num_threads()
    try:
        for shape in ((10,), (1, 10), (1, 1, 10)):
            x = torch.randn(shape)
            found = []
            for threads in (1, 2):
                torch.set_num_threads(threads)
                found.append(product_of_row(x, weight, shift))
            torch.testing.assert_close(found[0], functional.linear(x, weight, shift))
            assert torch.equal(*found)
    finally:
        torch.set_num_threads(before)


def test_a_product_keeps_its_own_weights() -> None:
    weight = torch.randn(3, 4)
    product, x = Product(weight, None, torch.float32), torch.randn(2, 4)
    before = product(x)
    weight.zero_()
    assert torch.equal(product(x), before)


def test_a_norm_is_torch_s() -> None:
    norm = torch.nn.LayerNorm(12, eps=EPSILON)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    x = torch.randn(3, 5, 12)
    assert torch.equal(Norm(norm.weight, norm.bias, EPSILON)(x), norm(x))
