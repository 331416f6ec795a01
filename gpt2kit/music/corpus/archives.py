"""Reads folders, zip and tar archives and single files; nothing is extracted to disk."""

import bz2
import gzip
import lzma
import os
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from gpt2kit.errors import DataError
from gpt2kit.music.midi import LARGEST_FILE, check_size, read_bytes
from gpt2kit.music.midi_file.smf import MidiError

MIDI_NAMES = (".mid", ".midi", ".rmi", ".kar")
TAR_NAMES = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
ACCEPTED = f"a folder, a zip or tar archive, or a MIDI file ({' '.join(MIDI_NAMES)})"
LARGEST_TAR = 16 * 2**30
"""Decompressed bytes: the contents of a compressed tar are known only when it is decompressed to its end."""

MOST_MEMBERS = 1 << 20
"""Members of a tar, whose headers alone could fill the memory."""

BROKEN = (
    *(OSError, EOFError, ValueError, RuntimeError, OverflowError, MemoryError),
    *(zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError),
)
"""Exceptions of the standard library for damaged, encrypted and exotic archives."""

PACKED: dict[bytes, Callable[..., object]] = {b"\x1f\x8b": gzip.open, b"BZh": bz2.open, b"\xfd7zXZ\0": lzma.open}
"""The function that opens a compressed tar, by its first bytes."""


class Member(NamedTuple):
    """A file in a folder or an archive, or a single one."""

    name: str
    """The word of the command line, and the path inside it."""
    path: str
    """The path inside, with "/" between folders; "" if the whole is damaged: then `read` raises."""
    read: Callable[[], bytes]
    """Raises MidiError with the reason when it cannot be read or is too large."""


def is_midi(path: str) -> bool:
    """Whether a file is MIDI, judged by its name; the files that macOS adds to archives are not."""
    return path.lower().endswith(MIDI_NAMES) and not path.rpartition("/")[2].startswith("._")


def ending(path: str) -> str:
    """The kind of a file that is not MIDI, by its name."""
    name = path.rpartition("/")[2]
    if name.startswith("._") or name == ".DS_Store":
        return "written by macOS"
    _, dot, last = name.lstrip(".").rpartition(".")
    if not dot:
        return "without an ending"
    return f".{last.lower()}" if last.isalnum() and last.isascii() and len(last) < 10 else "with another ending"


def check_word(word: str) -> None:
    """Raises DataError for words that cannot be a source: missing, or of another kind."""
    path = Path(word)
    try:
        path.stat()
    except (OSError, ValueError) as error:
        raise DataError(f"{word}: {getattr(error, 'strerror', error)}; accepted: {ACCEPTED}") from None
    if not (path.is_dir() or is_midi(path.name) or (path.is_file() and (_is_zip(path) or _is_tar(path)))):
        raise DataError(f"{word}: cannot be read as music; accepted: {ACCEPTED}")


@contextmanager
def members(word: str) -> Iterator[list[Member]]:
    """The files of a source, to be read in this order while the context is open."""
    path = Path(word)
    if path.is_dir():
        yield _in_folder(word)
    elif is_midi(path.name):
        yield [Member(word, path.name, partial(read_bytes, path))]
    else:
        with _in_zip(word) if _is_zip(path) else _in_tar(word) as found:
            yield found


def _in_folder(word: str) -> list[Member]:
    locked: list[OSError] = []
    walk = os.walk(word, onerror=locked.append)
    paths = sorted(Path(place) / name for place, _, names in walk for name in names)
    found = [(path, path.relative_to(word).as_posix()) for path in paths]
    return [
        *(Member(str(path), inside, partial(read_bytes, path)) for path, inside in found),
        *(_damaged(str(error.filename), error) for error in locked),
    ]


def _is_zip(path: Path) -> bool:
    return path.name.lower().endswith(".zip") or zipfile.is_zipfile(path)


def _is_tar(path: Path) -> bool:
    if path.name.lower().endswith(TAR_NAMES):
        return True
    try:
        with _tar(str(path)):
            return True
    except BROKEN:
        return False


class _Wary:
    """A file whose reads are limited to the length of a MIDI file, whatever its headers request."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.tell, self.seek = file.tell, file.seek

    def read(self, size: int) -> bytes:
        if not 0 <= size <= LARGEST_FILE + tarfile.BLOCKSIZE:
            raise OSError(f"a header says {size:,} bytes")
        return self.file.read(size)


@contextmanager
def _tar(word: str) -> Iterator[tarfile.TarFile]:
    with open(word, "rb") as file:
        start = file.read(6)
    unpack = next((opener for magic, opener in PACKED.items() if start.startswith(magic)), open)
    with (
        cast(BinaryIO, unpack(word, "rb")) as unpacked,
        tarfile.TarFile(fileobj=cast(BinaryIO, _Wary(unpacked))) as archive,
    ):
        yield archive


@contextmanager
def _in_zip(word: str) -> Iterator[list[Member]]:
    try:
        archive = zipfile.ZipFile(word)
    except BROKEN as error:
        yield [_damaged(word, error)]
        return
    with archive:
        entries = [entry for entry in archive.infolist() if not entry.is_dir()]
        yield [
            Member(f"{word}/{entry.filename}", entry.filename, partial(_from_zip, archive, entry)) for entry in entries
        ]


def _from_zip(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    check_size(entry.file_size)
    # With the other methods, zipfile decompresses a few thousand bytes at a time, however large the result.
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise MidiError("compressed by an unsupported method", "pack the archive again with a common one")
    try:
        with archive.open(entry) as file:
            return _limited(file.read(LARGEST_FILE + 1))
    except BROKEN as error:
        raise _unreadable(error) from None


@contextmanager
def _in_tar(word: str) -> Iterator[list[Member]]:
    with ExitStack() as opened:
        try:
            archive = opened.enter_context(_tar(word))
        except BROKEN as error:
            yield [_damaged(word, error)]
            return
        found: list[Member] = []
        unpacked = 0
        try:
            for entry in archive:
                unpacked += entry.size
                if unpacked > LARGEST_TAR:
                    raise OSError(f"unpacked it is larger than {LARGEST_TAR:,} bytes")
                if entry.size < 0 or len(found) == MOST_MEMBERS:  # in the first case Python would never finish
                    raise OSError(f"a negative size, or more than {MOST_MEMBERS:,} files")
                if entry.isfile():
                    found.append(Member(f"{word}/{entry.name}", entry.name, partial(_from_tar, archive, entry)))
        except BROKEN as error:
            found.append(_damaged(word, error))
        yield found


def _from_tar(archive: tarfile.TarFile, entry: tarfile.TarInfo) -> bytes:
    check_size(entry.size)
    try:
        file = archive.extractfile(entry)
        return _limited(file.read(LARGEST_FILE + 1)) if file else b""
    except BROKEN as error:
        raise _unreadable(error) from None


def _limited(content: bytes) -> bytes:
    check_size(len(content))
    return content


def _unreadable(error: Exception) -> MidiError:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return MidiError("cannot be unpacked", reason.split("\n")[0])


def _damaged(name: str, error: Exception) -> Member:
    def read() -> bytes:
        raise _unreadable(error)

    return Member(name, "", read)
