"""Greedy answers by a tool that takes several padded prompts in one call.

Shapes: B rows, T positions.
"""

from abc import abstractmethod
from collections.abc import Sequence

import torch
from torch import Tensor

from gpt2kit.export.target import Reader
from gpt2kit.selftest.probes import Ids

ROWS = 25
"""Number of prompts that are answered together."""


class PaddedReader(Reader):
    """A tool that answers prompts of different lengths together."""

    @abstractmethod
    def answers(self, ids_BT: Tensor, mask_BT: Tensor, new: int, stop: int) -> Tensor:
        """Greedy answers [B, at most `new`] to prompts that are padded on the left; ids after `stop` mean nothing."""

    def greedy(self, prompts: Sequence[Ids], new: int, stop: int) -> list[Ids]:
        found: list[Ids] = [[]] * len(prompts)
        order = sorted(range(len(prompts)), key=lambda index: len(prompts[index]))
        for start in range(0, len(order), ROWS):
            chosen = order[start : start + ROWS]
            width = max(len(prompts[index]) for index in chosen)
            gaps = [width - len(prompts[index]) for index in chosen]
            ids_BT = torch.tensor([[stop] * gap + prompts[index] for index, gap in zip(chosen, gaps, strict=True)])
            mask_BT = (torch.arange(width) >= torch.tensor(gaps)[:, None]).long()
            answers = self.answers(ids_BT, mask_BT, new, stop).tolist()
            for index, answer in zip(chosen, answers, strict=True):
                found[index] = answer[: answer.index(stop) + 1] if stop in answer else answer
        return found
