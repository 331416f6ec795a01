"""Intermediate results of one forward pass: what every layer reads, attends to and writes. The core does not depend on
it: each layer is queried for its parts and then computes as usual.

Shapes: T positions, D width, H heads, K = D / H, S keys, F neurons of an MLP, V vocabulary.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from gpt2kit.model.ablation import Off
from gpt2kit.model.attention import Attention, AttentionTrace
from gpt2kit.model.gpt2 import GPT2


class Layer(NamedTuple):
    """One block: its input and what its two halves add to it."""

    kind: str
    """The trace of its attention."""
    before: Tensor
    """[T, D], the incoming residual stream."""
    attention: Tensor
    """[T, D], the output of attention."""
    mlp: Tensor
    """[T, D], the output of the MLP after it."""
    neurons: Tensor
    """[T, F], the activations of the MLP's neurons."""
    heads: Tensor
    """[H, T, D], the output of each head; with the bias of `c_proj` they sum to `attention`."""
    trace: AttentionTrace
    """The trace of the single row, without B."""

    @property
    def after(self) -> Tensor:
        """[T, D], the outgoing residual stream."""
        return self.before + self.attention + self.mlp


@torch.no_grad()
def embedded(model: GPT2, ids: Sequence[int]) -> tuple[Tensor, Tensor]:
    """The vectors of the tokens and of their positions, [T, D] each: their sum is what the first block reads.

    Raises ValueError for no ids, and for more than the window holds.
    """
    window = model.config.n_positions
    if not 0 < len(ids) <= window:
        raise ValueError(f"{len(ids)} tokens; expected 1 to {window}, the model's window")
    body = model.transformer
    return body.wte(torch.tensor([*ids], device=model.head.device)), body.wpe.weight[: len(ids)]


@torch.no_grad()
def layers(model: GPT2, ids: Sequence[int], off: Off | None = None) -> Iterator[Layer]:
    """Yield the blocks in turn, each computed on request: long inputs need the memory of one layer. `off` are the parts
    that `ablation.without` has switched off: heads among them write nothing."""
    model.eval()
    tokens_TD, positions_TD = embedded(model, ids)
    x_TD = tokens_TD + positions_TD
    silent = Off() if off is None else off
    for number, (block, kind) in enumerate(zip(model.transformer.blocks(), model.config.kinds, strict=True)):
        normed = block.ln_1(x_TD[None])
        trace = block.attn.trace(normed)
        attention_TD = block.attn(normed)[0]
        middle_TD = x_TD + attention_TD
        normed = block.ln_2(middle_TD[None])
        mlp_TD, neurons_TF = block.mlp(normed)[0], block.mlp.act(block.mlp.c_fc(normed))[0]
        alone = trace._replace(query=trace.query[0], key=trace.key[0], value=trace.value[0], scores=trace.scores[0])
        heads_HTD = written_by_heads(block.attn, alone)
        for head in range(block.attn.heads):
            if number in silent.attentions or (number, head) in silent.heads:
                heads_HTD[head] = 0
        yield Layer(kind, x_TD, attention_TD, mlp_TD, neurons_TF, heads_HTD, alone)
        x_TD = middle_TD + mlp_TD


@torch.no_grad()
def written_by_heads(attention: Attention, trace: AttentionTrace) -> Tensor:
    """The output of each head into the residual stream, [H, T, D]: its weighted sums, through its part of `c_proj`."""
    gathered_HTK = trace.weights.to(trace.value.dtype) @ trace.value
    width = gathered_HTK.size(-1)
    parts_HDK = attention.c_proj.weight.unflatten(1, (attention.heads, width)).transpose(0, 1)
    return gathered_HTK @ parts_HDK.transpose(1, 2)


@torch.no_grad()
def lens(model: GPT2, residual: Tensor) -> Tensor:
    """Logits [..., V] that the model would give if it stopped at this residual stream [..., D]: the last norm and the
    head, after any layer (nostalgebraist 2020, "interpreting GPT: the logit lens"). For the last layer these are the
    model's own."""
    return model.logits(model.transformer.ln_f(residual)).float()
