"""The formats that a run can be exported to. This file imports none of their packages: help texts list them."""

import importlib
import importlib.util
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gpt2kit.errors import MachineError, UserError

if TYPE_CHECKING:
    from gpt2kit.export.target import Target


@dataclass(frozen=True)
class Format:
    """One format."""

    name: str
    """That of --to, of the extra, and of the file here with the code."""
    target: str
    """The class in that file."""
    purpose: str
    """What is written for whom, in a few words for the help text."""
    dtypes: tuple[str, ...]
    """Number types; the first is the default."""
    ending: str
    """What is added to the name of a run to get the default name of its export."""
    modules: tuple[str, ...] = ()
    """The modules that write and check it, which the extra installs."""


FORMATS = {
    each.name: each
    for each in (
        Format("gguf", "Gguf", "a file for llama.cpp", ("f16", "f32", "q8_0"), ".gguf", ("gguf", "accelerate")),
        Format(
            "ctranslate2",
            "CTranslate2",
            "a folder for CTranslate2",
            ("f32", "f16", "bf16", "int8"),
            "-ct2",
            ("ctranslate2",),
        ),
        Format("onnx", "Onnx", "a file for onnxruntime", ("f32",), ".onnx", ("onnx", "onnxscript", "onnxruntime")),
        Format("html", "Html", "a page in which the model runs offline", ("f16", "int8", "f32"), ".html"),
        Format("safetensors", "Safetensors", "the run in fewer bytes", ("bf16", "f16", "f32"), "-safetensors"),
    )
}


def find(name: str) -> Format:
    """The format of this name. Raises UserError if there is none, MachineError if its packages are not installed."""
    if name not in FORMATS:
        raise UserError(f"--to {name}: unknown format; expected one of {', '.join(FORMATS)}")
    found = FORMATS[name]
    for module in found.modules:
        if importlib.util.find_spec(module) is None:
            raise MachineError(f"--to {name} needs the package {module}: pip install 'gpt2kit[{name}]'")
    return found


def dtype_of(found: Format, asked: str) -> str:
    """The number type to write. Raises UserError for one that the format does not have."""
    if asked and asked not in found.dtypes:
        raise UserError(f"--dtype {asked}: {found.name} is written as one of {', '.join(found.dtypes)}")
    return asked or found.dtypes[0]


def target(found: Format) -> "Target":
    """The code that writes and reads a format; only its packages are imported."""
    made: Target = getattr(importlib.import_module(f"{__package__}.{found.name}"), found.target)()
    return made
