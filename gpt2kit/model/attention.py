"""Causal self-attention: the base class of all kinds, and the products that several share.

Shapes: B rows, T positions, D width, H heads, K = D / H, S keys; in decoding P prompts, W hypotheses of each.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gpt2kit.config import ModelConfig
from gpt2kit.model import kernels
from gpt2kit.model.cache import Cache, DecodeMasks, LayerCache
from gpt2kit.model.layers import Linear

SHORT = 512
"""Up to this many positions three plain products beat the fused CPU kernel, forward and backward: by 4.7 times at 30,
and by a tenth of a whole training step at 256 and at 512."""


def causal_attention(query: Tensor, key: Tensor, value: Tensor, table_HSK: Tensor | None = None) -> Tensor:
    """softmax(mask(Q K^T / sqrt(K))) V: every position sees itself and those before it; all are [B, H, T, K].

    With a table of vectors by distance it is relative attention, softmax(mask((Q K^T + S) / sqrt(K))) V with S[i, j] =
    q_i . table[i - j] (Shaw et al. 2018; Huang et al. 2018, equation 3).
    """
    if table_HSK is not None:
        bias_BHTT = relative_bias(query, table_HSK[:, : query.size(2)])
        if query.device.type == "cpu":
            return short_attention(query, key, value, bias_BHTT)
        return F.scaled_dot_product_attention(
            query, key, value, attn_mask=bias_BHTT.masked_fill(future(query, key), -torch.inf)
        )
    if query.device.type == "cpu" and query.size(2) <= SHORT:
        return short_attention(query, key, value)
    return F.scaled_dot_product_attention(query, key, value, is_causal=True)


def short_attention(query: Tensor, key: Tensor, value: Tensor, bias: Tensor | None = None) -> Tensor:
    """The same as plain products; `bias` is added to the scaled scores."""
    return attention_weights(query, key, bias).to(value.dtype) @ value


def attention_weights(query: Tensor, key: Tensor, bias: Tensor | None = None) -> Tensor:
    """Attention weights, [B, H, T, S] in fp32; the queries are those of the last T keys."""
    scores_BHTS = scaled_scores(query, key)
    if bias is not None:
        scores_BHTS = scores_BHTS + bias
    return scores_BHTS.masked_fill(future(query, key), float("-inf")).softmax(-1, dtype=torch.float32)


def scaled_scores(query: Tensor, key: Tensor) -> Tensor:
    """Q K^T / sqrt(K), [B, H, T, S]."""
    return (query @ key.transpose(-1, -2)) * query.size(-1) ** -0.5


def relative_bias(query: Tensor, table_HSK: Tensor) -> Tensor:
    """The bias of the distances on the scaled scores of the last T of S keys, [B, H, T, S]; meaningless where the key
    comes after the query."""
    longest_first = F.pad(table_HSK.flip(1), (0, 0, 1, 0))  # preceded by the column that skews
    return skewed((query * query.size(-1) ** -0.5) @ longest_first.transpose(-1, -2))


def future(query: Tensor, key: Tensor) -> Tensor:
    """[T, S]: True where the key comes after the query, which is that of one of the last T keys."""
    keys_S = torch.arange(key.size(2), device=key.device)
    return keys_S > keys_S[key.size(2) - query.size(2) :, None]


def skewed(scores_BHTS: Tensor) -> Tensor:
    """From [i, 1 + distance], the largest distance S - 1 first after a column of any values, to [i, j] with distance S
    - T + i - j; correct where that is 0 or more, and arbitrary elsewhere (Huang et al. 2018, section 3.4.1)."""
    rows, heads, positions, columns = scores_BHTS.shape
    if columns == positions + 1:
        return scores_BHTS.view(rows, heads, columns, positions)[:, :, 1:]
    return scores_BHTS.flatten(2)[..., positions:].unflatten(2, (positions, columns - 1))


def by_distance(query: Tensor, table_HSK: Tensor, distances: Tensor) -> Tensor:
    """q . table[distance] / sqrt(K) of a few queries [B, H, T, K] for distances [B, T, S]; [B, H, T, S]."""
    scores_BHTS = (query * query.size(-1) ** -0.5) @ table_HSK.to(query.dtype).transpose(-1, -2)
    heads = scores_BHTS.size(1)
    wanted = distances.clamp(0, table_HSK.size(1) - 1)[:, None].expand(-1, heads, -1, -1)
    return scores_BHTS.gather(-1, wanted)


def cached_attention(
    query: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, bias: Tensor | None = None
) -> Tensor:
    """Attention of a few new queries [B, H, T, K] to all keys [B, H, S, K] that `mask` [B, 1, T, S] shows (None:
    all): 0 for those, else -inf; `bias` [B, H, T, S] is added to the scaled scores."""
    query = query.to(keys.dtype)
    if kernels.fuses(query.device):
        if bias is not None:
            mask = bias if mask is None else bias + mask
        return F.scaled_dot_product_attention(query, keys, values, attn_mask=mask)
    query = query * query.size(-1) ** -0.5
    if query.size(2) == 1:  # a product with a column takes a CPU two thirds of the time of one with a row
        scores_BHTS = (keys @ query.transpose(-1, -2)).transpose(-1, -2)
    else:
        scores_BHTS = query @ keys.transpose(-1, -2)
    if bias is not None:
        scores_BHTS += bias
    if mask is not None:
        scores_BHTS += mask
    return scores_BHTS.softmax(-1) @ values


def by_head(c_attn: Callable[[Tensor], Tensor], heads: int, x_BTD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Query, key and value, each [B, H, T, K], from their fused product."""
    rows, positions, _ = x_BTD.shape
    query, key, value = c_attn(x_BTD).view(rows, positions, 3, heads, -1).permute(2, 0, 3, 1, 4)
    return query, key, value


class AttentionTrace(NamedTuple):
    """Everything that a layer's heads compute before they sum the values, for inspection."""

    query: Tensor
    """[B, H, T, K]."""
    key: Tensor
    """[B, H, S, K]."""
    value: Tensor
    """[B, H, S, K]."""
    scores: Tensor
    """[B, H, T, S], scaled; NaN where a key has no score, for example at a distance without a vector."""
    hidden: Tensor
    """[T, S]: True where a query must not see the key."""
    spans: Tensor
    """[S, 2], the first and the last position of each key; -1 for a key without positions."""

    @property
    def weights(self) -> Tensor:
        """Attention weights, [B, H, T, S] in fp32; a row sums to 1."""
        return self.scores.masked_fill(self.hidden, float("-inf")).softmax(-1, dtype=torch.float32)


Attend = Callable[[Tensor, Tensor, Tensor], Tensor]
"""(query, key, value), each [B, H, T, K], to the weighted sums of each head, [B, H, T, K]."""


class Attention(nn.Module, ABC):
    """A kind of masked self-attention between GPT-2's two projections; one fused product gives query, key and value.

    Each kind is a subclass. It defines how its heads attend in training (`attend`), for inspection (`trace`) and in
    decoding (`prefill`, `decode_step`). The parameters that it adds are its own attributes.
    """

    saved: ClassVar[tuple[str, ...]] = ()
    """Fields of ModelConfig that the kind depends on in addition to GPT-2's; config.json has them under the same
    names."""
    meanings: ClassVar[dict[str, str]] = {}
    """Descriptions of the parameters that the kind adds, by the beginning of their names."""
    summary: ClassVar[str]
    """A sentence for people: what a token sees. `{block}` and the like are fields of ModelConfig."""
    knows_distances: ClassVar[bool] = False
    """Whether it distinguishes positions by their distance."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads = config.n_head
        self.query_scale = 1.0
        """Factor of the queries, and so of all scores, in variants of GPT-2 that scale these in another way."""
        self.c_attn: nn.Linear = Linear(config.n_embd, 3 * config.n_embd)
        self.c_proj: nn.Linear = Linear(config.n_embd, config.n_embd)

    def initialise(self, std: float) -> None:
        """Draw the parameters that the kind adds; `std` is that of GPT-2's products."""

    def forward(self, x_BTD: Tensor, attend: Attend | None = None, positions_N: Tensor | None = None) -> Tensor:
        """Padding is on the right, so that no other token sees it. In decoding `attend` keeps a cache. With
        `positions_N`, flat in B x T, only what these attend to comes out, [N, D]."""
        attended_BTD = (attend or self.attend)(*self.projected(x_BTD)).transpose(1, 2).flatten(2)
        return self.c_proj(attended_BTD if positions_N is None else attended_BTD.flatten(0, 1)[positions_N])

    def projected(self, x_BTD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value, each [B, H, T, K]."""
        query, key, value = by_head(self.c_attn, self.heads, x_BTD)
        return (query if self.query_scale == 1 else query * self.query_scale), key, value

    @abstractmethod
    def attend(self, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """The weighted sums of each head; all are [B, H, T, K]."""

    def trace(self, x_BTD: Tensor) -> AttentionTrace:
        """The intermediate results of `forward`: here those of plain causal attention."""
        query, key, value = self.projected(x_BTD)
        positions_T = torch.arange(x_BTD.size(1), device=x_BTD.device)
        spans = positions_T[:, None].expand(-1, 2)
        return AttentionTrace(query, key, value, scaled_scores(query, key), future(query, key), spans)

    def weights(self, x_BTD: Tensor) -> Tensor:
        """The attention weights of every position, [B, H, T, T] in fp32."""
        return self.trace(x_BTD).weights

    def new_masks(self, cache: Cache) -> DecodeMasks:
        """Masks that the layers of this kind share while a batch is decoded; here a token sees all that precede it."""
        return DecodeMasks(cache)

    def new_layer_cache(self, masks: Any) -> LayerCache[DecodeMasks]:
        """This layer's cache of a batch; `masks` come from `new_masks`. Here it has a key and a value per token."""
        return LayerCache(masks)

    def prefill(self, layer: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """`attend` on prompts that are padded on the right, all [P, H, T, K]; `layer`, which is empty, stores them."""
        layer.fill(key, value)
        return self.attend(query, key, value)

    @abstractmethod
    def decode_step(self, layer: Any, query: Tensor, key: Tensor, value: Tensor) -> Tensor:
        """Attention of one more token of each hypothesis, all [P, H, W, K]; `layer` stores it too."""

    @classmethod
    def flop(cls, config: ModelConfig, lengths: Any) -> Any:
        """FLOP of one layer's scores and sums in training, forward and backward, for rows of `lengths` tokens."""
        return 12 * config.n_embd * lengths * lengths
