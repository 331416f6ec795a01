"""Gradient checkpointing (Chen et al. 2016): a block keeps only its input, and the backward pass computes the block
again."""

from functools import partial

from torch.utils.checkpoint import checkpoint

from gpt2kit.model.gpt2 import GPT2


def checkpoint_blocks(model: GPT2) -> None:
    """Compute each block's forward pass twice in training, with the same noise and so the same numbers.

    Their `forward` is wrapped, so that FSDP2 and torch.compile still see a block.
    """
    for block in model.transformer.blocks():
        # An attribute, as a separate module around each block would change the weights' names.
        object.__setattr__(block, "forward", partial(checkpoint, block.forward, use_reentrant=False))
