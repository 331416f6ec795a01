"""Atomic writes of files and folders, and locks of folders: the only import of filelock.

A reader finds the old file or the new one, never a partial one.
"""

import glob
import json
import os
import shutil
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from gpt2kit.errors import DataError, MachineError, UserError


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Re-raise OSError from the block, such as a full disk, as MachineError: `path` cannot be written."""
    try:
        yield
    except OSError as error:
        raise MachineError(f"{path}: cannot be written: {error.strerror or error}") from error


@contextmanager
def atomic(path: Path) -> Iterator[Path]:
    """Yield a temporary path next to `path`; on success the file is flushed to disk and replaces `path`."""
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        with writing(path):
            temporary.touch()
            mode = temporary.stat().st_mode
            yield temporary
            temporary.chmod(mode)  # safetensors makes its files readable only for their owner
            with temporary.open("rb") as written:
                os.fsync(written.fileno())
            os.replace(temporary, path)
    finally:
        with suppress(OSError):
            temporary.unlink()


@contextmanager
def appended(path: Path) -> Iterator[Callable[[str], None]]:
    """Yield a function that appends one unbuffered line to a file; a link to another file is not followed."""

    def add(line: str) -> None:
        with writing(path):
            file.write(f"{line}\n".encode())

    def own(name: str, flags: int) -> int:
        return os.open(name, flags | getattr(os, "O_NOFOLLOW", 0), 0o666)

    with writing(path):
        file = open(path, "ab", buffering=0, opener=own)  # noqa: SIM115  # closed below
    with file:
        yield add


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files of killed writers; nothing else may be writing to the folder."""
    for pattern in (".*.????????.tmp", ".tmp??????"):  # ours, and those of safetensors
        for leftover in folder.glob(pattern):
            leftover.unlink(missing_ok=True)


def write_text(path: Path, text: str, errors: str = "strict") -> None:
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8", errors=errors, newline="\n")


def write_json(path: Path, value: object) -> None:
    """Write JSON; half of a surrogate pair, as in a file name that is not UTF-8, is written as its escape."""
    write_text(path, json.dumps(value, ensure_ascii=False, indent=2) + "\n", errors="backslashreplace")


def read_json(path: Path) -> dict[str, Any]:
    """Read the object in a JSON file. Raises DataError if the file is missing, damaged or does not contain an
    object."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise DataError(f"{path} is missing") from None
    except (OSError, ValueError, RecursionError) as error:
        raise DataError(f"{path} is not a JSON file: {error}") from error
    if not isinstance(value, dict):
        raise DataError(f"{path}: expected a JSON object, found {type(value).__name__}")
    return value


def writable_folder(path: Path) -> None:
    """Create a folder if it does not exist. Raises MachineError if it is not writable."""
    try:
        path.mkdir(parents=True, exist_ok=True)
        with TemporaryFile(dir=path):
            pass
    except OSError as error:
        raise MachineError(f"{path}: cannot be written to: {error.strerror or error}") from error


@contextmanager
def new_folder(path: Path, overwrite: bool) -> Iterator[Path]:
    """Yield a temporary folder that becomes `path` on success; on failure nothing changes.

    An existing, non-empty `path` is rejected without `overwrite`; with it, it is replaced at the very end. If `path` is
    a link, its target folder is replaced.
    """
    path = Path(os.path.realpath(path)) if path.is_symlink() else path
    refuse_existing(path, overwrite)
    remove_abandoned(path)
    temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.tmp")
    try:
        temporary.mkdir(parents=True)
    except OSError as error:
        raise MachineError(f"{path}: cannot be created: {error.strerror or error}") from error
    try:
        with held(temporary), writing(path):
            yield temporary
            refuse_existing(path, overwrite)  # another process may have created it meanwhile
            put_folder(temporary, path)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def put_folder(folder: Path, path: Path) -> None:
    """Rename a folder to `path`, replacing an existing one; if that fails, the old one stays.

    The old one may have the name of `folder` afterwards: the caller removes it.
    """
    if path.exists() and _exchanged(folder, path):
        return
    old = folder.with_suffix(".old")
    if path.exists():
        path.rename(old)
    try:
        folder.rename(path)
    except OSError:
        if old.exists():
            old.rename(path)
        raise
    shutil.rmtree(old, ignore_errors=True)


def _exchanged(one: Path, other: Path) -> bool:
    """Exchange the names of two folders in one step on Linux; on other systems return False and change nothing.

    With two renames, a kill between them would leave nothing under the name.
    """
    import ctypes

    exchange = getattr(ctypes.CDLL(None), "renameat2", None) if sys.platform == "linux" else None
    here, both = -100, 2  # fcntl.h: AT_FDCWD, RENAME_EXCHANGE
    return exchange is not None and exchange(here, os.fsencode(one), here, os.fsencode(other), both) == 0


def remove_folder(path: Path) -> None:
    """Remove a folder so that no part of it is found under its name."""
    leftover = path.with_name(f".{path.name.removeprefix('.')}.{uuid.uuid4().hex[:8]}.tmp")
    path.rename(leftover)
    shutil.rmtree(leftover, ignore_errors=True)


def remove_abandoned(path: Path) -> None:
    """Remove the temporary folders and files for `path` that killed processes left; one in use is held, and stays."""
    if sys.platform != "win32":
        import filelock  # noqa: F401  # slow: the caller holds what it creates next before others take it for abandoned

    for left in path.parent.glob(f".{glob.escape(path.name)}.????????.tmp"):
        with suppress(UserError, OSError), held(left):
            if left.is_dir():
                shutil.rmtree(left, ignore_errors=True)
            else:
                left.unlink()


@contextmanager
def held(folder: Path) -> Iterator[None]:
    """Lock a folder, or a file, against other processes; the system releases it however the process ends.

    Raises UserError if another process holds it. If the system or the file system does not support locks, there is no
    protection.
    """
    if sys.platform == "win32":  # it does not open directories
        yield
        return
    from filelock import lock_descriptor

    # The directory itself is locked, not a lock file: nothing is added to a folder that people copy and upload, a
    # read-only one can be held, and one that is renamed or exchanged while held stays held.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            free = lock_descriptor(descriptor, blocking=False)
        except OSError:
            free = True
        if not free:
            raise UserError(f"{folder} is in use by another process: wait until that ends, or choose another folder")
        yield
    finally:
        os.close(descriptor)


def refuse_existing(path: Path, overwrite: bool) -> None:
    """Raise UserError if `path` cannot become a new folder: it contains something of value, or this command runs in
    it."""
    if path.is_file():
        raise UserError(f"{path} is a file, but --out has to be a folder")
    here = Path.cwd()
    if Path(os.path.realpath(path)) in (here, *here.parents):
        raise UserError(f"{path} is or contains the current directory; give --out a folder of its own")
    if path.is_dir() and any(path.iterdir()) and not overwrite:
        raise UserError(f"{path} already exists; choose another --out, or replace it with --overwrite")


def refuse_existing_file(path: Path, overwrite: bool) -> None:
    """Raise UserError if `path` is a folder, or exists and must not be overwritten."""
    if path.is_dir():
        raise UserError(f"{path} is a directory; a file name is needed")
    if path.exists() and not overwrite:
        raise UserError(f"{path} already exists; choose another name, or replace it with --overwrite")
