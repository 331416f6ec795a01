"""The page's random numbers are those of PyTorch's generator."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from gpt2kit.config import LARGEST_SEED

COUNT = 1500
"""More than two states of the generator."""

NUMBERS = """(seed, count) => {
    const random = new Random(seed);
    return Array.from(Array(count), () => random.uniform());
}"""


@pytest.mark.parametrize("seed", [0, 1, 3, 42, 2**31 - 1, 2**31, LARGEST_SEED, LARGEST_SEED + 8])
def test_the_numbers_of_a_seed(engine: Callable[..., Any], seed: int) -> None:
    wanted = torch.rand(COUNT, generator=torch.Generator().manual_seed(seed))
    assert engine(NUMBERS, seed, COUNT) == wanted.tolist()
