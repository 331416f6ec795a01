"""Writing so that a reader finds the old file or the new one, never half of one. The door to safetensors."""

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from gpt2kit.errors import DataError, MachineError, UserError

if TYPE_CHECKING:
    from torch import Tensor


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path`; on success it is flushed to disk and takes the place of `path`."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        temporary.touch()
        mode = temporary.stat().st_mode
        yield temporary
        temporary.chmod(mode)  # safetensors makes its files readable for their owner alone
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.replace(temporary, path)
    except OSError as error:
        raise MachineError(f"{path}: cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of writers that were killed; no writer may be at work in the folder."""
    for pattern in (".*.tmp", ".tmp??????"):  # ours, and that of safetensors, which writes to one of its own first
        for leftover in folder.glob(pattern):
            leftover.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: object) -> None:
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file that gpt2kit or Hugging Face wrote; DataError says what is wrong with it."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no JSON file: {error}") from error
    if not isinstance(value, dict):
        raise DataError(f"{path}: expected a JSON object, found {type(value).__name__}")
    return value


def writable_folder(path: Path) -> None:
    """Make a folder where there is none. Raises MachineError when nothing can be written into it."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise MachineError(f"{path}: cannot be written to: {error.strerror or error}") from error


@contextmanager
def new_folder(path: Path, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary folder that becomes `path` on success; on failure nothing has changed.

    An existing, non-empty `path` is refused unless `overwrite`; it is then replaced at the very end.
    """
    refuse_existing(path, overwrite)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        raise MachineError(f"{path}: cannot be created: {error.strerror or error}") from error
    try:
        yield temporary
        old = temporary.with_suffix(".old")
        if path.exists():
            path.rename(old)
        try:
            temporary.rename(path)
        except OSError:
            if old.exists():
                old.rename(path)
            raise
        shutil.rmtree(old, ignore_errors=True)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def refuse_existing(path: Path, overwrite: bool) -> None:
    if path.is_file():
        raise UserError(f"{path} is a file; --out takes a folder")
    if path.is_dir() and any(path.iterdir()) and not overwrite:
        raise UserError(f"{path} exists and is left as it is; name another --out, or replace it with --overwrite")


def refuse_existing_file(path: Path, overwrite: bool) -> None:
    """The same where the output is a file."""
    if path.is_dir():
        raise UserError(f"{path} is a folder; a file is to be written there")
    if path.exists() and not overwrite:
        raise UserError(f"{path} exists and is left as it is; replace it with --overwrite")


def write_tensors(path: Path, tensors: "dict[str, Tensor]", metadata: dict[str, str]) -> None:
    """A safetensors file; `metadata` goes into its header."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    with atomic(path) as temporary:
        try:
            save_file(tensors, temporary, metadata)
        except SafetensorError as error:  # it hides the OSError of a full disk
            raise MachineError(f"{path}: cannot be written: {error}") from error


def read_tensors(path: Path) -> "tuple[dict[str, Tensor], dict[str, str]]":
    """Tensors and metadata of a safetensors file, on the CPU."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}, file.metadata() or {}  # noqa: SIM118  # no mapping
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    except (OSError, SafetensorError) as error:
        raise DataError(f"{path} is damaged or no safetensors file: {error}") from error
