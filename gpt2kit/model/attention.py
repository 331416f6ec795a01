"""Causal self-attention. Shapes: B rows, T positions, D width, H heads, K = D / H, S keys."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gpt2kit.config import ModelConfig

SHORT = 512
"""Up to this many positions three plain products beat the fused CPU kernel, forward and backward: 4.7 times at 30, and
by a tenth of a whole training step at 256 and at 512."""


def causal_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """softmax(mask(Q K^T / sqrt(K))) V: every position sees itself and what is before it; all are [B, H, T, K]."""
    if query.device.type == "cpu" and query.size(2) <= SHORT:
        return short_attention(query, key, value)
    return F.scaled_dot_product_attention(query, key, value, is_causal=True)


def short_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """The same, step by step."""
    scores_BHTT = (query @ key.transpose(-1, -2)) * query.size(-1) ** -0.5
    positions_T = torch.arange(query.size(2), device=query.device)
    scores_BHTT = scores_BHTT.masked_fill(positions_T > positions_T[:, None], float("-inf"))
    return scores_BHTT.softmax(-1, dtype=torch.float32).to(value.dtype) @ value


def cached_attention(query: Tensor, keys: Tensor, values: Tensor, visible: Tensor | None) -> Tensor:
    """A few new queries [B, H, T, K] against all keys [B, H, S, K] that `visible` [B, 1, T, S] shows (None: all)."""
    query = query.to(keys.dtype)
    if query.device.type != "cpu":
        return F.scaled_dot_product_attention(query, keys, values, attn_mask=visible)
    scores_BHTS = (query * query.size(-1) ** -0.5) @ keys.transpose(-1, -2)
    if visible is not None:
        scores_BHTS = scores_BHTS.masked_fill(~visible, float("-inf"))
    return scores_BHTS.softmax(-1) @ values


class Attention(nn.Module):
    """Full masked self-attention, scaled by 1 / sqrt(K); one fused projection gives query, key and value."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        self.heads = config.n_head
        self.c_attn = nn.Linear(config.n_embd, 3 * config.n_embd)
        self.c_proj = nn.Linear(config.n_embd, config.n_embd)

    def forward(self, x_BTD: Tensor) -> Tensor:
        """Padding stands on the right, so it is never seen by what is not padding."""
        rows, positions, _ = x_BTD.shape
        qkv = self.c_attn(x_BTD).view(rows, positions, 3, self.heads, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        return self.c_proj(causal_attention(query, key, value).transpose(1, 2).flatten(2))
