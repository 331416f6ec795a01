"""Lines of text files, decoded strictly: a wrong byte is reported, never replaced."""

import gzip
import lzma
import os
import zlib
from collections.abc import Iterable, Iterator
from typing import BinaryIO, cast

from gpt2kit.errors import DataError


def check_file(path: str) -> None:
    """Raise DataError unless `path` is there and can be read from (a pipe can be, a folder cannot)."""
    if os.path.isdir(path):
        raise DataError(f"{path}: a folder, but a file is needed")
    if not os.path.exists(path):
        raise DataError(f"{path}: no such file")


def text_lines(path: str) -> Iterator[str]:
    r"""Lines without their ends. "\n" and "\r\n" end one; U+2028, U+0085, "\x0b", "\x0c" and a lone "\r" are text."""
    return without_ends(decoded_lines(path))


def stream_lines(file: Iterable[bytes], name: str) -> Iterator[str]:
    """The same of an open binary stream, such as standard input; `name` is what errors call it."""
    return without_ends(decode_lines(file, name))


def without_ends(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield line[:-2] if line.endswith("\r\n") else line.removesuffix("\n")


def decoded_lines(path: str) -> Iterator[str]:
    """Lines with their ends, which a quoted CSV field must keep. A byte order mark is dropped.

    Raises DataError for a byte that is not UTF-8, for a NUL byte (a binary file), and for a file that cannot be read.
    """
    return decode_lines(_raw_lines(path), path)


def decode_lines(lines: Iterable[bytes], path: str) -> Iterator[str]:
    """Raw lines as text, strictly; `path` is what errors call their source."""
    offset = 0
    for number, raw in enumerate(lines, 1):
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            at = error.start
            raise DataError(
                f"{path}:{number}: byte 0x{raw[at]:02x} at offset {offset + at} of the file is not UTF-8 "
                f"({error.reason}), after {cut(raw[:at].decode('utf-8'), keep='end')!r}; only UTF-8 text is accepted"
            ) from None
        if "\0" in line:
            raise DataError(f"{path}:{number}: a NUL byte: a binary file or UTF-16; only UTF-8 text is accepted")
        offset += len(raw)
        yield line.removeprefix("\ufeff") if number == 1 else line


def cut(text: str, width: int = 80, keep: str = "start") -> str:
    """At most `width` characters of `text`, for a message."""
    if len(text) <= width:
        return text
    return "…" + text[1 - width :] if keep == "end" else text[: width - 1] + "…"


def _raw_lines(path: str) -> Iterator[bytes]:
    try:
        with _open(path) as file:
            yield from file
    except (EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile) as error:
        raise DataError(f"{path}: damaged, cut short or not compressed as its name says: {error}") from None
    except OSError as error:
        raise DataError(f"{path}: cannot be read: {error.strerror or error}") from None


def _open(path: str) -> BinaryIO:
    ending = os.path.splitext(path)[1].lower()
    if ending == ".gz":
        return cast(BinaryIO, gzip.open(path, "rb"))
    if ending == ".xz":
        return cast(BinaryIO, lzma.open(path, "rb"))
    return open(path, "rb")
