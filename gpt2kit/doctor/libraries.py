"""Python, gpt2kit, and the packages that it needs: whether each can be imported, and what it is needed for."""

import importlib
import importlib.metadata
import platform
import re
import struct
import warnings
from contextlib import redirect_stderr
from io import StringIO
from typing import NamedTuple

from gpt2kit.doctor.finding import Finding


class Library(NamedTuple):
    """A package, by the name of its module."""

    module: str
    use: str
    """What it is needed for."""


REQUIRED: dict[str, Library] = {
    "torch": Library("torch", "training and generating"),
    "numpy": Library("numpy", "prepared data"),
    "tokenizers": Library("tokenizers", "tokenizing text"),
    "tiktoken": Library("tiktoken", "tokenizing corpora"),
    "safetensors": Library("safetensors", "reading and writing weights"),
    "filelock": Library("filelock", "locking a folder while it is written"),
    "datasets": Library("datasets", "Parquet files and data sets of the Hub"),
    "fsspec": Library("fsspec", "corpora behind URLs"),
    "huggingface-hub": Library("huggingface_hub", "models and tokenizers of the Hub"),
    "transformers": Library("transformers", "checking and writing config.json"),
    "sacrebleu": Library("sacrebleu", "BLEU and chrF++"),
    "rouge-score": Library("rouge_score", "ROUGE"),
    "scikit-learn": Library("sklearn", "accuracy and F1"),
    "tomli-w": Library("tomli_w", "writing recipes"),
    "typer": Library("typer", "the command line"),
    "rich": Library("rich", "the command line"),
    "pretty_midi": Library("pretty_midi", "writing MIDI"),
    "mwparserfromhell": Library("mwparserfromhell", "Wikipedia dumps"),
    "matplotlib": Library("matplotlib", "figures of inspect --png and pictures of pieces"),
}
"""By the names of their distributions, as in pyproject.toml."""

OPTIONAL: dict[str, Library] = {
    "tensorboard": Library("tensorboard", "curves of train --tensorboard"),
    "soundfile": Library("soundfile", "sound as FLAC files, --flac"),
    "ctranslate2": Library("ctranslate2", "export --to ctranslate2"),
    "gguf": Library("gguf", "export --to gguf"),
    "accelerate": Library("accelerate", "export --to gguf, and Trainer"),
    "peft": Library("peft", "adapters in transformers, and the comparison of selftest with it"),
    "llama-cpp-python": Library("llama_cpp", "the proof of export --to gguf by llama.cpp"),
    "onnx": Library("onnx", "export --to onnx"),
    "onnxscript": Library("onnxscript", "export --to onnx"),
    "onnxruntime": Library("onnxruntime", "export --to onnx"),
}


def python() -> Finding:
    """The interpreter, and gpt2kit itself."""
    bits, name, version = 8 * struct.calcsize("P"), platform.python_implementation(), platform.python_version()
    mine = installed("gpt2kit")
    found = f"{name} {version}, {bits} bits; gpt2kit {mine or 'runs from its sources and is not installed'}"
    facts = {"implementation": name, "version": version, "bits": bits, "gpt2kit": mine}
    return Finding("Python", found, "ok" if bits == 64 else "note", facts)


def libraries() -> list[Finding]:
    """One finding for all required packages that work, and one for each of the others."""
    wanted = requirements()
    good, found = {}, []
    for name, library in REQUIRED.items():
        version, problem = installed(name), failure(library.module)
        accepted = wanted.get(_called(name), "")
        if problem is None and version is not None and not fits(version, accepted):
            found.append(Finding(name, f"{version}; gpt2kit expects {accepted}", "note", {"version": version}))
        elif problem is None:
            good[name] = version or "of unknown version"
        else:
            what = "cannot be imported" if version else "is not installed"
            lost = f"{version or ''} {what} ({problem}); needed for {library.use}".strip()
            found.append(Finding(name, lost, "lacks", {"version": version, "error": problem}))
    text = ", ".join(f"{name} {version}" for name, version in good.items())
    return [Finding("packages", text or "none of the packages that gpt2kit needs", "ok", {"versions": good}), *found]


def extras() -> list[Finding]:
    """The packages that are used if installed."""
    found = []
    for name, library in OPTIONAL.items():
        version = installed(name)
        problem = failure(library.module) if version else "not installed"
        text = version or "" if problem is None else f"{problem}; needed for {library.use}"
        found.append(Finding(name, text, "note" if problem else "ok", {"version": version, "error": problem}))
    return found


def failure(module: str) -> str | None:
    """Why a module cannot be imported; None if it can."""
    try:
        with warnings.catch_warnings(), redirect_stderr(StringIO()):  # onnxruntime prints a traceback without numpy
            warnings.simplefilter("ignore")
            importlib.import_module(module)
    except Exception as error:  # a damaged package may raise anything
        return described(error)
    return None


def described(error: Exception) -> str:
    """An error in one line."""
    return f"{type(error).__name__}: {str(error).strip().splitlines()[0]}" if str(error).strip() else repr(error)


def installed(name: str) -> str | None:
    """The version of a distribution; None if it is not installed."""
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None


def requirements() -> dict[str, str]:
    """The range of versions of each package that gpt2kit requires, such as ">=2.10,<2.14"."""
    try:
        lines = importlib.metadata.requires("gpt2kit") or []
    except importlib.metadata.PackageNotFoundError:
        return {}
    split = (re.match(r"[\w.-]+", line) for line in lines if "extra ==" not in line)
    return {_called(each.group()): each.string[each.end() :].partition(";")[0].strip() for each in split if each}


def _called(name: str) -> str:
    """The normalized name of a distribution, as in metadata."""
    return re.sub(r"[-_.]+", "-", name).lower()


def fits(version: str, accepted: str) -> bool:
    """Whether a version is within a range of `>=` and `<`, judged by its leading numbers."""
    found = _numbers(version)
    for part in (part.strip() for part in accepted.split(",")):
        bound = _numbers(part.lstrip("<>="))
        if (part.startswith(">=") and found < bound) or (part.startswith("<") and found >= bound):
            return False
    return True


def _numbers(version: str) -> list[int]:
    found = re.match(r"\d+(?:\.\d+)*", version)
    numbers = [int(number) for number in found.group().split(".")] if found else []
    while numbers and not numbers[-1]:  # 3.0 is 3
        numbers.pop()
    return numbers
