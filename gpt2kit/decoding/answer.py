"""An answer, and how long it may get."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpt2kit.config import GenerateConfig


@dataclass(frozen=True)
class Answer:
    """Ids without the end token; `finished` is False when the limit ended it."""

    ids: list[int]
    score: float | None
    """Log-probability over the length penalty; known after beam search only."""
    finished: bool


@dataclass(frozen=True)
class Clock:
    """Ends an answer by what its ids add up to, as the time in music does. It counts in whole steps: sums are exact."""

    advance: Sequence[int]
    """How many steps each id of the vocabulary moves time on; 0 for most."""
    limit: int
    """The answer ends with the id that reaches it."""
    patience: int
    """So many ids in a row that do not move time end it too."""


def new_token_limit(prompt_tokens: int, window: int, config: GenerateConfig) -> int:
    """The most tokens an answer to such a prompt may have, the end token included; at least 1."""
    limit = config.max_new_tokens
    if not config.roll:
        limit = min(limit, window - prompt_tokens)
    if config.max_ratio:
        limit = min(limit, int(config.max_ratio * prompt_tokens) + 16)
    return max(1, limit)
