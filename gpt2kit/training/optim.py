"""Optimisers and their learning rate."""

import math
from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn
from torch.optim import AdamW, Optimizer

from gpt2kit.config import TrainConfig
from gpt2kit.training.muon import Muon


def build(model: nn.Module, config: TrainConfig) -> list[Optimizer]:
    """AdamW for all weights; or Muon for the blocks' matrices (Jordan et al. 2024) and AdamW for the rest.

    Weight decay applies only to matrices. Muon's update is scaled to AdamW's size, so that one rate fits both.
    """
    named = [(name, parameter) for name, parameter in model.named_parameters() if parameter.requires_grad]
    hidden = {
        name for name, parameter in named if config.optimizer == "muon" and ".h." in name and parameter.dim() == 2
    }
    rest = [parameter for name, parameter in named if name not in hidden]
    groups = [
        {"params": [p for p in rest if p.dim() >= 2], "weight_decay": config.weight_decay},
        {"params": [p for p in rest if p.dim() < 2], "weight_decay": 0.0},
    ]
    optimizers: list[Optimizer] = [AdamW(groups, lr=config.lr, betas=(0.9, config.beta2), fused=True)]
    if hidden:
        matrices = {name: parameter for name, parameter in named if name in hidden}
        apart = [
            {"params": [p for name, p in matrices.items() if name.endswith(".c_attn.weight") == three], "parts": parts}
            for three, parts in ((True, 3), (False, 1))
        ]
        optimizers.append(Muon(apart, lr=config.muon_lr, weight_decay=config.weight_decay))
    for optimizer in optimizers:
        for param_group in optimizer.param_groups:
            param_group["peak"] = param_group["lr"]
    return optimizers


def rate(step: float, steps: int, config: TrainConfig) -> float:
    """Share of the peak rate at step 0 ... steps - 1: linear warm-up, then down to `final_lr` as `decay` says.

    Fractional steps come from a schedule that was planned again.
    """
    warmup = int(config.warmup * steps)
    if step < warmup:
        return (step + 1) / (warmup + 1)
    left = 1 - (step - warmup) / max(1, steps - warmup)
    if config.decay == "cosine":
        left = 0.5 * (1 - math.cos(math.pi * left))
    return config.final_lr + (1 - config.final_lr) * left


def set_rate(optimizers: list[Optimizer], share: float) -> None:
    for optimizer in optimizers:
        for param_group in optimizer.param_groups:
            param_group["lr"] = param_group["peak"] * share


class Average:
    """An exponential average of the weights. Its decay grows from 0, so that early weights do not linger."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.decay = decay
        learning = ((name, weight) for name, weight in model.named_parameters() if weight.requires_grad)
        self.weights = {name: weight.detach().clone() for name, weight in learning}

    def update(self, model: nn.Module, step: int) -> None:
        """Update after step 0, 1, ...; with decay 0 the average equals the weights."""
        decay = min(self.decay, step / (step + 10))
        parameters = [parameter.detach() for parameter in model.parameters() if parameter.requires_grad]
        torch._foreach_lerp_(list(self.weights.values()), parameters, 1 - decay)

    @contextmanager
    def applied(self, model: nn.Module) -> Iterator[None]:
        """Within the block the model has the averaged weights; afterwards its own again, also after an error."""
        self._swap(model)
        try:
            yield
        finally:
            self._swap(model)

    def _swap(self, model: nn.Module) -> None:
        """Exchange the model's weights with the stored ones."""
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if name in self.weights:
                    kept = parameter.detach().clone()
                    parameter.copy_(self.weights[name])
                    self.weights[name] = kept
