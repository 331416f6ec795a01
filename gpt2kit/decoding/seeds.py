"""Draws the seed of a call that samples and names none."""

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
