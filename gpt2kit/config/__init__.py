"""The knobs that every task shares. Each part of the core receives its own section, never the whole recipe.

A field's `help` is what `gpt2kit recipes show` prints; the defaults here apply if a recipe does not state a knob.
"""

from gpt2kit.config.generate import (
    CORPUS,
    EXTRA_TOKENS,
    RANDOM,
    UNKNOWN_RATIO,
    GenerateConfig,
    with_generation,
)
from gpt2kit.config.knobs import LARGEST_SEED, above_zero, at_least, check, duration, knob, seeded, share
from gpt2kit.config.model import ACTIVATIONS, ATTENTIONS, SIZES, VARIANT, ModelConfig
from gpt2kit.config.train import LENGTH, TrainConfig

__all__ = [
    "ACTIVATIONS",
    "ATTENTIONS",
    "CORPUS",
    "EXTRA_TOKENS",
    "LARGEST_SEED",
    "LENGTH",
    "RANDOM",
    "SIZES",
    "UNKNOWN_RATIO",
    "VARIANT",
    "GenerateConfig",
    "ModelConfig",
    "TrainConfig",
    "above_zero",
    "at_least",
    "check",
    "duration",
    "knob",
    "seeded",
    "share",
    "with_generation",
]
