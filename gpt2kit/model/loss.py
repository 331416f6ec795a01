"""Cross-entropy of the targets, summed, in nats; the caller divides it once, by the count of all targets.

Shapes: N targets, D width, V vocabulary, M rows of it. Only target positions reach the head, in chunks, and the
gradient is computed in the forward pass, so that the N x V logits never exist as a whole.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from gpt2kit.model.device import product_dtype

CHUNK, LOGITS = 2048, 1 << 25
"""Largest numbers of targets, and on a CPU of logits, that are computed at a time. 2,048 targets are 32 MB of logits in
bf16 at V = 8,192. With GPT-2's vocabulary the second limit applies: 640 targets and 64 MB, at the same speed."""

ROWS_STEP = 64
"""Products have a multiple of this many rows, the last ones zero: kernel libraries keep memory for each size they
see."""

VOCAB_STEP = {"cuda": 64}
"""The vocabulary is padded likewise if that makes products faster; rows of zeros replace tokens that do not exist."""

ChunkGrad = Callable[[Tensor, Tensor, float, Tensor | None], tuple[Tensor, Tensor]]


def chunk_grad(
    logits_NV: Tensor, labels_N: Tensor, smoothing: float, weights_N: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """Summed smoothed loss and summed plain loss; the gradient of the former overwrites the logits.

    The smoothed target is (1 - s) x one-hot + s / V (Szegedy et al. 2016, equation 7).
    """
    logits = logits_NV.float()
    normaliser_N = logits.logsumexp(-1)
    plain_N = normaliser_N - logits.gather(1, labels_N[:, None])[:, 0]
    smoothed_N = (1 - smoothing) * plain_N + smoothing * (normaliser_N - logits.mean(-1))
    one_hot = torch.arange(logits.size(1), device=logits.device) == labels_N[:, None]
    target = torch.where(one_hot, 1 - smoothing + smoothing / logits.size(1), smoothing / logits.size(1))
    gradient = (logits - normaliser_N[:, None]).exp() - target
    if weights_N is not None:
        smoothed_N, plain_N, gradient = weights_N * smoothed_N, weights_N * plain_N, weights_N[:, None] * gradient
    logits_NV.copy_(gradient)
    return smoothed_N.sum(), plain_N.sum()


def chunk_grad_in_place(
    logits_NV: Tensor, labels_N: Tensor, smoothing: float, weights_N: Tensor | None = None
) -> tuple[Tensor, Tensor]:
    """The same numbers without a compiler, which makes one loop of `chunk_grad`: here each copy of the logits costs
    memory and time."""
    logits = logits_NV.float()
    normaliser_N = logits.logsumexp(-1)
    plain_N = normaliser_N - logits.gather(1, labels_N[:, None])[:, 0]
    smoothed_N = (1 - smoothing) * plain_N + smoothing * (normaliser_N - logits.mean(-1))
    others = smoothing / logits.size(1)
    gradient = logits.sub_(normaliser_N[:, None]).exp_()
    at_labels = gradient.gather(1, labels_N[:, None]) - (1 - smoothing + others)
    gradient.sub_(others).scatter_(1, labels_N[:, None], at_labels)
    if weights_N is not None:
        smoothed_N, plain_N = weights_N * smoothed_N, weights_N * plain_N
        gradient.mul_(weights_N[:, None])
    if gradient.dtype != logits_NV.dtype:
        logits_NV.copy_(gradient)
    return smoothed_N.sum(), plain_N.sum()


class _Fused(torch.autograd.Function):
    """Head and cross-entropy in one: (hidden, head) -> (smoothed sum, plain sum). The head's gradient is that of all
    its rows, or only of the last ones if these are given a second time."""

    @staticmethod
    def forward(
        ctx: Any,
        hidden_ND: Tensor,
        head_VD: Tensor,
        new_MD: Tensor | None,
        labels_N: Tensor,
        smoothing: float,
        grad: ChunkGrad,
        weights_N: Tensor | None,
    ) -> tuple[Tensor, Tensor]:
        device, (vocab, _) = hidden_ND.device.type, head_VD.shape
        dtype = product_dtype(hidden_ND.device, head_VD.dtype)
        hidden, head = hidden_ND.to(dtype), _padded(head_VD.to(dtype), VOCAB_STEP.get(device, 1))
        hidden_grad = torch.empty_like(hidden_ND)
        ctx.whole = ctx.needs_input_grad[1]
        learns = head_VD if ctx.whole else new_MD
        head_grad = None  # of a trained head
        if learns is not None:
            head_grad = torch.empty_like(learns) if len(hidden) else torch.zeros_like(learns)
            first = vocab - len(learns)
        smoothed, plain = hidden_ND.new_zeros((), dtype=torch.float32), hidden_ND.new_zeros((), dtype=torch.float32)
        size = chunk_size(vocab, device)
        buffer = hidden.new_empty(min(size, len(hidden) + ROWS_STEP - 1), len(head))
        for start in range(0, len(hidden), size):
            part = slice(start, start + size)
            labels, chunk = labels_N[part], _padded(hidden[part], ROWS_STEP)
            targets = len(labels)
            logits = torch.mm(chunk, head.t(), out=buffer[: len(chunk)])
            weights = None if weights_N is None else weights_N[part]
            chunk_smoothed, chunk_plain = grad(logits[:targets, :vocab], labels, smoothing, weights)
            smoothed += chunk_smoothed
            plain += chunk_plain
            hidden_grad[part] = (logits @ head)[:targets]
            if head_grad is not None:
                part_grad = (logits.t() @ chunk)[:vocab] if ctx.whole else logits[:, first:vocab].t() @ chunk
                head_grad = head_grad.add_(part_grad) if start else head_grad.copy_(part_grad)
        ctx.save_for_backward(hidden_grad, head_grad)
        ctx.mark_non_differentiable(plain)
        return smoothed, plain

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        hidden_grad, head_grad = ctx.saved_tensors
        learned = None if head_grad is None else head_grad * grads[0]
        of_rows = (learned, None) if ctx.whole else (None, learned)
        return hidden_grad * grads[0], *of_rows, None, None, None, None


def chunk_size(vocab: int, device: str) -> int:
    """The number of targets whose logits exist at a time."""
    fitting = LOGITS // vocab // ROWS_STEP * ROWS_STEP
    return CHUNK if device == "cuda" else min(CHUNK, max(ROWS_STEP, fitting))


def _padded(rows: Tensor, step: int) -> Tensor:
    """The rows, followed by zeros up to a multiple of `step`."""
    missing = -len(rows) % step
    return F.pad(rows, (0, 0, 0, missing)) if missing else rows


class TargetLoss:
    """The training loss over target positions."""

    def __init__(self, smoothing: float = 0.0, compiled: bool = False) -> None:
        self.smoothing = smoothing
        self.grad: ChunkGrad = torch.compile(chunk_grad, dynamic=True) if compiled else chunk_grad_in_place

    def __call__(
        self,
        hidden_ND: Tensor,
        head_VD: Tensor,
        labels_N: Tensor,
        weights_N: Tensor | None = None,
        new_MD: Tensor | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Summed loss to differentiate, and summed cross-entropy to report; both fp32 scalars. Each target counts 1, or
        its weight in `weights_N`. `new_MD`: the last M rows of a frozen head again, if these are trained."""
        smoothed, plain = _Fused.apply(hidden_ND, head_VD, new_MD, labels_N, self.smoothing, self.grad, weights_N)
        return smoothed, plain


def cross_entropy(hidden_ND: Tensor, head_VD: Tensor, labels_N: Tensor) -> Tensor:
    """Summed cross-entropy in nats, without gradients."""
    size = chunk_size(len(head_VD), hidden_ND.device.type)
    chunks = zip(hidden_ND.split(size), labels_N.split(size), strict=True)
    losses = [F.cross_entropy(F.linear(hidden, head_VD).float(), labels, reduction="sum") for hidden, labels in chunks]
    return torch.stack(losses).sum()
