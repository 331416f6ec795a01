"""What the ONNX graph of a run computes, as PyTorch modules that torch.onnx can trace.

Shapes: B rows, T new positions, S positions with those of the cache, H heads, K width of a head, V vocabulary, C
classes.
"""

from collections.abc import Sequence
from functools import partial

import torch
from torch import Tensor, nn

from gpt2kit.model.attention import Attention, by_distance, scaled_scores
from gpt2kit.model.compressed import CompressedAttention
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.local import LocalAttention
from gpt2kit.model.relative import RelativeAttention
from gpt2kit.model.relative_local import RelativeLocalAttention

HIDDEN = torch.finfo(torch.float32).min
"""The score of a key that is not seen. With -inf, padding before a text would see nothing and become NaN."""

KeyValue = tuple[Tensor, Tensor]


def has_cache(model: GPT2) -> bool:
    """Whether a graph with a cache can compute the model: classifiers have no use for one, and the slots of compressed
    attention are no keys of single positions."""
    return not model.labels and not any(isinstance(block.attn, CompressedAttention) for block in model.transformer.h)


class CachedGraph(nn.Module):
    """The logits of new tokens, and the keys and values of all tokens, which the next call takes as its past."""

    def __init__(self, model: GPT2) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, input_ids: Tensor, attention_mask: Tensor, position_ids: Tensor, past: Sequence[KeyValue]
    ) -> tuple[Tensor, list[KeyValue]]:
        """ids and positions are [B, T]; the mask [B, S] is 0 for padding; past is [B, H, S - T, K] for each layer."""
        body, new = self.model.transformer, input_ids.size(1)
        slots_S = torch.arange(attention_mask.size(1))
        visible_BTS = (attention_mask[:, None] != 0) & (slots_S <= slots_S[-new:, None])
        place_BS = (attention_mask.cumsum(1) - 1).clamp(min=0)
        present: list[KeyValue] = []

        def attend(attention: Attention, past: KeyValue, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            present.append((torch.cat([past[0], key], 2), torch.cat([past[1], value], 2)))
            return attended(attention, query, *present[-1], visible_BTS, place_BS[:, -new:], place_BS)

        x_BTD = body.wte(input_ids) + body.wpe(position_ids)
        for block, before in zip(body.blocks(), past, strict=True):
            x_BTD = block(x_BTD, partial(attend, block.attn, before))
        return self.model.logits(body.ln_f(x_BTD)), present


class WholeGraph(nn.Module):
    """The logits of whole texts: of every position, or of a classifier."""

    def __init__(self, model: GPT2) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """Both are [B, T]; logits are [B, T, V], or [B, C] of the last token that is not padding.

        Positions, blocks and groups count from the first token: padding is moved to the right, where no token sees it.
        """
        is_token = attention_mask != 0
        token_BT, padding_BT = is_token.long(), (~is_token).long()
        count_B1 = token_BT.sum(1, keepdim=True)
        place_BT = torch.where(is_token, token_BT.cumsum(1) - 1, count_B1 + padding_BT.cumsum(1) - 1)
        x_BTD = self.hidden(torch.zeros_like(input_ids).scatter(1, place_BT, input_ids))
        if self.model.score is None:
            return self.model.logits(x_BTD.gather(1, place_BT[..., None].expand(-1, -1, x_BTD.size(2))))
        last_B11 = (count_B1 - 1).clamp(min=0)[..., None]
        return self.model.score(x_BTD.gather(1, last_B11.expand(-1, -1, x_BTD.size(2)))[:, 0])

    def hidden(self, ids_BT: Tensor) -> Tensor:
        """[B, T, D], after the last norm."""
        body = self.model.transformer
        place_BT = torch.arange(ids_BT.size(1)).expand_as(ids_BT)

        def attend(attention: Attention, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
            last_seen_BT1 = place_BT[..., None]
            if isinstance(attention, CompressedAttention):
                key, value = attention.slots_of(key, value)
                last_seen_BT1 = (last_seen_BT1 + 1) // attention.compression
            visible_BTS = torch.arange(key.size(2)) <= last_seen_BT1
            return attended(attention, query, key, value, visible_BTS, place_BT, place_BT)

        x_BTD = body.wte(ids_BT) + body.wpe(place_BT)
        for block in body.blocks():
            x_BTD = block(x_BTD, partial(attend, block.attn))
        return body.ln_f(x_BTD)


def attended(
    attention: Attention,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    visible_BTS: Tensor,
    query_place_BT: Tensor,
    key_place_BS: Tensor,
) -> Tensor:
    """The weighted sums of one layer's heads, [B, H, T, K]; places are positions within a text."""
    scores_BHTS = scaled_scores(query, key)
    if isinstance(attention, RelativeAttention):
        distance_BTS = query_place_BT[:, :, None] - key_place_BS[:, None]
        scores_BHTS = scores_BHTS + by_distance(query, attention.distance, distance_BTS)
    if isinstance(attention, LocalAttention | RelativeLocalAttention):
        blocks_before = 0 if isinstance(attention, LocalAttention) else 1
        apart_BTS = query_place_BT[:, :, None] // attention.block - key_place_BS[:, None] // attention.block
        visible_BTS = visible_BTS & (apart_BTS <= blocks_before)
    return scores_BHTS.masked_fill(~visible_BTS[:, None], HIDDEN).softmax(-1) @ value
