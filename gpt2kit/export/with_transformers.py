"""Reads an export with transformers.

Shapes: B rows, T positions.
"""

import importlib.metadata
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gpt2kit.export.padded import PaddedReader
from gpt2kit.model import transformers_door
from gpt2kit.selftest.probes import Ids


class Transformers(PaddedReader):
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

    def answers(self, ids_BT: Tensor, mask_BT: Tensor, new: int, stop: int) -> Tensor:
        found: Tensor = transformers_door.greedy(self.model, ids_BT, mask_BT, new, stop, self.tokens)
        return found
