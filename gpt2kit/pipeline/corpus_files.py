"""Which files a corpus was, for the report of prepare: their number, size and digest."""

import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from gpt2kit import digests
from gpt2kit.data import remote
from gpt2kit.data.sources import LANGUAGE_PREFIX

NAMED = 20
"""The most files that a report names: the first of them."""


@dataclass(frozen=True)
class Listing:
    """The files of a split's corpus, in the order in which they are read."""

    count: int
    bytes: int | None
    """Their size, compressed if they are; None if it is not known of one, as of a data set of the Hub."""
    names: Sequence[str]
    """The names of the first, without their folders."""
    digest: str
    """Of all names without their folders, in order, and of all sizes; the contents are not read for it."""

    def json(self) -> dict[str, Any]:
        return asdict(self)


def sizes_of(files: Sequence[str]) -> list[int | None]:
    """The bytes of the files of a corpus as a task's `expand` returns them; a folder, which tasks may read in their own
    way, counts as a file of unknown size."""
    return [_size(LANGUAGE_PREFIX.sub("", file)) for file in files]


def listing(files: Sequence[str], sizes: Sequence[int | None]) -> Listing:
    """The files of a corpus, which have these sizes."""
    files = [LANGUAGE_PREFIX.sub("", file) for file in files]
    names = [file if file.startswith("hf:") else file.rstrip("/").rsplit("/", 1)[-1] for file in files]
    total = None if None in sizes else sum(size or 0 for size in sizes)
    digest = digests.of_object({"names": names, "sizes": list(sizes)})
    return Listing(len(files), total, names[:NAMED], digest)


def _size(file: str) -> int | None:
    if remote.is_url(file):
        return remote.size(file)
    return os.path.getsize(file) if os.path.isfile(file) else None
