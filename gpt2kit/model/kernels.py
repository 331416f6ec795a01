"""Products and norms with constant weights, as fast as torch computes them on this machine."""

import torch
from torch import Tensor
from torch.nn import functional as F

from gpt2kit.model.activations import ACTIVATIONS

FUSED = {"": ("none", ""), "gelu_new": ("gelu", "tanh"), "gelu": ("gelu", "none"), "relu": ("relu", "")}
"""The operation after a packed product and its form, by the name of the activation function."""


def packs(device: torch.device, dtype: torch.dtype) -> bool:
    """Whether weights can be kept in the blocked layout of the CPU's kernels, which otherwise convert them at every
    call. Those of bf16 need more than AVX2."""
    vectors = torch.backends.cpu.get_cpu_capability().startswith("AVX")
    if device.type != "cpu" or not vectors or not hasattr(torch.ops.mkldnn, "_linear_pointwise"):
        return False
    return dtype != torch.bfloat16 or bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())


LARGE = 2**15
"""Numbers of a weight from which it is packed. Of less, the operator's own time is most of it: four rows times a weight
of 64 x 64 take 4 times as long as plain, on AVX2."""
FEW, MORE = (1, 2), 4
"""One row or two take the packed product longer than four do (by 1.1 to 1.4 times, on AVX512), so they are repeated."""


def reads_alone(dtype: torch.dtype) -> bool:
    """Whether one row takes the plain product. In fp32 it is 1.4 times as fast on AVX2 (a token of GPT-2 124M), and as
    fast on AVX512."""
    return dtype == torch.float32 and torch.backends.cpu.get_cpu_capability() == "AVX2"


PARTS, DIVIDED = 8, 2**19
"""A weight of so many numbers is divided into parts for a product of one row, which MKL computes on one thread. A token
of GPT-2 124M is 1.7 times as fast with two threads, and as fast with one; the numbers do not depend on the threads."""


def product_of_row(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    """x W^T + b for x [..., K] of one row and W [N, K]; [..., N]."""
    outputs, inputs = weight.shape
    if weight.numel() < DIVIDED or outputs < PARTS:
        return F.linear(x, weight, bias)
    divided = outputs - outputs % PARTS
    parts = weight[:divided].view(PARTS, -1, inputs).transpose(1, 2)
    out = torch.bmm(x.reshape(1, 1, inputs).expand(PARTS, 1, inputs), parts).view(*x.shape[:-1], divided)
    if divided < outputs:
        out = torch.cat([out, F.linear(x, weight[divided:])], dim=-1)
    return out if bias is None else out + bias


def fuses(device: torch.device) -> bool:
    """Whether attention to a cache is one fused kernel; on a CPU, plain products of a few queries are faster."""
    return device.type != "cpu"


class Product:
    """x W^T + b, then the activation function, if one is named.

    A large weight must not change while this is used: on some CPUs it is read for products of one row.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, dtype: torch.dtype, activation: str = "") -> None:
        given = weight.detach()
        self.dtype, self.packed = dtype, weight.numel() >= LARGE and packs(weight.device, dtype)
        self.alone = given if self.packed and given.dtype == dtype and reads_alone(dtype) else None
        weight = given.to(dtype, copy=not self.packed)
        self.act, (self.after, self.form) = ACTIVATIONS.get(activation), FUSED[activation]
        self.bias = None if bias is None else bias.detach().to(dtype, copy=True)
        # These are the operators that torch.compile emits for constant weights; they have no public names.
        self.weight = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous()) if self.packed else weight

    def __call__(self, x: Tensor) -> Tensor:
        x = x.to(self.dtype)
        rows = x.numel() // x.size(-1)
        if self.packed and not (rows == 1 and self.alone is not None):
            if rows in FEW:
                repeated = torch.cat([x.reshape(rows, -1)] * (MORE // rows))
                return self._linear(repeated)[:rows].view(*x.shape[:-1], -1)
            return self._linear(x)
        out = F.linear(x, self.weight, self.bias) if self.alone is None else product_of_row(x, self.alone, self.bias)
        return out if self.act is None else self.act(out)

    def _linear(self, x: Tensor) -> Tensor:
        out: Tensor = torch.ops.mkldnn._linear_pointwise(x, self.weight, self.bias, self.after, [], self.form)
        return out


class Norm:
    """LayerNorm in fp32."""

    def __init__(self, weight: Tensor, bias: Tensor, epsilon: float) -> None:
        self.weight, self.bias, self.epsilon = weight.detach().clone(), bias.detach().clone(), epsilon

    def __call__(self, x: Tensor) -> Tensor:
        return F.layer_norm(x, self.weight.shape, self.weight, self.bias, self.epsilon)
