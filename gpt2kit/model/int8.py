"""Products whose weights are 8-bit integers, by torch's CPU kernel for linear layers that are quantised at run time.

Shapes: N rows of x, K inputs, M outputs.
"""

import warnings
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gpt2kit.model.activations import ACTIVATIONS

LARGEST = 127
"""Weights become integers from -127 to 127, the largest of each row one of these."""

LEVELS = 255
"""A row of x becomes integers from 0 to 255: from its smallest value to its largest, 0 among them."""

ENGINE = "fbgemm"
"""At one row it takes 0.7 of the time of oneDNN's kernel, and a third of that of `_weight_int8pack_mm`."""


class Int8Product:
    """x W^T + b, then the activation function, if one is named, in fp32.

    Every row of W has its own scale, and so does every row of x: a result does not depend on the other rows of a batch.
    The sums of the products of integers are exact.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None, activation: str = "") -> None:
        integers_MK, scales_M = quantised(weight.detach())
        shift_M = torch.zeros_like(scales_M) if bias is None else bias.detach().float()
        self.act = ACTIVATIONS.get(activation)
        self.inputs = integers_MK.size(1)
        self.packed = _packed(integers_MK, scales_M, shift_M)
        sums_M = integers_MK.sum(1, dtype=torch.int32) * scales_M
        self.corrections_2M = torch.stack([sums_M, shift_M])
        self.shift_M = shift_M

    def __call__(self, x: Tensor) -> Tensor:
        # The kernel takes the range of activations from the whole of x, so that it rounds only a single row correctly.
        out = (
            self._single(x)
            if x.numel() == self.inputs
            else self._rows(x.float().flatten(0, -2)).view(*x.shape[:-1], -1)
        )
        return out if self.act is None else self.act(out)

    def _single(self, x: Tensor) -> Tensor:
        out: Tensor = torch.ops.quantized.linear_dynamic(x.float(), self.packed)
        return out

    def _rows(self, x_NK: Tensor) -> Tensor:
        """Each row as if it were alone. The kernel is given the integers of each row, which it leaves as they are, as
        they reach from 0 to 255; what it adds and multiplies is corrected here."""
        low_N1 = x_NK.amin(1, keepdim=True).clamp_(max=0)  # a tenth of the time of aminmax, which uses no vectors
        steps_N1 = (
            (x_NK.amax(1, keepdim=True).clamp_(min=0) - low_N1).div_(LEVELS).clamp_(min=torch.finfo(torch.float32).tiny)
        )
        zeros_N1 = (low_N1 / steps_N1).round_().neg_()
        integers_NK = (x_NK / steps_N1).round_().add_(zeros_N1).clamp_(0, LEVELS)
        out_NM: Tensor = torch.ops.quantized.linear_dynamic(integers_NK, self.packed)
        out_NM.addmm_(F.pad(zeros_N1, (0, 1), value=1.0), self.corrections_2M, alpha=-1)
        return torch.addcmul(self.shift_M, out_NM, steps_N1)


def quantised(weight_MK: Tensor) -> tuple[Tensor, Tensor]:
    """The weights as integers, and the scale of each row: weight = integer * scale, as nearly as possible."""
    scales_M = weight_MK.float().abs().amax(1).div_(LARGEST)
    scales_M[scales_M == 0] = 1.0  # a row of zeros
    return (weight_MK / scales_M[:, None]).round_().to(torch.int8), scales_M


def _packed(integers_MK: Tensor, scales_M: Tensor, shift_M: Tensor) -> Any:
    """In the layout of the kernel, with the bias."""
    zeros_M = torch.zeros_like(scales_M, dtype=torch.long)
    before = torch.backends.quantized.engine
    torch.backends.quantized.engine = ENGINE
    try:
        with warnings.catch_warnings():
            # The kernel takes its weights in no other form, and torch announces that this form will go.
            warnings.filterwarnings("ignore", message=".*quantized tensor creation functions.*")
            whole = torch._make_per_channel_quantized_tensor(integers_MK, scales_M.double(), zeros_M, 0)
            return torch.ops.quantized.linear_prepack(whole, shift_M)
    finally:
        torch.backends.quantized.engine = before
