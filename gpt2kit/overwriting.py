"""What --overwrite may replace: only what gpt2kit wrote for the same purpose, never an input of the command.

Every command that writes passes its output and its inputs to `new_folder`, `check_folder` or `check_file`.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import islice
from pathlib import Path

from gpt2kit import files
from gpt2kit.errors import UserError, counted

GENERATOR = "gpt2kit"
"""The name that pages, pictures and sounds give as the software that wrote them."""

IGNORED = (".DS_Store", "Thumbs.db", "desktop.ini", ".nfs*", ".*.tmp", ".tmp??????")
"""Files of no value to anybody: those of file managers and file systems, and the leftovers of killed writers."""

SHOWN = 3
HEAD = 4096

Inputs = Iterable[str | Path]


@dataclass(frozen=True)
class FolderKind:
    """A kind of folder that gpt2kit writes, recognized by the names in it."""

    name: str
    marks: tuple[str, ...]
    """Files of which the folder has at least two; one may have been lost."""
    patterns: tuple[str, ...]
    """All files that gpt2kit writes there, as paths in the folder; * matches any characters."""
    parts: tuple[str, ...] = ()
    """Endings of files that belong together: STEM with any of these is known next to STEM with the first."""
    numbered: str = ""
    """What the name of the first of several parts has after that of the whole, which then has the last ending alone."""

    def foreign(self, folder: Path) -> Iterator[str]:
        """The files of a folder that gpt2kit does not write into this kind of folder."""
        for path in _files(folder):
            name = path.relative_to(folder).as_posix()
            if any(fnmatchcase(path.name, pattern) for pattern in IGNORED):
                continue
            if any(fnmatchcase(name, pattern) for pattern in self.patterns):
                continue
            if self.parts and path.suffix in self.parts and self._first_part(path, folder).is_file():
                continue
            yield name

    def _first_part(self, path: Path, folder: Path) -> Path:
        """The file with the first ending that a file with another one belongs to."""
        own = folder / f"{path.stem}{self.parts[0]}"
        if path.suffix == self.parts[-1] and self.numbered and not own.exists():
            return folder / f"{path.stem}{self.numbered}{self.parts[0]}"
        return own

    def is_in(self, folder: Path) -> bool:
        return sum((folder / mark).is_file() for mark in self.marks) >= 2


@dataclass(frozen=True)
class FileKind:
    """A kind of file that gpt2kit writes, recognized by its first and last bytes."""

    name: str
    recognizes: Callable[[bytes, bytes], bool]

    def wrote(self, path: Path) -> bool:
        """Whether gpt2kit wrote this file; an empty one has nothing to lose."""
        with path.open("rb") as file:
            head = file.read(HEAD)
            file.seek(max(0, file.seek(0, os.SEEK_END) - HEAD))
            return not head or self.recognizes(head, file.read())


MARK = GENERATOR.encode()
TICKS = (b"\x01\xf4", b"\x00\x32")
"""The ticks of a beat in our MIDI files, 500 or 50, which other programs do not use."""
OUR_PAGE, WORKER = b'<meta name="generator" content="' + MARK + b'">', b"worker-src blob:"
PAGE = FileKind("a page", lambda head, _: OUR_PAGE in head and WORKER not in head)
MODEL_PAGE = FileKind("a page of a model", lambda head, _: OUR_PAGE in head and WORKER in head)
"""The only page with a Worker: it has weights, and no other page replaces it."""
PICTURE = FileKind("a picture", lambda head, _: head.startswith(b"\x89PNG") and b"Software\0" + MARK in head)
SOUND = FileKind("a sound", lambda head, tail: head.startswith(b"RIFF") and b"ISFT" in tail and MARK in tail)
FLAC = FileKind("a sound", lambda head, _: head.startswith(b"fLaC") and b"=" + MARK in head)
SPLICED = b"\xff\x7f\x08\x7d" + MARK + b"\0\xff\x2f\0"
"""The end of the last track of a user's MIDI file with a model's notes: an event for sequencers, and End of Track."""
MIDI = FileKind(
    "a performance",
    lambda head, tail: (
        (head.startswith(b"MThd\0\0\0\6\0\1\0\2") and b"\xff\x03\x05Piano" in head and head[12:14] in TICKS)
        or (head.startswith(b"MThd") and tail.endswith(SPLICED))
    ),
)
PREDICTIONS = FileKind("predictions", lambda head, _: head.startswith(b'{"n": 1, ') and b'"output": ' in head)
VISUALIZED = FileKind("data for the visualizer", lambda head, _: head.startswith(b'{"music":['))


@contextmanager
def new_folder(path: Path, overwrite: bool, kind: FolderKind, inputs: Inputs = ()) -> Iterator[Path]:
    """Yield a temporary folder that becomes `path` on success, as `files.new_folder`, if `check_folder` allows it then
    and now."""
    check_folder(path, overwrite, kind, inputs)
    with files.new_folder(path, overwrite) as folder:
        yield folder
        check_folder(path, overwrite, kind, inputs)  # somebody may have put a file there meanwhile


def check_folder(path: Path, overwrite: bool, kind: FolderKind, inputs: Inputs = ()) -> str:
    """Raise UserError if `path` must not become a new folder; returns what is replaced, "" for nothing."""
    files.refuse_existing(path, overwrite=True)
    if not path.is_dir() or not any(path.iterdir()):
        return ""
    if reason := _kept(path, kind, list(inputs)):
        if overwrite:
            raise UserError(f"{path} is not replaced: {reason}; choose another --out")
        raise UserError(f"{path} already exists; choose another --out, as --overwrite does not replace it: {reason}")
    found = [each.lstat().st_size for each in _files(path)]
    taken = f"{kind.name}, {counted(len(found), 'file')}, {sum(found) / 1e6:,.1f} MB"
    if not overwrite:
        raise UserError(f"{path} already exists; choose another --out, or replace it with --overwrite ({taken})")
    return taken


def _kept(folder: Path, kind: FolderKind, inputs: list[str | Path]) -> str:
    """Why a folder must not be replaced; "" if it may be."""
    for word in inputs:
        if any(_is_in(folder, path) for path in _local(word)):
            return (
                "this command reads it"
                if _same(Path(word), folder)
                else f"it contains {word}, which this command reads"
            )
    foreign = list(islice(kind.foreign(folder), SHOWN + 1))
    if not kind.is_in(folder):
        what = f", it has {', '.join(foreign[:SHOWN])}" if foreign else ""
        return f"it is not {kind.name}{what}"
    if foreign:
        more = " and others" if len(foreign) > SHOWN else ""
        return f"it also has {', '.join(foreign[:SHOWN])}{more}: first move away what is not part of {kind.name}"
    return ""


def check_file(path: Path, overwrite: bool, kind: FileKind, inputs: Inputs = ()) -> str:
    """Raise UserError if the file `path` must not be written; returns what is replaced, "" for nothing."""
    if any(_same(each, path) for word in inputs for each in _local(word)):
        raise UserError(f"{path} is an input of this command, and is not replaced; choose another name")
    if not os.path.lexists(path):
        return ""
    files.refuse_existing_file(path, overwrite=True)  # a directory
    if not path.exists():
        return ""  # a link to nothing has nothing to lose
    if not path.is_file():
        raise UserError(f"{path} is not a regular file, and is not replaced; choose another name")
    try:
        ours = kind.wrote(path)
    except OSError:
        ours = False
    if not ours:
        if overwrite:
            raise UserError(f"{path} is not replaced: gpt2kit did not write it as {kind.name}; choose another name")
        raise UserError(
            f"{path} already exists; choose another name, as --overwrite does not replace it: gpt2kit did not write it "
            f"as {kind.name}"
        )
    files.refuse_existing_file(path, overwrite)
    return kind.name


def _files(folder: Path) -> Iterator[Path]:
    """Every file below a folder; a link to a folder counts as a file."""
    for where, folders, names in os.walk(folder):
        links = [name for name in folders if os.path.islink(os.path.join(where, name))]
        yield from (Path(where, name) for name in sorted([*names, *links]))


def _local(word: str | Path) -> list[Path]:
    """The files or folders that a word of the command line names: itself, or after `en=`; a Hub name has none."""
    text = str(word)
    return [Path(part) for part in {text, text.partition("=")[2]} - {""} if os.path.lexists(part)]


def _is_in(folder: Path, path: Path) -> bool:
    """Whether a path, or the file that it links to, is the folder or anything in it; by identity, as names may differ
    in case."""
    places = (Path(os.path.realpath(path.parent), path.name), Path(os.path.realpath(path)))
    return any(_same(above, folder) for place in places for above in (place, *place.parents))


def _same(one: Path, other: Path) -> bool:
    """Whether two paths are one file, however they are written or linked."""
    with suppress(OSError):
        return os.path.samefile(one, other)
    return False
