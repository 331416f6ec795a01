"""Python, gpt2kit, and the packages that it needs: whether each can be imported, and what is impossible without it."""

import importlib
import importlib.metadata
import platform
import re
import struct
import warnings
from typing import NamedTuple

from gpt2kit.doctor.finding import Finding


class Library(NamedTuple):
    """A package, by the name of its module."""

    module: str
    use: str
    """What is impossible without it."""


REQUIRED: dict[str, Library] = {
    "torch": Library("torch", "training, and nothing after it"),
    "numpy": Library("numpy", "prepared data"),
    "tokenizers": Library("tokenizers", "text as ids"),
    "tiktoken": Library("tiktoken", "text as ids on disk"),
    "safetensors": Library("safetensors", "weights, read or written"),
    "filelock": Library("filelock", "lock of a folder at work"),
    "datasets": Library("datasets", "corpora in Parquet or of the Hub"),
    "huggingface-hub": Library("huggingface_hub", "models and tokenizers of the Hub"),
    "transformers": Library("transformers", "config.json, checked and written"),
    "sacrebleu": Library("sacrebleu", "BLEU and chrF++"),
    "rouge-score": Library("rouge_score", "ROUGE"),
    "scikit-learn": Library("sklearn", "accuracy and F1"),
    "tomli-w": Library("tomli_w", "recipes"),
    "typer": Library("typer", "command line"),
    "rich": Library("rich", "command line"),
    "pretty_midi": Library("pretty_midi", "MIDI, read or written"),
    "symusic": Library("symusic", "MIDI that is read"),
    "mwparserfromhell": Library("mwparserfromhell", "dumps of Wikipedia"),
    "matplotlib": Library("matplotlib", "figures by inspect --png, pictures of pieces"),
}
"""By the names of their distributions, as in pyproject.toml."""

OPTIONAL: dict[str, Library] = {
    "tensorboard": Library("tensorboard", "curves by train --tensorboard"),
}


def python() -> Finding:
    """The interpreter, and gpt2kit itself."""
    bits, name, version = 8 * struct.calcsize("P"), platform.python_implementation(), platform.python_version()
    mine = installed("gpt2kit")
    found = f"{name} {version}, {bits} bits; gpt2kit {mine or 'is not installed: it runs from its sources'}"
    facts = {"implementation": name, "version": version, "bits": bits, "gpt2kit": mine}
    return Finding("Python", found, "ok" if bits == 64 else "note", facts)


def libraries() -> list[Finding]:
    """One finding for all required packages that are in order, and one for each other one."""
    wanted = requirements()
    good, found = {}, []
    for name, library in REQUIRED.items():
        version, problem = installed(name), failure(library.module)
        accepted = wanted.get(_called(name), "")
        if problem is None and version is not None and not fits(version, accepted):
            found.append(Finding(name, f"{version}; gpt2kit is made for {accepted}", "note", {"version": version}))
        elif problem is None:
            good[name] = version or "of no known version"
        else:
            what = "cannot be imported" if version else "is not installed"
            lost = f"{version or ''} {what} ({problem}): without it no {library.use}".strip()
            found.append(Finding(name, lost, "lacks", {"version": version, "error": problem}))
    told = ", ".join(f"{name} {version}" for name, version in good.items())
    return [Finding("packages", told or "none of those that gpt2kit needs", "ok", {"versions": good}), *found]


def extras() -> list[Finding]:
    """The packages that are used if installed."""
    found = []
    for name, library in OPTIONAL.items():
        version = installed(name)
        problem = failure(library.module) if version else "not installed"
        told = version or "" if problem is None else f"{problem}: without it no {library.use}"
        found.append(Finding(name, told, "note" if problem else "ok", {"version": version, "error": problem}))
    return found


def failure(module: str) -> str | None:
    """Why a module cannot be imported; None if it can."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            importlib.import_module(module)
    except Exception as error:  # a package that is damaged may raise anything
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
