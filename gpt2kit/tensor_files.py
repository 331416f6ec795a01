"""Tensors in files, with digests that show damage: the only import of safetensors."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt2kit import digests, files
from gpt2kit.errors import DataError, MachineError

if TYPE_CHECKING:
    from torch import Tensor


def write_tensors(path: Path, tensors: "dict[str, Tensor]", metadata: dict[str, str]) -> None:
    """Write a safetensors file, with `metadata` in its header, and a digest of both."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    metadata = metadata | {digests.CHECK: digests.of_metadata(metadata.get(DIGEST) or digest(tensors), metadata)}
    with files.atomic(path) as temporary:
        try:
            save_file(tensors, temporary, metadata)
        except SafetensorError as error:  # wraps the OSError of a full disk
            raise MachineError(f"{path}: cannot be written: {error}") from error
        _sort_metadata(temporary)


def _sort_metadata(path: Path) -> None:
    """Sort the metadata in the header of a safetensors file: its writer shuffles them, and equal tensors should give
    equal files."""
    with path.open("r+b") as file:
        length = int.from_bytes(file.read(8), "little")
        header = json.loads(file.read(length))
        header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
        text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
        if len(text) <= length:  # otherwise safetensors spells something differently: leave it
            file.seek(8)
            file.write(text.ljust(length))


DIGEST = "blake2b"
"""The key of the digest in the header of a weights file."""

STEP = "step"
"""The key of the training step there."""


def digest(tensors: "dict[str, Tensor]") -> str:
    """Hash tensors on the CPU with their names, dtypes and shapes."""
    from torch import uint8

    found = hashlib.blake2b(digest_size=16)
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {tuple(tensor.shape)}".encode())
        found.update(tensor.contiguous().reshape(-1).view(uint8).numpy().data)
    return found.hexdigest()


VERIFIED: ContextVar[bool] = ContextVar("VERIFIED", default=True)


@contextmanager
def unverified() -> Iterator[None]:
    """Read tensors whose digest is wrong, too: selftest reports that itself."""
    before = VERIFIED.set(False)
    try:
        yield
    finally:
        VERIFIED.reset(before)


def read_tensors(path: Path) -> "tuple[dict[str, Tensor], dict[str, str]]":
    """Read the tensors, on the CPU, and the metadata of a safetensors file. Raises DataError if they are not as
    gpt2kit wrote them; files of other programs have no digest. The check takes about a second for each GB."""
    with _safetensors(path) as file:
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  # no mapping
        metadata: dict[str, str] = file.metadata() or {}
    check = metadata.pop(digests.CHECK, None)
    if VERIFIED.get() and (check is not None or DIGEST in metadata):
        found = digest(tensors)
        if metadata.get(DIGEST, found) != found or check not in (None, digests.of_metadata(found, metadata)):
            raise DataError(f"{path} is damaged: its digest is not the one in its header")
    return tensors, metadata


def weights_metadata(tensors: "dict[str, Tensor]", step: int | None) -> dict[str, str]:
    """The metadata of a model's weights: the format, as transformers reads it, their digest, and the training step."""
    known = {} if step is None else {STEP: str(step)}
    return {"format": "pt", DIGEST: digest(tensors), **known}


def read_metadata(path: Path) -> dict[str, str]:
    """Read only the metadata of a safetensors file. Raises DataError if they are damaged, as far as they tell."""
    with _safetensors(path) as file:
        metadata: dict[str, str] = file.metadata() or {}
    check = metadata.pop(digests.CHECK, None)
    if DIGEST in metadata and check not in (None, digests.of_metadata(metadata[DIGEST], metadata)):
        raise DataError(f"{path} is damaged: its digest is not the one in its header")
    return metadata


@contextmanager
def _safetensors(path: Path) -> Iterator[Any]:
    """Open a safetensors file. Raises DataError if it is missing or damaged."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            yield file
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} is damaged or not a safetensors file: {error}") from error
