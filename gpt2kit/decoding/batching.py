"""Groups prompts of similar length into batches, as many as memory holds."""

import os
from collections.abc import Iterator, Sequence

import torch

from gpt2kit import system as allowance
from gpt2kit.config import GenerateConfig
from gpt2kit.decoding.answer import new_token_limit
from gpt2kit.decoding.average import Model

MOST_ROWS = 256
"""With more rows than this, products are not faster per row."""

SHARE_OF_MEMORY = 0.25
"""The share of free memory that keys, values and logits may use."""

UNKNOWN_MEMORY = 4 << 30
"""Bytes assumed to be free if the system does not say."""


def free_memory(device: torch.device) -> int:
    """Bytes of a device that are free for this process: of those of a CPU, the others that torchrun started here have
    their parts."""
    if device.type == "cuda":
        return torch.cuda.mem_get_info(device)[0]
    found = allowance.memory()
    return (UNKNOWN_MEMORY if found is None else found[1]) // int(os.environ.get("LOCAL_WORLD_SIZE", 1))


def row_bytes(model: Model, slots: int) -> int:
    """Bytes of one row while it is decoded: keys and values, twice as they move when rows leave, and logits."""
    width = sum(member.config.n_layer * member.config.n_embd for member in model.members)
    return 2 * 2 * 4 * width * slots + len(model.members) * 8 * 4 * model.vocab_size


def batches(model: Model, lengths: Sequence[int], config: GenerateConfig) -> Iterator[list[int]]:
    """Indices of the prompts of each batch, the longest prompts first."""
    order = sorted(range(len(lengths)), key=lambda index: lengths[index], reverse=True)
    memory = SHARE_OF_MEMORY * free_memory(model.device)
    while order:
        longest = lengths[order[0]]
        slots = min(longest + new_token_limit(longest, model.window, config), model.window)
        rows = config.batch_rows or min(MOST_ROWS, int(memory / row_bytes(model, slots)))
        prompts = max(1, rows // config.beams)
        yield order[:prompts]
        order = order[prompts:]
