"""GPT-2 the plain way, as small training scripts write it: every logit is formed, then torch's cross-entropy.

Parameters have Hugging Face's names, so that all programs start from the same weights.
"""

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gpt2kit.model import hf


class SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(width, 3 * width)
        self.c_proj = nn.Linear(width, width)

    def forward(self, x: Tensor) -> Tensor:
        rows, positions, width = x.shape
        parts = self.c_attn(x).split(width, dim=2)
        query, key, value = (part.view(rows, positions, self.heads, -1).transpose(1, 2) for part in parts)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        return self.c_proj(mixed.transpose(1, 2).reshape(rows, positions, width))


class FeedForward(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.c_fc = nn.Linear(width, 4 * width)
        self.c_proj = nn.Linear(4 * width, width)

    def forward(self, x: Tensor) -> Tensor:
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))


class Layer(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.ln_1, self.attn = nn.LayerNorm(width), SelfAttention(width, heads)
        self.ln_2, self.mlp = nn.LayerNorm(width), FeedForward(width)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attn(self.ln_1(x))
        return x + self.mlp(self.ln_2(x))


class Body(nn.Module):
    def __init__(self, layers: int, heads: int, width: int, positions: int, vocabulary: int) -> None:
        super().__init__()
        self.wte, self.wpe = nn.Embedding(vocabulary, width), nn.Embedding(positions, width)
        self.h = nn.ModuleList(Layer(width, heads) for _ in range(layers))
        self.ln_f = nn.LayerNorm(width)

    def forward(self, inputs: Tensor) -> Tensor:
        x = self.wte(inputs) + self.wpe(torch.arange(inputs.size(1), device=inputs.device))
        for layer in self.h:
            x = layer(x)
        return self.ln_f(x)


class PlainGPT2(nn.Module):
    """Inputs and targets to their mean loss."""

    def __init__(self, layers: int, heads: int, width: int, positions: int, vocabulary: int) -> None:
        super().__init__()
        self.transformer = Body(layers, heads, width, positions, vocabulary)
        self.lm_head = nn.Linear(width, vocabulary, bias=False)
        self.lm_head.weight = self.transformer.wte.weight

    def forward(self, inputs: Tensor, targets: Tensor) -> Tensor:
        logits = self.lm_head(self.transformer(inputs))
        return F.cross_entropy(logits.view(-1, logits.size(-1)), targets.reshape(-1))


def load(folder: Path, vocabulary_step: int = 1) -> PlainGPT2:
    """The model of a Hugging Face folder; the vocabulary grows to a multiple of `vocabulary_step`, as is usual on GPUs,
    whose products want even sizes."""
    source = hf.load(folder)
    config = source.config
    weights = dict(source.state_dict())
    embedding = weights["transformer.wte.weight"]
    embedding = F.pad(embedding, (0, 0, 0, -embedding.size(0) % vocabulary_step))
    weights |= {"transformer.wte.weight": embedding, "lm_head.weight": embedding}
    model = PlainGPT2(config.n_layer, config.n_head, config.n_embd, config.n_positions, embedding.size(0))
    model.load_state_dict(weights)
    return model
