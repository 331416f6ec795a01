"""Hugging Face checkpoints: a run folder is one, and every GPT-2 checkpoint loads."""

from dataclasses import replace
from pathlib import Path

import torch

from gpt2kit import tensor_files
from gpt2kit.config import GenerateConfig
from gpt2kit.errors import DataError, counted
from gpt2kit.model import checkpoint, hf_config, lora
from gpt2kit.model.freeze import merged, plain
from gpt2kit.model.generation import GREEDY
from gpt2kit.model.gpt2 import GPT2, HEAD
from gpt2kit.model.vocabulary import grow_vocabulary, set_aside

WEIGHTS = checkpoint.WEIGHTS
LAYER_NORM = "transformer.h.0.ln_1.weight"


def save(
    folder: Path,
    model: GPT2,
    eos: int,
    *,
    base: str = "",
    step: int | None = None,
    dtype: torch.dtype = torch.float32,
    generate: GenerateConfig = GREEDY,
) -> None:
    """Write config.json and generation_config.json, then model.safetensors, with the training `step` in its metadata.

    For a model with adapters, these are written instead of the weights, with the `base` they were trained on, and
    merged_config.json instead of config.json.
    """
    hf_config.write(folder, model, eos, dtype=dtype, generate=generate)
    if lora.adapted(model):
        lora.save(folder, model, base, step)
        return
    tensors = {}
    model = model if plain(model) else merged(model)
    for name, parameter in model.named_parameters():
        weight = parameter.detach().float().cpu()
        if (surplus := model.surplus_of.get(name.removesuffix(".weight"))) is not None:
            weight = torch.cat([weight, surplus.float().cpu()])
        tensors[name] = checkpoint.stored(name, weight).to(dtype).contiguous()
    tensor_files.write_tensors(folder / WEIGHTS, tensors, tensor_files.weights_metadata(tensors, step))


def saved(folder: Path) -> bool:
    """Whether a run folder contains weights or adapters."""
    return any((folder / name).is_file() for name in (WEIGHTS, lora.ADAPTER))


def load(folder: Path, dropout: float | None = None, base: Path | None = None) -> GPT2:
    """Load the model of a run folder or a Hugging Face GPT-2 folder, in fp32 on the CPU.

    Adapters are merged into the weights of their `base`. Raises DataError for another architecture, a missing or
    damaged file, and for pickled weights, which are not opened.
    """
    if base is not None:
        return merged(load_adapted(folder, base, dropout)).requires_grad_(True)
    described, surplus_rows, names_activation = hf_config.read_file(folder)
    config, vocab_size, labels = described
    if dropout is not None:
        config = replace(config, dropout=dropout)
    read = checkpoint.read(folder, config.tie_word_embeddings)
    weights, remarks = read.weights, read.remarks
    if read.linear and not names_activation:
        path, key = folder / hf_config.CONFIG, hf_config.ACTIVATION
        remarks += (f"{path} names no {key}, so it is GPT-2's gelu_new; nanoGPT's own models use gelu",)
    head = weights.get("score.weight")
    if head is not None and head.dim() and not labels:  # transformers leaves out the default names of two labels
        labels = tuple(f"LABEL_{number}" for number in range(len(head)))
    if labels and f"{HEAD}.weight" not in weights:  # transformers' classifiers have no other head
        config = replace(config, tie_word_embeddings=True)
    layers = {name.split(".")[2] for name in weights if name.startswith("transformer.h.")}
    if weights and not layers:
        first = min(weights).removeprefix("transformer.")  # as in the file, or nearly
        raise DataError(f"{folder}: no weight has a name of GPT-2, such as {LAYER_NORM}; the first is {first}")
    if config.n_layer != len(layers):  # checked first, so that a damaged file does not make us build a huge model
        raise DataError(
            f"{folder}: {hf_config.CONFIG} says n_layer = {config.n_layer}, but the weights have "
            f"{counted(len(layers), 'layer')}"
        )
    try:
        with torch.device("meta"):  # the weights are about to be replaced: initialise none
            model = GPT2(config, vocab_size + surplus_rows, labels)
    except (RuntimeError, TypeError, OverflowError) as error:  # larger than any tensor can be
        raise DataError(f"{folder / hf_config.CONFIG}: the model is too large: {str(error).splitlines()[0]}") from None
    expected = dict(model.named_parameters())
    missing, unknown = sorted(expected.keys() - weights.keys()), sorted(weights.keys() - expected.keys())
    if missing or unknown:
        raise DataError(f"{folder}: not the weights of a GPT-2; missing {missing[:3]}, unknown {unknown[:3]}")
    for name, parameter in expected.items():
        if weights[name].shape != parameter.shape:
            found, wanted = tuple(weights[name].shape), tuple(parameter.shape)
            raise DataError(f"{folder}: {name} has shape {found}, but {hf_config.CONFIG} says {wanted}")
    model.load_state_dict(weights, assign=True)
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    set_aside(model, vocab_size)
    model.remarks = remarks
    return model


def load_adapted(folder: Path, base: Path, dropout: float | None = None) -> GPT2:
    """Load the model in `base` with the adapters of a folder, not merged."""
    (_, vocab_size, labels), surplus_rows, _ = hf_config.read_file(folder)
    model = load(base, dropout)
    set_aside(model, vocab_size)
    grow_vocabulary(model, vocab_size)
    if (0 if model.surplus is None else len(model.surplus)) != surplus_rows:
        raise DataError(f"{folder}: its adapters do not belong to {base}, which has more tokens")
    model.set_classifier(labels)
    lora.load(folder, model)
    return model


def parameter_count(folder: Path) -> int:
    """The number of weights of a folder's model, without adapters."""
    with torch.device("meta"):
        return GPT2(*hf_config.read(folder)).parameter_count()
