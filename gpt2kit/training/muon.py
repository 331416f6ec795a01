"""Muon (Jordan et al. 2024): the momentum of a weight matrix, with all its singular values brought near 1."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor
from torch.optim import Optimizer

from gpt2kit.model.device import native_bf16
from gpt2kit.training.distributed import full_tensor, like

POLYNOMIALS = (
    (8.4703, -25.1081, 18.6293),
    (4.1828, -3.1087, 0.5806),
    (3.9619, -2.9541, 0.5630),
    (3.2866, -2.4647, 0.5074),
    (2.2737, -1.6447, 0.4162),
)
"""Of each iteration, the coefficients of x, x^3 and x^5. Each polynomial is the nearest to 1 over what the one before
leaves of [0.001, 1], as in Polar Express (Amsel et al. 2025), so that singular values end within 0.12 of 1. Fewer
iterations leave small singular values small, and the model learns later: docs/speedrun.md."""

RMS = 0.2
"""Root mean square of an update at rate 1, about AdamW's (Liu et al. 2025), so that one rate fits both."""


class Muon(Optimizer):
    """Nesterov momentum, made orthogonal; decoupled weight decay.

    A group's `parts` says of how many matrices, one below the other, each of its weights consists: query, key and value
    have one weight, but each is a map of its own. Matrices of one shape are computed together.

    torch.optim.Muon computes one matrix at a time, and in bf16 also where the CPU only emulates it.
    """

    def __init__(
        self, groups: Iterable[dict[str, Any]], lr: float, weight_decay: float, momentum: float = 0.95
    ) -> None:
        super().__init__(groups, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum, "parts": 1})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]  # no loss to return
        """Update every weight that has a gradient. All processes must call this where weights are sharded."""
        matrices: dict[torch.Size, list[Tensor]] = defaultdict(list)
        places: list[tuple[dict[str, Any], Tensor, torch.Size, int]] = []
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    parts = full_tensor(self._momentum(weight, group["momentum"])).chunk(group["parts"])
                    shape = parts[0].shape
                    places.append((group, weight, shape, len(matrices[shape])))
                    matrices[shape] += parts
        directions = {shape: orthogonal(torch.stack(each)) for shape, each in matrices.items()}
        for group, weight, shape, first in places:
            direction = directions[shape][first : first + group["parts"]].flatten(0, 1)
            weight.mul_(1 - group["lr"] * group["weight_decay"])
            weight.sub_(like(direction, weight), alpha=group["lr"] * RMS * max(shape) ** 0.5)

    def _momentum(self, weight: Tensor, momentum: float) -> Tensor:
        """The average of the gradients with the present one, and with it once more (Nesterov)."""
        assert weight.grad is not None
        average = self.state[weight].setdefault("momentum_buffer", torch.zeros_like(weight))
        average.lerp_(weight.grad, 1 - momentum)
        return weight.grad.lerp(average, momentum)


def orthogonal(matrices_NOI: Tensor) -> Tensor:
    """The nearest matrices whose singular values are all 1, approximately; in fp32. A zero matrix stays zero.

    The products are in bf16 if the hardware computes it natively.
    """
    if matrices_NOI.size(1) > matrices_NOI.size(2):
        return orthogonal(matrices_NOI.mT).mT
    largest_N11 = 1.01 * matrices_NOI.norm(dim=(1, 2), keepdim=True)  # rounding must not bring a value above 1
    dtype = torch.bfloat16 if native_bf16(matrices_NOI.device) else torch.float32
    x_NOI = (matrices_NOI / largest_N11.clamp_min(1e-7)).to(dtype)
    for one, three, five in POLYNOMIALS:
        square_NOO = x_NOI @ x_NOI.mT
        factor_NOO = square_NOO.baddbmm(square_NOO, square_NOO, beta=three, alpha=five)
        x_NOI = x_NOI.baddbmm(factor_NOO, x_NOI, beta=one)
    return x_NOI.float()
