"""Reads an export with transformers.

Shapes: B rows, T positions.
"""

import importlib.metadata
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from gpt2kit.export.padded import PaddedReader
from gpt2kit.export.target import END, LABELS, LIMITS, WINDOW
from gpt2kit.model import transformers_door
from gpt2kit.selftest.probes import Ids


class Transformers(PaddedReader):
    """A model, and a tokenizer if there is one, that transformers has opened; it computes in fp32, and only the first
    `tokens` rows are of tokens."""

    exact = LIMITS["f32"]

    def __init__(self, model: Any, tokens: int, labels: bool = False, tokenizer: Any = None) -> None:
        self.tool = f"transformers {importlib.metadata.version('transformers')}"
        self.model, self.rows, self.labels, self.tokenizer = model, tokens, labels, tokenizer

    def facts(self) -> dict[str, object]:
        """`generate` ends answers with what generation_config.json says, which may have `stop_ids` too."""
        config = self.model.config
        found: dict[str, object] = {WINDOW: config.n_positions, END: config.eos_token_id}
        if self.labels:
            return found | {LABELS: tuple(config.id2label.values())}
        ends = self.model.generation_config.eos_token_id
        return found if config.eos_token_id in (ends if isinstance(ends, list) else [ends]) else found | {END: ends}

    def tokens(self) -> list[str] | None:
        if self.tokenizer is None:
            return None
        found: list[str] = self.tokenizer.convert_ids_to_tokens(range(len(self.tokenizer)))
        return found

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        found: list[Ids] = self.tokenizer(
            list(texts), add_special_tokens=False, split_special_tokens=False, verbose=False
        ).input_ids
        return found

    @torch.no_grad()
    def logits(self, ids: Ids) -> Tensor:
        ids_BT = torch.tensor([ids])
        found: Tensor = self.model(ids_BT, attention_mask=torch.ones_like(ids_BT)).logits
        return found if self.labels else found[0]

    def answers(self, ids_BT: Tensor, mask_BT: Tensor, new: int, stop: int) -> Tensor:
        found: Tensor = transformers_door.greedy(self.model, ids_BT, mask_BT, new, stop, self.rows)
        return found
