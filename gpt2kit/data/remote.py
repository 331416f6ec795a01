"""Files at URLs (s3://, gs://, https:// ...), opened with fsspec: its only import.

A URL may have a password or a signature in it. The rest of the package knows it by its name without them, which reports
and messages may show; only this file has the whole URL.
"""

import re
from io import BufferedReader, RawIOBase
from typing import Any, BinaryIO, cast

from gpt2kit.errors import DataError, MachineError, UserError

URL = re.compile(r"(?:[\w+.-]+::)*(?P<scheme>[A-Za-z][A-Za-z0-9+.-]+)://")
BEFORE = re.compile(rf"[\w-]+=(?={URL.pattern})")
"""What a word of the command line may have before a URL, such as a language."""
IN_TEXT = re.compile(rf"{URL.pattern}[^\s'\"<>]+")
USER = re.compile(r"[^/?#]*@|[^/?#@:]*:[^/?#@]*[^0-9/?#@][^@]*@")
"""A user and a password; also a password with a slash, which is not valid there, but given."""
QUERY = {True: re.compile(r"[?#]"), False: re.compile(r"\?[\w.-]+=")}
"""Where a query begins, by whether the scheme is that of the Web; elsewhere a question mark is also one of a glob."""
CONTAINERS = ("abfs", "abfss", "wasb", "wasbs")
"""Schemes of Azure, in which the name before an @ is that of a container."""

IN_BRACKETS = re.compile(rf"{URL.pattern}(?:[^/?#]*@)?\[[^/]*::")
"""A URL with the IPv6 address of a host: fsspec takes its colons for those of a URL in another, and its brackets for a
glob."""

WEB = ("http", "https")

EXTRAS = dict.fromkeys(WEB, "http") | dict.fromkeys(("s3", "s3a"), "s3") | dict.fromkeys(("gs", "gcs"), "gcs")
EXTRAS |= dict.fromkeys((*CONTAINERS, "az"), "abfs")
"""The extra of fsspec, for pip, that has what a scheme needs."""

BUFFER = 1 << 18

NOT_FOUND, DENIED = 404, (401, 403)
"""Codes of HTTP."""

_whole: dict[str, str] = {}
"""The URLs with something to hide, by their names."""


def is_url(word: str) -> bool:
    return URL.match(word) is not None


def shown(word: str) -> str:
    """The name of a URL: without user, password, query and fragment, if it has any. Other words stay as they are.

    The functions of this file take the name for the URL. URLs that differ only in what is hidden get different names.
    """
    if word in _whole or (public := without_secrets(word)) == word:
        return word
    if before := BEFORE.match(word):
        return before.group() + shown(word[before.end() :])
    name, number = public, 1
    while _whole.get(name, word) != word:
        number += 1
        name = public.replace("://", f"://…{number}@", 1)
    _whole[name] = word
    return name


def without_secrets(word: str) -> str:
    """A URL without user, password, query and fragment; any other word as it is."""
    if before := BEFORE.match(word):
        return before.group() + without_secrets(word[before.end() :])
    found = URL.match(word)
    if found is None:
        return word
    scheme, rest = found["scheme"].lower(), word[found.end() :]
    user = USER.match(rest)
    if user and not (scheme in CONTAINERS and ":" not in user.group()):
        rest = rest[user.end() :]
    return found.group() + QUERY[scheme in WEB].split(rest, maxsplit=1)[0]


def local_path(url: str) -> str:
    """The path of a file:// URL; empty for any other word."""
    return str(_system(url)[1]) if url.lower().startswith(("file://", "local://")) else ""


def has_pattern(url: str) -> bool:
    """Whether a URL is a glob. In an address of the Web a question mark begins a query, and with one it is no glob."""
    web = _is_web(url)
    return not (web and "?" in whole(url)) and any(character in url for character in ("*[" if web else "*[?"))


def matching(pattern: str) -> list[tuple[str, bool]]:
    """What matches a pattern: names, and whether each is a folder."""
    system, path = _system(pattern)
    return [_member(pattern, path, *each) for each in _asked(pattern, lambda: system.glob(path, detail=True)).items()]


def below(folder: str) -> list[str]:
    """The files below a folder; of one on the Web, those that its page links to."""
    system, path = _system(folder)
    if _is_web(folder):
        return [name for name, is_folder in matching(f"{folder.rstrip('/')}/*") if not is_folder]
    found = _asked(folder, lambda: system.find(path, detail=True))
    return [_member(folder.rstrip("/"), path.rstrip("/"), *each)[0] for each in found.items()]


def is_folder(url: str) -> bool:
    """Whether a URL is a folder. Raises UserError if it is nothing, or cannot be reached."""
    if _is_web(url) and url.endswith("/"):
        return True
    system, path = _system(url)
    return bool(_asked(url, lambda: system.info(path))["type"] == "directory")


def size(url: str) -> int | None:
    """Bytes; None if the server does not tell."""
    system, path = _system(url)
    found = _asked(url, lambda: system.info(path)).get("size")
    return None if found is None else int(found)


def open_file(url: str) -> BinaryIO:
    """Open a URL to be read from its beginning. Raises UserError now and while it is read."""
    system, path = _system(url)
    return cast(BinaryIO, BufferedReader(_Told(url, _asked(url, lambda: system.open(path, "rb"))), BUFFER))


def secrets() -> dict[str, str]:
    """The URLs with something to hide, by their names, for another process of the same command."""
    return dict(_whole)


def share_secrets(known: dict[str, str]) -> None:
    """Let this process open the URLs of another one's `secrets` by their names."""
    _whole.update(known)


def whole(url: str) -> str:
    """The URL with what its name hides, for another library that opens it."""
    return _whole.get(url, url)


def failure(url: str, error: Exception) -> UserError:
    """An error of reading a URL, in words that hide what its name hides."""
    if isinstance(error, UserError):
        return error
    if isinstance(error, FileNotFoundError):
        cause = error.__cause__ if _is_web(url) else None  # on the Web, fsspec takes any failure for a missing file
        if not isinstance(cause, Exception) or getattr(cause, "status", 0) == NOT_FOUND:
            return DataError(f"{url}: no such file")
        error = cause
    scheme, status = _scheme(url), getattr(error, "status", "")
    if isinstance(error, PermissionError) or status in DENIED:
        why = f"{scheme}:// takes its credentials from the environment or its configuration"
        if url in _whole:
            why = "what the URL has for it, such as a password or a signature, is wrong or no longer valid"
        return MachineError(f"{url}: access is denied; {why}")
    reason = type(error).__name__ + (f" {status}" if status else "")
    if url not in _whole and str(error):  # a library's words may have the URL in them, in any form
        reason += ": " + IN_TEXT.sub(lambda found: without_secrets(found.group()), str(error))[:300]
    if isinstance(error, ConnectionError | TimeoutError) or type(error).__module__.startswith(("aiohttp", "botocore")):
        return MachineError(f"{url}: cannot be reached or read: {reason}")
    return DataError(f"{url}: cannot be read: {reason}")


class _Told(RawIOBase):
    """A file whose errors are those of this package."""

    def __init__(self, url: str, file: Any) -> None:
        self.url, self.file = url, file

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        content = _asked(self.url, lambda: self.file.read(len(buffer)))
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        if not self.closed:
            self.file.close()
        super().close()


def _scheme(url: str) -> str:
    found = URL.match(url)
    return found["scheme"].lower() if found else ""


def _is_web(url: str) -> bool:
    return _scheme(url) in WEB


def _member(pattern: str, path: str, member: str, info: dict[str, Any]) -> tuple[str, bool]:
    """The name of a file by its path in a file system, in which the pattern has a path, too; and if it is a folder."""
    url = whole(pattern)
    common = next((n for n, (one, other) in enumerate(zip(url[::-1], path[::-1], strict=False)) if one != other), None)
    common = min(len(url), len(path)) if common is None else common
    return shown(url[: len(url) - common] + member[len(path) - common :]), info["type"] == "directory"


def _system(url: str) -> tuple[Any, str]:
    """The file system of a URL, and its path there."""
    from fsspec.core import url_to_fs

    if IN_BRACKETS.match(url):
        raise DataError(
            f"{url}: a host in brackets (IPv6) is not accepted; accepted: its name, as in http://localhost/name"
        )
    if "::" in url:
        raise DataError(f"{url}: a URL in another (::) is not accepted; accepted: one URL, as in s3://bucket/name")
    scheme = _scheme(url)
    try:
        found: tuple[Any, str] = url_to_fs(whole(url))
    except ImportError as error:
        extra = EXTRAS.get(scheme)
        how = f"pip install 'fsspec[{extra}]'" if extra else str(error)
        raise MachineError(f"{url}: {scheme}:// needs a package that is not installed: {how}") from None
    except ValueError as error:
        if "rotocol not known" in str(error):
            raise DataError(
                f"{url}: unknown scheme {scheme}://; accepted: those of fsspec, such as s3://, gs:// and https://"
            ) from None
        raise failure(url, error) from None
    except Exception as error:  # of the file system's own library
        raise failure(url, error) from None
    return found


def _asked(url: str, ask: Any) -> Any:
    try:
        return ask()
    except Exception as error:  # of the file system's own library
        raise failure(url, error) from None
