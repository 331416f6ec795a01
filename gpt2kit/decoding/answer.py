"""An answer, and the limits of its length."""

from collections.abc import Sequence
from dataclasses import dataclass

from gpt2kit.config import GenerateConfig


@dataclass(frozen=True)
class Answer:
    """Ids without the end token; `finished` is False when the limit ended it."""

    ids: list[int]
    score: float | None
    """Log-probability over the length penalty; known only after beam search."""
    finished: bool


@dataclass(frozen=True)
class Clock:
    """Ends an answer when its ids reach a total, such as the time in music. It counts in whole steps: sums are
    exact."""

    advance: Sequence[int]
    """The number of steps by which each id of the vocabulary advances time; 0 for most."""
    limit: int
    """The id that reaches this total ends the answer."""
    patience: int
    """This many ids in a row that do not advance time end it too."""


def new_token_limit(prompt_tokens: int, window: int, config: GenerateConfig) -> int:
    """The most tokens an answer to such a prompt may have, the end token included; at least 1."""
    limit = config.max_new_tokens
    if not config.roll:
        limit = min(limit, window - prompt_tokens)
    if config.max_ratio:
        limit = min(limit, int(config.max_ratio * prompt_tokens) + 16)
    return max(1, limit)
