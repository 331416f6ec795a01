"""Gradient checkpointing (Chen et al. 2016): a block keeps its input alone, and is computed again going backward."""

from functools import partial

from torch.utils.checkpoint import checkpoint

from gpt2kit.model.gpt2 import GPT2


def checkpoint_blocks(model: GPT2) -> None:
    """From now on each block's forward pass is computed twice in training, with the same noise: the same numbers.

    It is their `forward` that is wrapped, so that what is around a block (FSDP2, torch.compile) sees one block.
    """
    for block in model.transformer.blocks():
        # An attribute, as a module of its own around each block would change the weights' names.
        object.__setattr__(block, "forward", partial(checkpoint, block.forward, use_reentrant=False))
