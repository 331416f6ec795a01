"""The limits of answers next to the targets of a corpus."""

import math
from collections.abc import Iterable

from gpt2kit.config import EXTRA_TOKENS, UNKNOWN_RATIO, GenerateConfig
from gpt2kit.data.store import Store
from gpt2kit.data.target_lengths import longer_than, longer_than_ratio, needed_ratio
from gpt2kit.decoding.answer import limit_with_value

BEYOND = 1000
"""One of this many rows may have a longer target than the ratio allows: large corpora have misaligned rows."""

SLACK = 1.5
"""Inputs that are not in the corpus may need more: the ratio is this many times the one that its rows need."""


def fitting_ratio(store: Store) -> float:
    """The value of generate.max_ratio that fits the rows of a split: at least UNKNOWN_RATIO."""
    return max(UNKNOWN_RATIO, math.ceil(100 * SLACK * needed_ratio(store, EXTRA_TOKENS, BEYOND)) / 100)


def longer(limits: Iterable[str], config: GenerateConfig, fitting: float | None) -> dict[str, str]:
    """By each limit, in words, the setting that allows longer answers; empty for the window.

    `fitting` is the ratio that the training data needs, if it is known.
    """
    ratio = fitting if fitting and fitting > config.ratio else 2 * config.ratio
    settings = {"max_ratio": f"max_ratio={ratio:g}", "max_new_tokens": f"max_new_tokens={2 * config.max_new_tokens}"}
    return {limit_with_value(name, config): f"generate.{settings[name]}" if name in settings else "" for name in limits}


def beyond(store: Store, config: GenerateConfig) -> dict[str, int]:
    """The number of rows whose targets are longer than an answer may become, by the knob with its value."""
    longer = {f"generate.max_new_tokens = {config.max_new_tokens}": longer_than(store, config.max_new_tokens)}
    if config.ratio:
        longer[f"generate.max_ratio = {config.ratio:g}"] = longer_than_ratio(store, config.ratio, EXTRA_TOKENS)
    return {knob: count for knob, count in longer.items() if count}
