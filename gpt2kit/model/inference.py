"""A GPT-2 for inference: weights laid out once in one dtype; prefill of whole prompts, then decode steps of one token.

Shapes: P prompts, W hypotheses of each (1 except in beam search), T positions, D width, H heads, K = D / H.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from gpt2kit.config import ModelConfig
from gpt2kit.model.attention import Attention, by_head
from gpt2kit.model.cache import Cache
from gpt2kit.model.gpt2 import GPT2, Block
from gpt2kit.model.int8 import Int8Product
from gpt2kit.model.kernels import Norm, Product
from gpt2kit.model.threads import Threads

MakeProduct = Callable[..., Callable[[Tensor], Tensor]]
"""(weight, bias or None) to the product; `activation` may name a function that follows it."""


class InferenceGPT2:
    """The weights of a GPT2, laid out; the GPT2 must not change while this is used, as some are shared with it.

    The forward pass is that of its blocks, with attention that keeps a cache.
    """

    def __init__(self, model: GPT2, dtype: str) -> None:
        """`dtype` is the arithmetic of the products: bf16, fp32, or int8, which is for CPUs; the residual stream is
        fp32."""
        body = model.transformer
        self.config, self.vocab_size, self.device = model.config, model.vocab_size, model.head.device
        self.dtype = torch.bfloat16 if dtype == "bf16" else torch.float32
        self.tokens_VD, self.positions_TD = body.wte.weight.detach().clone(), body.wpe.weight.detach().clone()
        product = Int8Product if dtype == "int8" else partial(Product, dtype=self.dtype)
        blocks = [
            _laid_out(block, self.config, layer, self.dtype, product) for layer, block in enumerate(body.blocks())
        ]
        self.attentions, self.blocks = [block.attn for block in blocks], [_plain(block) for block in blocks]
        self.norm = _norm(body.ln_f)
        self.head: Callable[[Tensor], Tensor] = product(model.head, None)
        self.threads = Threads(self.device.type == "cpu")

    @property
    def members(self) -> tuple["InferenceGPT2", ...]:
        """The models that are asked for a token: this one. An average has several."""
        return (self,)

    @property
    def window(self) -> int:
        return self.config.n_positions

    def new_cache(self, prompts: int, slots: int, width: int = 1, static: bool = False) -> Cache:
        """Room for `prompts` prompts and answers of `width` hypotheses, `slots` slots each. On CPUs it is in fp32:
        short products of one row are faster that way, whatever the dtype of the weights."""
        config = self.config
        shape = (prompts, config.n_head, slots, config.n_embd // config.n_head)
        dtype = torch.float32 if self.device.type == "cpu" else self.dtype
        cache = Cache(shape, width, self.device, dtype, static)
        for attention in self.attentions:
            kind = type(attention)
            if kind not in cache.masks:
                cache.masks[kind] = attention.new_masks(cache)
            cache.layers.append(attention.new_layer_cache(cache.masks[kind]))
        return cache

    def prefill(self, ids_PT: Tensor, lengths: Sequence[int], cache: Cache) -> Tensor:
        """Logits [P, V] in fp32 after each prompt, padded on the right to T, the longest of the lengths; the prompts
        are stored in an empty cache."""
        cache.begin(lengths)
        x_PTD = self.tokens_VD[ids_PT] + self.positions_TD[: ids_PT.size(1)]
        ends_P = torch.arange(len(ids_PT), device=self.device) * ids_PT.size(1) + cache.positions_P - 1
        *first, (last, attention, layer) = zip(self.blocks, self.attentions, cache.layers, strict=True)
        for block, its_attention, its_layer in first:
            x_PTD = block(x_PTD, partial(its_attention.prefill, its_layer))
        last_PD = last(x_PTD, partial(attention.prefill, layer), ends_P)
        return self.head(self.norm(last_PD)).float()

    def step(self, tokens_PW: Tensor, cache: Cache) -> Tensor:
        """Logits [P, W, V] in fp32 after one more token of each hypothesis."""
        logits = self.compute(tokens_PW, cache)
        cache.count()
        return logits

    def compute(self, tokens_PW: Tensor, cache: Cache) -> Tensor:
        """The device part of a step, which a CUDA graph can capture."""
        # A prompt whose answers have ended may stay in the batch beyond its window; its numbers are not used.
        positions_P = cache.positions_P.clamp(max=self.config.n_positions - 1)
        cache.prepare()
        x_PWD = self.tokens_VD[tokens_PW] + self.positions_TD[positions_P][:, None]
        for block, attention, layer in zip(self.blocks, self.attentions, cache.layers, strict=True):
            x_PWD = block(x_PWD, partial(attention.decode_step, layer))
        cache.step()
        return self.head(self.norm(x_PWD)).float()


def _laid_out(block: Block, config: ModelConfig, layer: int, dtype: torch.dtype, product: MakeProduct) -> Block:
    """A copy that computes with weights in `dtype`, and its products as `product` does."""
    with torch.device("meta"):  # every weight is taken from `block`
        copy = Block(config, layer).eval()
    attention, mlp = block.attn, block.mlp
    own = {name: weight.detach().to(dtype, copy=True) for name, weight in attention.named_parameters(recurse=False)}
    fused = partial(by_head, product(*_scaled(attention)), attention.heads)
    c_fc = product(mlp.c_fc.weight, mlp.c_fc.bias, activation=config.activation_function)
    _replace(
        copy.attn, c_attn=None, projected=fused, c_proj=product(attention.c_proj.weight, attention.c_proj.bias), **own
    )
    _replace(copy.mlp, c_fc=c_fc, c_proj=product(mlp.c_proj.weight, mlp.c_proj.bias))
    _replace(copy.mlp, act=_as_it_is)  # c_fc applies it
    _replace(copy, ln_1=_norm(block.ln_1), ln_2=_norm(block.ln_2), drop=_as_it_is)
    return copy


def _plain(block: Block) -> Callable[..., Tensor]:
    """The block's forward pass without modules, which look for hooks at every call."""
    _replace(block, attn=block.attn.forward, mlp=block.mlp.forward)
    return block.forward


def _replace(module: nn.Module, **parts: Any) -> None:
    """Replace submodules and parameters with plain functions and tensors."""
    for name, part in parts.items():
        module._modules.pop(name, None)
        module._parameters.pop(name, None)
        setattr(module, name, part)


def _scaled(attention: Attention) -> tuple[Tensor, Tensor]:
    """Weights and bias of the product for query, key and value; the query's include its scale."""
    weight, bias = attention.c_attn.weight.detach(), attention.c_attn.bias.detach()
    if attention.query_scale != 1:
        factors = torch.ones_like(bias)
        factors[: len(bias) // 3] = attention.query_scale
        weight, bias = weight * factors[:, None], bias * factors
    return weight, bias


def _norm(norm: nn.LayerNorm) -> Norm:
    return Norm(norm.weight, norm.bias, norm.eps)


def _as_it_is(x: Tensor) -> Tensor:
    return x
