"""Reads the weights of a GPT-2 folder under the names and in the orientation of our model, whoever wrote them.

Hugging Face's linear layers are Conv1D, which stores [in, out]; ours are nn.Linear, [out, in]. All names are equal.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from gpt2kit import files, tensor_files
from gpt2kit.errors import DataError

WEIGHTS = "model.safetensors"
CONV1D = re.compile(r"\.(c_attn|c_proj|c_fc)\.weight$")
BUFFERS = re.compile(r"\.attn\.(bias|masked_bias)$")
"""Causal masks, which old checkpoints store next to the weights."""
WRAPPERS = ("_orig_mod", "module", "_fsdp_wrapped_module", "_checkpoint_wrapped_module")
"""Parts of names that torch.compile, DataParallel, FSDP and activation checkpointing add."""
POSITIONS = re.compile(r"((?:.*?\.)??)(?:transformer\.)?wpe\.weight")
"""The position embedding, which every GPT-2 has once, and what comes before the names of the model's weights."""
HEADS = ("multiple_choice_head", "classifier", "qa_outputs", "v_head")
"""Second heads of transformers' and TRL's GPT-2 classes, which our model does not have."""
PICKLED = (".bin", ".pt", ".pth", ".ckpt")
NO_WEIGHTS = ("training_args", "optimizer", "scheduler", "scaler", "rng_state")
"""Beginnings of the names of pickles that trainers write next to the weights."""
OTHERS = {
    "*.h5": "TensorFlow",
    "*.msgpack": "Flax",
    "*.ckpt.index": "TensorFlow",
    "*.ot": "Rust",
    "*.gguf": "llama.cpp",
    "*.onnx": "ONNX",
}
"""Weights in other formats by their names."""
LFS = b"version https://git-lfs"
"""The beginning of the file that `git clone` leaves in place of a large one without Git LFS."""


@dataclass(frozen=True)
class Checkpoint:
    """The tensors of a folder, in fp32."""

    weights: dict[str, Tensor]
    linear: bool
    """Whether the matrices are [out, in], as nanoGPT stores them."""
    remarks: tuple[str, ...]
    """What was left out or read in another way than Hugging Face's, as sentences for the user."""


def stored(name: str, weight: Tensor) -> Tensor:
    """A weight as it is in a file, or back."""
    return weight.t() if CONV1D.search(name) and weight.dim() == 2 else weight


def read(folder: Path, tied: bool = True) -> Checkpoint:
    """Read all weights of a folder; masks and heads that our model does not have are left out, as is a head that
    repeats the token embedding, if it is tied.

    Raises DataError for weights that are missing, damaged or in another format; nothing is unpickled.
    """
    found: dict[str, Tensor] = {}
    for name in weight_files(folder):
        path = folder / name
        if path.is_file() and path.stat().st_size < 1024 and path.read_bytes().startswith(LFS):
            raise DataError(
                f"{path} is the placeholder of a file in Git LFS, without the weights: run `git lfs pull` in {folder}"
            )
        found |= tensor_files.read_tensors(path)[0]
    for name, weight in found.items():
        if not (weight.is_floating_point() or BUFFERS.search(name)):
            raise DataError(
                f"{folder}: {name} has integers; quantized weights are not read: convert them to fp32 first"
            )
    named, remarks = _without_wrappers(folder, found)
    heads = {name for name in named if name.startswith(HEADS)}
    if heads:
        head = ", ".join(sorted({name.partition(".")[0] for name in heads}))
        remarks.append(f"{folder} has a second head, {head}, which is left out")
    weights = {_full(name): weight for name, weight in named.items() if name not in heads and not BUFFERS.search(name)}
    linear = _as_linear(weights)
    weights = {
        name: (weight if linear else stored(name, weight)).float().contiguous() for name, weight in weights.items()
    }
    if linear:
        remarks.append(f"{folder} has the layout of nanoGPT, whose matrices are transposed")
        if not any(name.endswith(".bias") for name in weights):
            weights |= {
                f"{name.removesuffix('.weight')}.bias": weight.new_zeros(weight.size(0))
                for name, weight in weights.items()
                if CONV1D.search(name) or ".ln_" in name
            }
            remarks.append(f"{folder} has no biases: they begin at 0")
    return Checkpoint(_tied(folder, weights) if tied else weights, linear, tuple(remarks))


def weight_files(folder: Path) -> Iterable[str]:
    """The names of the files with the weights. Raises DataError if there are none that are safetensors."""
    index = folder / f"{WEIGHTS}.index.json"
    if (folder / WEIGHTS).is_file():
        return [WEIGHTS]
    if index.is_file():
        named = files.read_json(index).get("weight_map")
        if not isinstance(named, dict):
            raise DataError(f"{index} has no weight_map with the file of each weight")
        if not all(isinstance(name, str) and name == Path(name).name for name in named.values()):
            raise DataError(f"{index}: weight_map may only name files in the same folder")
        return sorted(set(named.values()))
    check_format(folder)
    if others := sorted(path.name for path in folder.glob("*.safetensors")):
        raise DataError(f"{folder / WEIGHTS} is missing; if {others[0]} has the weights, rename it to {WEIGHTS}")
    raise DataError(f"{folder / WEIGHTS} is missing")


def check_format(folder: Path) -> None:
    """Raise DataError if a folder has weights in another format only; the message says how to convert them."""
    if any(folder.glob("*.safetensors")):
        return
    pickles = [
        path
        for path in sorted(folder.glob("*"))
        if path.suffix in PICKLED and path.is_file() and not path.name.startswith(NO_WEIGHTS)
    ]
    if pickles:
        shards = [path for path in pickles if path.name.startswith("pytorch_model")]
        newest = max(pickles, key=lambda path: path.stat().st_mtime)
        lines = conversion(folder, shards or [newest])
        raise DataError(f"{folder} has pickled weights only, which can run code; {lines}")
    for pattern, library in OTHERS.items():
        if other := sorted(folder.glob(pattern)):
            raise DataError(
                f"{folder} has weights of {library} only, such as {other[0].name}; expected {WEIGHTS}: convert them "
                "with the program that wrote them, or name another folder"
            )


def conversion(folder: Path, pickles: Sequence[Path]) -> str:
    """Two lines of Python that convert pickled weights, which are parts of one model, without running their code."""
    loads = " | ".join(f"torch.load({str(path)!r}, 'cpu', weights_only=True)" for path in pickles)
    return (
        "two lines of Python convert them, and weights_only=True runs no code:\n"
        f"  import torch; from safetensors.torch import save_file; w = {loads}\n"
        "  save_file({k: v.contiguous().clone() for k, v in w.get('model', w.get('state_dict', w)).items()}, "
        f"{str(folder / WEIGHTS)!r}, {{'format': 'pt'}})"
    )


def _without_wrappers(folder: Path, weights: dict[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """The weights under names without the parts that wrappers add, and remarks on these.

    A module that has the model as a part adds a prefix: all that comes before the name of the position embedding.
    """
    plain = {name: ".".join(word for word in name.split(".") if word not in WRAPPERS) for name in weights}
    stripped = dict.fromkeys(word for name in weights for word in name.split(".") if word in WRAPPERS)
    prefixes = {match[1] for name in plain.values() if (match := POSITIONS.fullmatch(name))}
    prefix = prefixes.pop() if len(prefixes) == 1 else ""
    if prefix:
        stripped[prefix.removesuffix(".")] = None
    found: dict[str, Tensor] = {}
    for name, weight in weights.items():
        short = plain[name].removeprefix(prefix)
        if short in found and not torch.equal(found[short], weight):
            raise DataError(f"{folder} has {short} twice, with different values: once as {name}")
        found[short] = weight
    parts = ", ".join(f"{word}." for word in stripped)
    return found, [f"the names of the weights in {folder} have {parts} in them, which is left out"] * bool(stripped)


def _full(name: str) -> str:
    """The name with the prefix that folders of a bare GPT2Model lack."""
    return name if name.startswith(("lm_head.", "score.", "transformer.")) else f"transformer.{name}"


def _as_linear(weights: dict[str, Tensor]) -> bool:
    """Whether the matrices are [out, in]: that of query, key and value is not square."""
    shapes = {tuple(weight.shape) for name, weight in weights.items() if name.endswith(".attn.c_attn.weight")}
    return bool(shapes) and all(len(shape) == 2 and shape[0] == 3 * shape[1] for shape in shapes)


def _tied(folder: Path, weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """The weights without the head, which is the token embedding. Raises DataError for another head."""
    embedding = "transformer.wte.weight"
    head = weights.pop("lm_head.weight", None)
    if head is None:
        return weights
    if not torch.equal(head, weights.setdefault(embedding, head)):  # of tied tensors, a file may have either
        raise DataError(
            f"{folder}: lm_head.weight differs from the token embedding, but config.json does not say "
            '"tie_word_embeddings": false; add that to it if the model has a head of its own'
        )
    return weights
