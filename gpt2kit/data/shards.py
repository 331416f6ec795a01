"""The files that a word of the command line stands for: a file, a glob, a folder, a data set of the Hub, or a URL of
these."""

import glob
import os
import re
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from gpt2kit.data import remote
from gpt2kit.data.encodings import ZSTANDARD
from gpt2kit.data.lines import check_file, unpacked_name
from gpt2kit.data.sources import is_table, table_kind
from gpt2kit.errors import DataError, counted

MAGIC = re.compile(r"[*?\[]")
MANY = "a glob in quotes, a folder of files of one kind, a URL"
"""What is accepted where files are, for a message."""

SHOWN = 3
"""Names in a message."""

Accepts = Callable[[str], bool]


def expand(word: str, accepted: str, accepts: Accepts | None = None) -> list[str]:
    """The files of a word, with those of a folder or a glob in the natural order of their names; a data set of the Hub
    is one alone. A URL becomes its name without secrets.

    Of a folder all files below it are taken that `accepts` takes, without hidden ones and those that begin with _. By
    default these are all, and must be of one kind. A file whose own name has wildcards is no glob.

    Raises DataError, which ends with what is `accepted`, if there are no files, and MachineError for a URL that cannot
    be opened.
    """
    if word.startswith("hf:"):
        return [word]
    word = remote.local_path(word) or remote.shown(word)
    if remote.is_url(word):
        found = remote.matching(word) if remote.has_pattern(word) else [(word, remote.is_folder(word))]
    elif os.path.exists(word) or not MAGIC.search(word):
        found = [(word, os.path.isdir(word))]
    else:
        paths = (path for path in glob.glob(word, recursive=True) if not ("**" in word and _is_loop(path)))
        found = [(path, os.path.isdir(path)) for path in paths]
    if not found:
        raise DataError(f"{word}: no file matches this pattern{_instead(word)}; accepted: {accepted}")
    files: list[str] = []
    for name, is_folder in sorted(found, key=lambda each: natural(each[0])):
        files += _in_folder(name, accepted, accepts) if is_folder else [name]
    files = [*dict.fromkeys(files)]  # ** matches a folder and what is in it
    for name in files:
        check_file(name)
        _refuse_zstandard(name)
    return files


def several(files: Sequence[str]) -> str:
    """The names of a corpus in a message: if there are many, the first."""
    return f"{' '.join(files[:SHOWN])} ..." if len(files) > 2 * SHOWN else " ".join(files)


def natural(name: str) -> tuple[list[str | int], str]:
    """Sorts part-2 before part-10."""
    return [int(part) if part.isdecimal() else part for part in re.split(r"([0-9]+)", name)], name


def kind(path: str) -> str:
    """The ending of a file's name before that of a compression, or that of the table that it is."""
    return table_kind(path) if is_table(path) else os.path.splitext(unpacked_name(path).lower())[1]


def _is_loop(path: str) -> bool:
    """Whether a link on the way to a file leads back to a folder that contains the link."""
    folders = [*map(os.path.realpath, Path(os.path.normpath(path)).parents)]
    return len({*folders}) < len(folders)


def _in_folder(folder: str, accepted: str, accepts: Accepts | None) -> list[str]:
    below = remote.below(folder) if remote.is_url(folder) else _walk(folder)
    files = sorted((name for name in below if not _is_hidden(name[len(folder) :])), key=natural)
    if accepts is None:
        _refuse_mixed(folder, files)
    found = files if accepts is None else [name for name in files if accepts(name)]
    if not found:
        for name in files:
            _refuse_zstandard(name)
        others = f", only {_some(_relative(folder, files))}" if files else ""
        raise DataError(f"{folder}: no files to read in this folder{others}; accepted: {accepted}")
    return found


def _walk(folder: str) -> list[str]:
    return [os.path.join(place, name) for place, _, names in os.walk(folder, onerror=_refuse) for name in names]


def _refuse(error: OSError) -> None:
    raise DataError(f"{error.filename}: cannot be read: {error.strerror}") from None


def _refuse_zstandard(name: str) -> None:
    if name.lower().endswith(".zst"):
        raise DataError(f"{name}: {ZSTANDARD}")


def _is_hidden(inside: str) -> bool:
    """Whether a path in a folder has a part that is not data, such as Spark's _SUCCESS."""
    return any(part.startswith((".", "_")) for part in re.split(r"[/\\]", inside))


def _refuse_mixed(folder: str, files: Iterable[str]) -> None:
    by_kind: dict[str, list[str]] = {}
    for name in files:
        by_kind.setdefault(kind(name), []).append(name)
    if len(by_kind) > 1:
        found = ", ".join(f"{len(names)} {ending or 'without an ending'}" for ending, names in by_kind.items())
        examples = _some(_relative(folder, [names[0] for names in by_kind.values()]))
        ending = next(iter(by_kind)) or "*"
        raise DataError(
            f"{folder}: this folder has files of {len(by_kind)} kinds ({found}), such as {examples}; accepted: shards "
            f"of one kind, or a glob for those of one, as in '{folder.rstrip('/')}/*{ending}'"
        )


def _relative(folder: str, files: Iterable[str]) -> list[str]:
    return [name[len(folder) :].lstrip("/\\") for name in files]


def _some(names: list[str]) -> str:
    more = f" and {counted(len(names) - SHOWN, 'more', 'more')}" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _instead(pattern: str) -> str:
    """What is where the files of a local pattern would be."""
    if remote.is_url(pattern):
        return ""
    place = os.path.dirname(pattern[: next(MAGIC.finditer(pattern)).start()]) or "."
    if not os.path.isdir(place):
        return f", as there is no folder {place}"
    names = sorted(os.listdir(place), key=natural)
    return f"; in {place} there {'are' if len(names) > 1 else 'is'} {_some(names) or 'nothing'}"
