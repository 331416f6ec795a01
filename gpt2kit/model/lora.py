"""Low-rank adaptation (Hu et al. 2021): W x + (alpha / R) B A x, where W is frozen; `peft` can load the folder.

Shapes: R rank, I inputs, O outputs.
"""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from gpt2kit import files, tensor_files
from gpt2kit.errors import DataError
from gpt2kit.model.freeze import GrownEmbedding, only_new_tokens
from gpt2kit.model.gpt2 import GPT2, HEAD

ADAPTER, ADAPTER_CONFIG = "adapter_model.safetensors", "adapter_config.json"
PREFIX = "base_model.model."
"""The prefix of every name in an adapter's file."""


class LoraLinear(nn.Module):
    """A linear layer whose own weights are frozen."""

    def __init__(self, base: nn.Linear, rank: int, alpha: float) -> None:
        super().__init__()
        self.base, self.scale = base, alpha / rank
        self.lora_A = nn.Parameter(torch.empty(rank, base.in_features))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))

    def forward(self, x: Tensor) -> Tensor:
        return self.base(x) + self.scale * F.linear(F.linear(x, self.lora_A), self.lora_B)

    @property
    def weight(self) -> Tensor:
        """[O, I], including the adapter."""
        return self.base.weight + self.scale * (self.lora_B @ self.lora_A)

    @property
    def bias(self) -> Tensor | None:
        return self.base.bias


def adapt(model: GPT2, rank: int, alpha: float, targets: tuple[str, ...], new_tokens: int) -> None:
    """Train only the adapters, the embeddings of new tokens and a classifier head from now on."""
    for parameter in model.parameters():
        parameter.requires_grad_(False)
    for parent, name, linear in list(_products(model, targets)):
        setattr(parent, name, LoraLinear(linear, rank, alpha))
    only_new_tokens(model, new_tokens)
    if model.lm_head is not None and not model.labels:  # transformers' classifier has no such head
        only_new_tokens(model, new_tokens, HEAD)
    if model.score is not None:
        model.score.requires_grad_(True)


def _products(model: GPT2, targets: tuple[str, ...]) -> Iterator[tuple[nn.Module, str, nn.Linear]]:
    """(parent, name, product) of each product to adapt."""
    for path, module in model.named_modules():
        for name, child in module.named_children():
            if isinstance(child, nn.Linear) and ".h." in path and f"{path}.{name}".endswith(targets):
                yield module, name, child


def save(folder: Path, model: GPT2, base: str, step: int | None = None) -> None:
    """Write the adapter in `peft`'s format: adapter_config.json, then adapter_model.safetensors."""
    tensors: dict[str, Tensor] = {}
    rank, alpha, targets = 0, 0.0, set()
    for name, module in model.named_modules():
        if isinstance(module, LoraLinear):
            rank, alpha = len(module.lora_A), module.scale * len(module.lora_A)
            targets.add(name.partition(".h.")[2].partition(".")[2])
            tensors[f"{PREFIX}{name}.lora_A.weight"] = module.lora_A
            tensors[f"{PREFIX}{name}.lora_B.weight"] = module.lora_B
    config: dict[str, Any] = {
        "peft_type": "LORA",
        "task_type": "SEQ_CLS" if model.labels else "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": rank,
        "lora_alpha": alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": True,  # the base stores [in, out]
        "target_modules": sorted(targets),
        "inference_mode": True,
    }
    for name, table in _grown(model):
        indices = config.setdefault("trainable_token_indices", {})
        indices[name.rpartition(".")[2]] = list(range(table.first, table.num_embeddings))
        tensors[_stored(f"{name}.new")] = table.new
    if model.score is not None:
        config["modules_to_save"] = ["score"]
        tensors[f"{PREFIX}score.weight"] = model.score.weight
    files.write_json(folder / ADAPTER_CONFIG, config)
    tensors = {name: tensor.detach().float().cpu().contiguous() for name, tensor in tensors.items()}
    tensor_files.write_tensors(folder / ADAPTER, tensors, tensor_files.weights_metadata(tensors, step))


def _grown(model: GPT2) -> list[tuple[str, GrownEmbedding]]:
    """The tables of which only the rows of new tokens are trained, by name."""
    return [(name, module) for name, module in model.named_modules() if isinstance(module, GrownEmbedding)]


def adapted(model: GPT2) -> bool:
    """Whether the model has adapters."""
    return any(isinstance(module, LoraLinear) for module in model.modules())


def base_of(folder: Path) -> str:
    """The base model of the adapter in a folder."""
    return str(files.read_json(folder / ADAPTER_CONFIG).get("base_model_name_or_path", ""))


def new_tokens(folder: Path) -> int:
    """The number of tokens that the adapter in a folder adds to those of its base model."""
    indices = files.read_json(folder / ADAPTER_CONFIG).get("trainable_token_indices")
    added = indices.get("wte") if isinstance(indices, dict) else None
    return len(added) if isinstance(added, list) else 0


def alpha_of(folder: Path) -> object:
    """The scale of the adapter in a folder."""
    return files.read_json(folder / ADAPTER_CONFIG).get("lora_alpha")


def load(folder: Path, model: GPT2) -> None:
    """Adapt a base model as the folder says, including new tokens and a classifier head, and load the learned weights.

    Raises DataError when the adapter does not belong to this base.
    """
    config = files.read_json(folder / ADAPTER_CONFIG)
    tensors, _ = tensor_files.read_tensors(folder / ADAPTER)
    try:
        new = new_tokens(folder)
        ranks = {len(tensor) for name, tensor in tensors.items() if name.endswith(".lora_A.weight")}
        if ranks - {config["r"]}:  # checked before allocating as much as a damaged file says
            raise ValueError(f"{ADAPTER_CONFIG} says r = {config['r']}, but the weights have ranks {sorted(ranks)}")
        adapt(model, config["r"], config["lora_alpha"], tuple(config["target_modules"]), new)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                if parameter.requires_grad:
                    parameter.copy_(tensors.pop(_stored(name)))
        for _, table in _grown(model):
            table.update()
    except (KeyError, TypeError, ValueError, AttributeError, ZeroDivisionError, RuntimeError) as error:
        raise DataError(f"{folder}: not an adapter of {config.get('base_model_name_or_path')}: {error}") from None
    if tensors:
        raise DataError(f"{folder / ADAPTER}: unknown weights {sorted(tensors)[:3]}")


def _stored(name: str) -> str:
    """The name of a trained weight in the file."""
    if name.endswith(("lora_A", "lora_B")):
        return f"{PREFIX}{name}.weight"
    if name.endswith(".new"):
        return f"{PREFIX}{name.removesuffix('new')}token_adapter.trainable_tokens_delta"
    return f"{PREFIX}{name}"
