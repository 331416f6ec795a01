"""What the parts of a corpus are: they depend on its files alone, never on the processes that prepare them."""

from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any

from gpt2kit.tasks.base import Task
from gpt2kit.tasks.record import Shard
from gpt2kit.tasks.text import TextTask

LEAST = 8 << 20
"""Bytes of the files of a part: of a corpus with less, one process reads everything."""

MOST = 512
"""Parts of a corpus, approximately; those of a larger one are larger."""


def shards_of(task: Task[Any, Any], corpus: Sequence[str]) -> list[Shard]:
    """The files of a corpus that can be read apart, in order."""
    return task.shards(corpus) if isinstance(task, TextTask) else [Shard(corpus, lambda: task.read(corpus))]


def part_sizes(shards: Sequence[Shard], sizes: Mapping[str, int | None]) -> list[int]:
    """The number of shards in each part, in order, by the `sizes` of files: as many as it takes to have `LEAST` bytes,
    or of a large corpus one in `MOST` of its bytes. A file of unknown size, as a data set of the Hub, is large."""
    known = [sizes[file] or 0 for shard in shards for file in shard.files]
    least = max(LEAST, sum(known) // MOST)
    found, count, size = [], 0, 0
    for shard in shards:
        each = [sizes[file] for file in shard.files]
        count += 1
        size += least if None in each else sum(filter(None, each))
        if size >= least:
            found.append(count)
            count = size = 0
    return found + ([count] if count or not found else [])


def part_of(shards: Sequence[Shard], counts: Sequence[int], number: int) -> Sequence[Shard]:
    """The shards of one part, of parts with these numbers of shards."""
    end = list(accumulate(counts))[number]
    return shards[end - counts[number] : end]
