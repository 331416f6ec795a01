"""The tensors of a page come back in the engine as NumPy has them."""

import base64
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from gpt2kit.live.content import DTYPES, int8_rows, packed_tensor

if TYPE_CHECKING:
    from tests.live.conftest import EngineInNode

UNPACK = "(packed) => { const { shape, values } = unpackTensor(packed); return [shape, values]; }"


def tensor(*shape: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def stored(values: Any, dtype: str) -> Any:
    """The numbers that a page has of a tensor."""
    if dtype == "int8":
        steps, scales = int8_rows(values)
        return steps * scales[..., None]
    return values.astype(np.float16 if dtype == "f16" else np.float32).astype(np.float32)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(3, 5), (2, 3, 4), (2, 2, 1, 3), (1, 1)])
def test_a_tensor_comes_back(engine: "EngineInNode", dtype: str, shape: tuple[int, ...]) -> None:
    values = tensor(*shape)
    found_shape, found = engine(UNPACK, packed_tensor(values, dtype))
    assert found_shape == list(shape)
    np.testing.assert_array_equal(np.float32(found), stored(values, dtype).ravel())


def test_vectors_keep_all_bits(engine: "EngineInNode") -> None:
    values = tensor(7)
    for dtype in DTYPES:
        np.testing.assert_array_equal(np.float32(engine(UNPACK, packed_tensor(values, dtype))[1]), values)


def test_every_half_precision_number(engine: "EngineInNode") -> None:
    halves = np.arange(0x10000, dtype="<u2")
    data = base64.b64encode(halves.tobytes()).decode()
    found = map(float, engine(UNPACK, {"shape": [256, 256], "kind": "f16", "data": data})[1])
    np.testing.assert_array_equal(np.array([*found], np.float32), halves.view("<f2").astype(np.float32))


def test_an_int8_row_is_as_exact_as_its_largest_number_allows() -> None:
    values = tensor(4, 6) * np.array([[1], [100], [1e-6], [0]], np.float32)
    steps, scales = int8_rows(values)
    assert np.abs(steps).max(-1).tolist() == [127, 127, 127, 0]
    errors, largest = np.abs(steps * scales[:, None] - values), np.abs(values).max(-1)
    assert (errors.max(-1) <= largest / 253).all()


@pytest.mark.filterwarnings("error")
def test_numbers_that_a_type_cannot_hold_give_no_warning() -> None:
    smallest = np.full((1, 3), np.finfo(np.float32).smallest_subnormal)
    steps, scales = int8_rows(smallest)
    assert steps.tolist() == [[0, 0, 0]]
    assert scales.tolist() == [1]
    int8_rows(np.array([[np.nan, 1]], np.float32))
    packed_tensor(np.array([[1e6]], np.float32), "f16")


@pytest.mark.parametrize("length", range(6))
def test_base64_of_every_length(engine: "EngineInNode", length: int) -> None:
    data = bytes(range(250, 256))[:length]
    assert engine("(text) => decodeBase64(text)", base64.b64encode(data).decode()) == list(data)


def test_every_byte_of_base64(engine: "EngineInNode") -> None:
    data = np.random.default_rng(1).integers(0, 256, 3000, dtype=np.uint8)
    assert engine("(text) => decodeBase64(text)", base64.b64encode(data.tobytes()).decode()) == data.tolist()


def test_an_unknown_kind_is_refused(engine: "EngineInNode") -> None:
    with pytest.raises(RuntimeError, match="a tensor of the unknown kind f8"):
        engine(UNPACK, {"shape": [1], "kind": "f8", "data": "AA=="})
