"""Text files, compressed or not, and their lines, decoded strictly: a wrong byte is reported, never replaced."""

import bz2
import codecs
import gzip
import lzma
import os
import zlib
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import chain, islice
from typing import IO, BinaryIO, cast

from gpt2kit.data import remote
from gpt2kit.data.encodings import not_utf8
from gpt2kit.errors import DataError

COMPRESSIONS: dict[str, Callable[[IO[bytes], str], object]] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
"""The function that unpacks an open file, by the lower-case ending of its name."""

BLOCK = 1 << 18

LONGEST_LINE = 1 << 28
"""Bytes, more than any line of text has: a file without line ends is not read into memory to find one."""

ONLY_UTF8 = "only UTF-8 text is accepted; convert other encodings, as in `iconv -f WINDOWS-1252 -t UTF-8 OLD > NEW`"
BINARY = "a NUL byte, as in binary files and UTF-16; only UTF-8 text is accepted"


def check_file(path: str) -> None:
    """Raise DataError unless `path` exists and is readable (a pipe is, a directory is not).

    A URL is not asked for, but refused if it has something to hide that messages would show.
    """
    if remote.is_url(path):
        if path != (public := remote.shown(path)):
            raise DataError(
                f"{public}: a URL with a password or a signature is accepted only as a corpus; download the file"
            )
        return
    if os.path.isdir(path):
        raise DataError(f"{path} is a directory; a file is needed")
    if not os.path.exists(path):
        raise DataError(f"{path}: no such file")


def can_be_read_twice(path: str) -> bool:
    """Whether a path is a file or a URL, not a pipe."""
    return remote.is_url(path) or os.path.isfile(path)


def unpacked_name(path: str) -> str:
    """The name without the ending of its compression."""
    stem, ending = os.path.splitext(path)
    return stem if ending.lower() in COMPRESSIONS else path


def text_lines(path: str) -> Iterator[str]:
    r"""Lines without their ends. "\n" and "\r\n" end one; U+2028, U+0085, "\x0b", "\x0c" and a lone "\r" are text."""
    return without_ends(decoded_lines(path))


def stream_lines(file: BinaryIO, name: str) -> Iterator[str]:
    """Like `text_lines` for an open binary stream, such as standard input; errors call it `name`."""
    return without_ends(decode_lines(_bounded_lines(file, name), name))


def without_ends(lines: Iterable[str]) -> Iterator[str]:
    for line in lines:
        yield line[:-2] if line.endswith("\r\n") else line.removesuffix("\n")


def decoded_lines(path: str) -> Iterator[str]:
    """Lines with their ends, which a quoted CSV field must keep. A byte order mark is dropped.

    Raises DataError for a byte that is not UTF-8, for a NUL byte (a binary file), for a file that cannot be read, and
    for a line without an end.
    """
    return decode_lines(_raw_lines(path), path, ahead=2)


def decode_lines(lines: Iterable[bytes], path: str, ahead: int = 0) -> Iterator[str]:
    """Decode raw lines strictly; errors call their source `path`.

    To recognize the encoding of a line that is not UTF-8, up to `ahead` lines after it are read, too: 0 for a pipe,
    whose other end may wait for the answer.
    """
    offset = 0
    lines = iter(lines)
    for number, raw in enumerate(lines, 1):
        try:
            line = raw.decode("utf-8")
        except UnicodeDecodeError as error:
            _refuse_other_encoding(raw + b"".join(islice(lines, ahead)), offset, f"{path}:{number}")
            at = error.start
            raise DataError(
                f"{path}:{number}: byte 0x{raw[at]:02x} at offset {offset + at} of the file is not UTF-8 "
                f"({error.reason}), after {cut(raw[:at].decode('utf-8'), keep='end')!r}; {ONLY_UTF8}"
            ) from None
        if "\0" in line:
            _refuse_other_encoding(raw, offset, f"{path}:{number}")
            raise DataError(f"{path}:{number}: {BINARY}")
        offset += len(raw)
        yield line.removeprefix("\ufeff") if number == 1 else line


def _refuse_other_encoding(raw: bytes, offset: int, where: str) -> None:
    """Raise DataError if bytes that are not text show their encoding."""
    if found := not_utf8(raw, offset):
        raise DataError(f"{where}: {found}") from None


def text_blocks(path: str) -> Iterator[str]:
    r"""The text of a file, a block at a time, however long its lines are; "\r\n" becomes "\n".

    Raises DataError as `decoded_lines` does.
    """
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset, line, held = 0, 1, ""
    for block in chain(blocks(path), [b""]):
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            at = error.start
            _refuse_other_encoding(block, offset, f"{path}:{line}")
            line += error.object[:at].count(b"\n")
            raise DataError(
                f"{path}:{line}: byte 0x{error.object[at]:02x} is not UTF-8 ({error.reason}), "
                f"{offset - len(error.object) + len(block) + at:,} bytes into the file; {ONLY_UTF8}"
            ) from None
        if "\0" in text:
            _refuse_other_encoding(block, offset, f"{path}:{line}")
            line += text[: text.index("\0")].count("\n")
            raise DataError(f"{path}:{line}: {BINARY}")
        if offset == 0:
            text = text.removeprefix("\ufeff")
        offset += len(block)
        line += text.count("\n")
        text = held + text
        held = "\r" if block and text.endswith("\r") else ""
        yield text.removesuffix(held).replace("\r\n", "\n")


def blocks(path: str) -> Iterator[bytes]:
    """The decompressed bytes of a file, a quarter of a megabyte at a time.

    Raises DataError for a file that is damaged or cannot be read.
    """
    with _opened(path) as file:
        while block := file.read(BLOCK):
            yield block


def cut(text: str, width: int = 80, keep: str = "start") -> str:
    """At most `width` characters of `text`, for a message."""
    if len(text) <= width:
        return text
    return "…" + text[1 - width :] if keep == "end" else text[: width - 1] + "…"


def _raw_lines(path: str) -> Iterator[bytes]:
    with _opened(path) as file:
        yield from _bounded_lines(file, path)


def _bounded_lines(file: BinaryIO, path: str) -> Iterator[bytes]:
    for number, raw in enumerate(iter(partial(file.readline, LONGEST_LINE), b""), 1):
        if len(raw) == LONGEST_LINE and not raw.endswith(b"\n"):
            raise DataError(f"{path}:{number}: {LONGEST_LINE:,} bytes without a line end; shorter lines are accepted")
        yield raw


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    unpack = COMPRESSIONS.get(os.path.splitext(path)[1].lower())
    try:
        with remote.open_file(path) if remote.is_url(path) else open(path, "rb") as file:
            if unpack is None:
                yield file
            else:
                with cast(BinaryIO, unpack(file, "rb")) as unpacked:
                    yield unpacked
    except (
        EOFError,
        zlib.error,
        lzma.LZMAError,
        gzip.BadGzipFile,
        MemoryError,
    ) as error:  # as much as a header asks for
        raise _damaged(path, error) from None
    except OSError as error:
        if error.errno is None:  # bz2 has no exception class of its own: an error without errno is about the data
            raise _damaged(path, error) from None
        raise DataError(f"{path}: cannot be read: {error.strerror}") from None


def _damaged(path: str, error: Exception) -> DataError:
    reason = str(error) or type(error).__name__
    return DataError(f"{path}: damaged, truncated or not compressed as its name says: {reason}")
