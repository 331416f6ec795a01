"""Reads an export with transformers.

Shapes: B rows, T positions, V vocabulary, C classes.
"""

import importlib.metadata
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gpt2kit.export.target import Reader
from gpt2kit.model import transformers_door
from gpt2kit.selftest.probes import Ids

ROWS = 25
"""Number of prompts that are answered together."""


class Transformers(Reader):
    """A model, and a tokenizer if there is one, that transformers has opened; it computes in fp32, and only the first
    `tokens` rows are of tokens."""

    def __init__(self, model: Any, tokens: int, labels: bool = False, tokenizer: Any = None) -> None:
        self.tool = f"transformers {importlib.metadata.version('transformers')}"
        self.model, self.tokens, self.labels, self.tokenizer = model, tokens, labels, tokenizer

    def encode(self, texts: Sequence[str]) -> list[Ids] | None:
        return None if self.tokenizer is None else self.tokenizer(list(texts), add_special_tokens=False).input_ids

    @torch.no_grad()
    def logits(self, ids: Ids) -> Tensor:
        ids_BT = torch.tensor([ids])
        found: Tensor = self.model(ids_BT, attention_mask=torch.ones_like(ids_BT)).logits
        return found if self.labels else found[0]

    def greedy(self, prompts: Sequence[Ids], new: int, stop: int) -> list[Ids]:
        found: list[Ids] = [[]] * len(prompts)
        order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        for start in range(0, len(order), ROWS):
            chosen = order[start : start + ROWS]
            width = max(len(prompts[index]) for index in chosen)
            gaps = [width - len(prompts[index]) for index in chosen]
            ids_BT = torch.tensor([[stop] * gap + prompts[index] for index, gap in zip(chosen, gaps, strict=True)])
            mask_BT = (torch.arange(width) >= torch.tensor(gaps)[:, None]).long()
            answers_BT = transformers_door.greedy(self.model, ids_BT, mask_BT, new, stop, self.tokens)
            for index, answer in zip(chosen, answers_BT.tolist(), strict=True):
                found[index] = answer[: answer.index(stop) + 1] if stop in answer else answer
        return found
