"""An answer, and the limits of its length."""

from dataclasses import dataclass

from gpt2kit.config import EXTRA_TOKENS, GenerateConfig


@dataclass(frozen=True)
class Answer:
    """Ids without the end token; `finished` is False when the limit ended it."""

    ids: list[int]
    score: float | None
    """Log-probability over the length penalty; None if it was not asked for, except after beam search."""
    finished: bool
    log_probability: float | None = None
    """Sum over all tokens of the answer, the end token included, by the model's own distribution: before repetition
    penalty, banned ids, temperature, top-k and top-p. None where `score` is None."""


WINDOW = "window"


def length_penalty(length: int, alpha: float) -> float:
    """((5 + length) / 6)^alpha, by which a log-probability is divided; length counts the end token."""
    return ((5 + length) / 6) ** alpha


def new_token_limit(prompt_tokens: int, window: int, config: GenerateConfig) -> int:
    """The most tokens an answer to such a prompt may have, the end token included; at least 1."""
    return max(1, min(_limits(prompt_tokens, window, config).values()))


def limited_by(prompt_tokens: int, window: int, config: GenerateConfig) -> str:
    """The limit that an unfinished answer to such a prompt has reached: the name of a knob, or WINDOW."""
    limits = _limits(prompt_tokens, window, config)
    return min(limits, key=limits.__getitem__)


def limit_with_value(limit: str, config: GenerateConfig) -> str:
    """A limit in words, for a report: a knob with its value, or the window."""
    if limit == WINDOW:
        return "the end of the window"
    return f"generate.{limit} = {config.ratio if limit == 'max_ratio' else config.max_new_tokens:g}"


def _limits(prompt_tokens: int, window: int, config: GenerateConfig) -> dict[str, int]:
    limits = {} if config.roll else {WINDOW: window - prompt_tokens}
    if config.ratio:
        limits["max_ratio"] = int(config.ratio * prompt_tokens) + EXTRA_TOKENS
    return limits | {"max_new_tokens": config.max_new_tokens}
