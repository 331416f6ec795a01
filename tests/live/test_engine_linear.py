"""The engine's products and functions against NumPy and PyTorch."""

from typing import TYPE_CHECKING

import numpy as np
import pytest
import torch
from torch.nn import functional as F

from gpt2kit.model.activations import ACTIVATIONS

if TYPE_CHECKING:
    from tests.live.conftest import EngineInNode

APPLY = """(shape, weight, bias, x, count, first) => {
  const linear = new Linear({ shape, values: Float32Array.from(weight) }, bias && { values: Float32Array.from(bias) });
  const y = new Float32Array(count * shape[0]);
  linear.apply(Float32Array.from(x), y, count, first);
  return y;
}"""


@pytest.mark.parametrize(("rows", "columns"), [(8, 12), (7, 5), (1, 1), (5, 8), (4, 3), (2, 9)])
@pytest.mark.parametrize("count", [1, 4, 6])
def test_a_product_of_any_shape(engine: "EngineInNode", rows: int, columns: int, count: int) -> None:
    random = np.random.default_rng(0)
    weight, bias, x = (random.normal(size=shape) for shape in ((rows, columns), rows, (count + 2, columns)))
    for first, added in ((0, bias), (2, None)):
        inputs = [weight.ravel().tolist(), None if added is None else bias.tolist(), x.ravel().tolist(), count, first]
        found = engine(APPLY, [rows, columns], *inputs)
        expected = x[first : first + count] @ weight.T + (0 if added is None else bias)
        np.testing.assert_allclose(np.reshape(found, (count, rows)), expected, atol=1e-5)


@pytest.mark.parametrize(("rows", "columns"), [(5, 16), (1, 16), (300, 32), (2, 48)])
@pytest.mark.parametrize("count", [1, 5])
def test_a_product_in_webassembly(engine: "EngineInNode", rows: int, columns: int, count: int) -> None:
    """The second of two matrices in one memory."""
    random = np.random.default_rng(0)
    weight, x = random.normal(size=(rows, columns)), random.normal(size=(count + 1, columns))
    found = engine(
        """(rows, columns, weight, x, count) => {
          const memory = new KernelMemory(3 + weight.length, count * columns, count * rows);
          memory.place(new Float32Array(3));
          const linear = new Linear({ shape: [rows, columns], values: weight }, null, memory);
          const y = new Float32Array(count * rows);
          linear.apply(Float32Array.from(x), y, count, 1);
          return [linear.memory === memory, y];
        }""",
        rows,
        columns,
        weight.ravel().tolist(),
        x.ravel().tolist(),
        count,
    )
    assert found[0] is True
    np.testing.assert_allclose(np.reshape(found[1], (count, rows)), x[1:] @ weight.T, atol=1e-5)


@pytest.mark.parametrize("count", [1, 3, 4, 9])
def test_a_weighted_sum_of_rows(engine: "EngineInNode", count: int) -> None:
    random = np.random.default_rng(0)
    weights, values = random.normal(size=count + 2), random.normal(size=(count + 1, 7))
    found = engine(
        """(weights, values, count) => {
          const y = new Float32Array(5).fill(9);
          weightedSum(weights, 2, count, values, 7 + 2, 7, 3, y, 1);
          return y;
        }""",
        weights.tolist(),
        values.ravel().tolist(),
        count,
    )
    np.testing.assert_allclose(found, [9, *(weights[2:] @ values[1:, 2:5]), 9], atol=1e-5)


def test_softmax_of_a_part(engine: "EngineInNode") -> None:
    found = engine("(x) => { const y = Float32Array.from(x); softmax(y, 1, 3); return y; }", [5, 1000, 1001, 998, 5])
    np.testing.assert_allclose(found, [5, *torch.tensor([1000.0, 1001, 998]).softmax(0), 5], rtol=1e-6)


def test_a_norm_of_several_vectors(engine: "EngineInNode") -> None:
    x, weight, bias = torch.randn(3, 6), torch.randn(6), torch.randn(6)
    found = engine(
        """(x, weight, bias) => {
          const y = new Float32Array(12);
          const norm = new LayerNorm({ values: weight }, { values: bias }, 0.01);
          norm.apply(x, y, 2, 1);
          return y;
        }""",
        x.flatten().tolist(),
        weight.tolist(),
        bias.tolist(),
    )
    np.testing.assert_allclose(found, F.layer_norm(x, (6,), weight, bias, 0.01)[1:].flatten(), atol=1e-5)


@pytest.mark.parametrize("name", sorted(ACTIVATIONS))
def test_the_activations_are_those_of_the_model(engine: "EngineInNode", name: str) -> None:
    x = torch.cat([torch.linspace(-12, 12, 801), torch.tensor([-1e4, 1e4, 0.0, 1e-20])])
    found = engine("(name, x) => x.map(ACTIVATIONS[name])", name, x.tolist())
    expected = ACTIVATIONS[name](x.double())
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-7)
