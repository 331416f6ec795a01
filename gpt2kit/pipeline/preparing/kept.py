"""The folder that keeps the parts which are complete, until all are: the same command goes on with them."""

import glob
import importlib.metadata
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from gpt2kit import digests, files, recipe
from gpt2kit.data import remote
from gpt2kit.data.sources import LANGUAGE_PREFIX
from gpt2kit.tasks.base import Task

KEPT = "the parts so far are kept: the same command goes on"
"""For the message about a command that has ended early."""


def digest_of(
    name: str,
    task: Task[Any, Any],
    window: int,
    corpora: Mapping[str, Sequence[str]],
    sizes: Mapping[str, int | None],
    parts: Mapping[str, Sequence[int]],
) -> str:
    """The digest of all that decides what the parts are: if any of it changes, they are prepared again. Of a file on
    disk that is its name, size and time of change, of one behind a URL its name and size."""
    stated = {word: [sizes[word], _changed(word)] for corpus in corpora.values() for word in corpus}
    tokenizer = str(getattr(task, "tokenizer", ""))
    found = {
        "version": importlib.metadata.version("gpt2kit"),
        "task": [name, recipe.values(task), window],
        "corpora": {split: [*corpus] for split, corpus in corpora.items()},
        "files": stated,
        "parts": {split: [*counts] for split, counts in parts.items()},
        "tokenizer": {path.name: _changed(str(path)) for path in sorted(Path(tokenizer).glob("*.json"))}
        if tokenizer and Path(tokenizer).is_dir()
        else {},
    }
    return digests.of_object(found)[:8]


def _changed(word: str) -> int:
    """When a file was changed last, in nanoseconds since 1970; 0 for a word that is no file here."""
    path = LANGUAGE_PREFIX.sub("", word)
    return 0 if remote.is_url(path) or not os.path.exists(path) else os.stat(path).st_mtime_ns


def parts_kept(out: Path) -> list[Path]:
    """The folders with parts for `out` that commands which did not end have left."""
    return sorted(out.parent.glob(f"{glob.escape(out.name)}.????????.part"))


@contextmanager
def kept_folder(out: Path, digest: str, say: Callable[[str], None]) -> Iterator[Path]:
    """The folder of the parts for `out`, which one command at a time uses; on success it is removed. It is next to the
    folder that `out` is or links to."""
    out = Path(os.path.realpath(out)) if out.is_symlink() else out
    folder = out.with_name(f"{out.name}.{digest}.part")
    for other in parts_kept(out):
        if other != folder:
            say(f"{other} has parts of another command, which has not ended: delete it if you do not need them")
    files.writable_folder(folder)
    with files.held(folder):
        yield folder
        shutil.rmtree(folder, ignore_errors=True)
