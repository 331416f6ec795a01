"""The first forward pass over the prompts, which fills the cache; what greedy decoding and beam search share."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from gpt2kit.config import GenerateConfig
from gpt2kit.model.cache import Cache
from gpt2kit.model.gpt2 import GPT2


@dataclass(frozen=True)
class Answer:
    """Ids without the end token; `finished` is False when the limit ended it."""

    ids: list[int]
    score: float | None
    """Log-probability over the length penalty; known after beam search only."""
    finished: bool


def new_token_limit(prompt_tokens: int, model: GPT2, config: GenerateConfig) -> int:
    """The most tokens an answer to such a prompt may have, the end token included; at least 1."""
    limit = min(config.max_new_tokens, model.config.n_positions - prompt_tokens)
    if config.max_ratio:
        limit = min(limit, int(config.max_ratio * prompt_tokens) + 16)
    return max(1, limit)


def prefill(model: GPT2, prompts: Sequence[Sequence[int]], most_new: int) -> tuple[Tensor, Cache]:
    """Logits [B, V] after each prompt, and the cache with the prompts in it, room left for `most_new` tokens."""
    device = model.head.device
    lengths = [len(prompt) for prompt in prompts]
    longest = max(lengths)
    padded = [[*prompt, *[0] * (longest - len(prompt))] for prompt in prompts]
    ids_BT = torch.tensor(padded, device=device)
    lengths_B = torch.tensor(lengths, device=device)
    cache = model.new_cache(len(prompts), longest + most_new)
    hidden_BTD = model.cached_hidden(ids_BT, cache)
    cache.advance(lengths_B, longest)
    last_BD = hidden_BTD[torch.arange(len(prompts), device=device), lengths_B - 1]
    return model.logits(last_BD), cache
