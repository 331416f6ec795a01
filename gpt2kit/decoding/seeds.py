"""Seeds of sampling: of a call that names none, of its inputs, and of several samples of one input."""

import random
import secrets
from collections.abc import Sequence
from dataclasses import replace

from gpt2kit.config import GenerateConfig

BELOW = 2**31
"""Seeds are drawn below this, so that seed + i can be given as a seed, too."""


def with_seed(config: GenerateConfig) -> GenerateConfig:
    """The settings with a number as their seed: one that is drawn now, if they sample and name none."""
    if isinstance(config.seed, int):
        return config
    return replace(config, seed=secrets.randbelow(BELOW) if config.temperature > 0 else 0)


def reproducible(config: GenerateConfig) -> GenerateConfig:
    """The settings with a fixed seed where they name none: for outputs that are compared with each other."""
    return config if isinstance(config.seed, int) else replace(config, seed=0)


def seeds(config: GenerateConfig, numbers: Sequence[int]) -> list[int]:
    """The seed of each of these inputs of a call; its settings must have a number as their seed."""
    assert isinstance(config.seed, int), "with_seed comes first"
    return [config.seed + number for number in numbers]


def of_samples(seed: int, count: int) -> list[int]:
    """The seeds of several samples of an input: its own, then others that follow from it alone. Its neighbors would be
    those of other inputs; and only the lower 32 bits of a seed count for torch."""
    drawn = random.Random(seed)
    return [seed, *(drawn.getrandbits(32) for _ in range(count - 1))]
