"""A model's attention weights, for pictures.

Shapes: L layers, H heads, T positions.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from gpt2kit.model.gpt2 import GPT2


@torch.no_grad()
def attention_spans(model: GPT2, ids: Sequence[int]) -> Iterator[tuple[int, Tensor]]:
    """Yield (start, row) for each position t: its weights on the positions from `start` up to itself.

    A row is [L, H, t - start + 1] in fp32 on the CPU. Longer inputs are read in windows that overlap by half; `start`
    is the beginning of the position's window, and earlier positions are invisible. Compressed attention sees groups: a
    group's weight is spread evenly over it, and rows sum to less than 1.
    """
    window = model.config.n_positions
    half = window // 2
    model.eval()
    done = 0
    while done < len(ids):
        start = max(0, done - half)
        weights_LHTT = _weights(model, ids[start : start + window])
        for position in range(done, min(len(ids), start + window)):
            yield start, weights_LHTT[:, :, position - start, : position - start + 1]
            done += 1


def _weights(model: GPT2, ids: Sequence[int]) -> Tensor:
    """[L, H, T, T] for ids that fit into the window."""
    body, device = model.transformer, model.head.device
    x_BTD = body.wte(torch.tensor([list(ids)], device=device)) + body.wpe.weight[: len(ids)]
    found = []
    for block in body.blocks():
        found.append(block.attn.weights(block.ln_1(x_BTD))[0])
        x_BTD = block(x_BTD)
    return torch.stack(found).cpu()
