"""A GPT-2 that answers: its weights laid out once in one arithmetic, first whole prompts, then a token at a time.

Shapes: P prompts, W hypotheses of each (1 but in beam search), T positions, D width, H heads, K = D / H, V vocabulary.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gpt2kit.model.cache import Cache
from gpt2kit.model.cached_attention import Attending, attending
from gpt2kit.model.gpt2 import EPSILON, GPT2, Block
from gpt2kit.model.groups import Groups


def packs(device: torch.device) -> bool:
    """Whether weights can be kept in the blocked layout of the CPU's kernels, which otherwise is made at every call."""
    vectors = torch.backends.cpu.get_cpu_capability().startswith("AVX")
    return device.type == "cpu" and vectors and hasattr(torch.ops.mkldnn, "_linear_pointwise")


class Product:
    """x W^T + b, then GELU where asked."""

    def __init__(self, weight: Tensor, bias: Tensor | None, dtype: torch.dtype, gelu: bool = False) -> None:
        weight = weight.detach().to(dtype, copy=True)
        self.dtype, self.gelu, self.packed = dtype, gelu, packs(weight.device)
        self.bias = None if bias is None else bias.detach().to(dtype, copy=True)
        # These operators are what torch.compile itself emits for constant weights; there is no public name for them.
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous()) if self.packed else weight

    def __call__(self, x: Tensor) -> Tensor:
        x = x.to(self.dtype)
        if self.packed:
            after, form = ("gelu", "tanh") if self.gelu else ("none", "")
            return torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, after, [], form)
        out = F.linear(x, self.weight, self.bias)
        return F.gelu(out, approximate="tanh") if self.gelu else out


class Norm:
    """LayerNorm in fp32."""

    def __init__(self, norm: nn.LayerNorm) -> None:
        self.weight, self.bias = norm.weight.detach().clone(), norm.bias.detach().clone()

    def __call__(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, EPSILON)


class InferenceGPT2:
    """The weights of a GPT2 as they are now; what the GPT2 learns later does not reach them."""

    def __init__(self, model: GPT2, dtype: str) -> None:
        """`dtype` is bf16 or fp32, the arithmetic of the products; the residual stream is fp32."""
        body = model.transformer
        self.config, self.vocab_size, self.device = model.config, model.vocab_size, model.head.device
        self.dtype = torch.bfloat16 if dtype == "bf16" else torch.float32
        self.tokens_VD, self.positions_TD = body.wte.weight.detach().clone(), body.wpe.weight.detach().clone()
        kinds = attending([block.attn for block in body.blocks()], self.dtype)
        self.blocks = [_Block(block, kind, self.dtype) for block, kind in zip(body.blocks(), kinds, strict=True)]
        self.norm, self.head = Norm(body.ln_f), Product(model.head, None, self.dtype)

    def new_cache(self, prompts: int, slots: int, width: int = 1, static: bool = False) -> Cache:
        """Room for `prompts` prompts and answers of `width` hypotheses, `slots` slots each. On CPUs in fp32: short
        products of one row are faster so, whatever the weights."""
        config, kinds = self.config, self.config.kinds
        each = (prompts, config.n_head, slots, config.n_embd // config.n_head)
        dtype = torch.float32 if self.device.type == "cpu" else self.dtype
        compressed = kinds.count("compressed")
        groups = None
        if compressed:
            groups = Groups((compressed, *each), width, config.compression, self.device, dtype, static)
        relative = any(kind.startswith("relative") for kind in kinds)
        blocks = 2 if "relative-local" in kinds else int("local" in kinds)
        shape = (len(kinds) - compressed, *each)
        return Cache(shape, width, self.device, dtype, static, relative, (blocks, config.block), groups)

    def prefill(self, ids_PT: Tensor, lengths_P: Tensor, ragged: bool, cache: Cache) -> Tensor:
        """Logits [P, V] in fp32 after each prompt, padded on the right to T; an empty cache receives the prompts."""
        longest = ids_PT.size(1)
        x_PTD = self.tokens_VD[ids_PT] + self.positions_TD[:longest]
        for block in self.blocks:
            x_PTD = block.rest(x_PTD, block.attending.read(*block.heads(x_PTD), lengths_P, cache))
        cache.begin(lengths_P, longest, ragged)
        last_PD = x_PTD[torch.arange(len(ids_PT), device=self.device), lengths_P - 1]
        return self.head(self.norm(last_PD)).float()

    def step(self, tokens_PW: Tensor, cache: Cache) -> Tensor:
        """Logits [P, W, V] in fp32 after one more token of each hypothesis."""
        logits = self.compute(tokens_PW, cache)
        cache.count()
        return logits

    def compute(self, tokens_PW: Tensor, cache: Cache) -> Tensor:
        """What a step does on the device, which a CUDA graph can hold."""
        # A prompt whose answers have ended may stay in the batch beyond its window; nobody looks at its numbers.
        positions_P = cache.positions_P.clamp(max=self.config.n_positions - 1)
        masks = cache.masks()
        x_PWD = self.tokens_VD[tokens_PW] + self.positions_TD[positions_P][:, None]
        for block in self.blocks:
            x_PWD = block.rest(x_PWD, block.attending.step(*block.heads(x_PWD), masks, cache))
        cache.step()
        return self.head(self.norm(x_PWD)).float()


class _Block:
    def __init__(self, block: Block, kind: Attending, dtype: torch.dtype) -> None:
        attention, mlp = block.attn, block.mlp
        self.head_count, self.attending = attention.heads, kind
        self.norm_1, self.norm_2 = Norm(block.ln_1), Norm(block.ln_2)
        self.c_attn = Product(attention.c_attn.weight, attention.c_attn.bias, dtype)
        self.attn_proj = Product(attention.c_proj.weight, attention.c_proj.bias, dtype)
        self.c_fc = Product(mlp.c_fc.weight, mlp.c_fc.bias, dtype, gelu=True)
        self.mlp_proj = Product(mlp.c_proj.weight, mlp.c_proj.bias, dtype)

    def heads(self, x_PTD: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Query, key and value, each [P, H, T, K]."""
        prompts, positions, _ = x_PTD.shape
        qkv = self.c_attn(self.norm_1(x_PTD)).view(prompts, positions, 3, self.head_count, -1)
        query, key, value = qkv.permute(2, 0, 3, 1, 4)
        return query, key, value

    def rest(self, x_PTD: Tensor, attended_PHTK: Tensor) -> Tensor:
        """The block's output from its input and what its heads gathered."""
        x_PTD = x_PTD + self.attn_proj(attended_PHTK.transpose(1, 2).flatten(2))
        return x_PTD + self.mlp_proj(self.c_fc(self.norm_2(x_PTD)))
