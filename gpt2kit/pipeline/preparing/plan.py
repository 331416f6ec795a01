"""What is prepared: the files of each corpus, their parts, and the settings that decide on the ids."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gpt2kit.pipeline.corpus_files import Listing, listing, sizes_of
from gpt2kit.pipeline.preparing.kept import digest_of
from gpt2kit.pipeline.preparing.parts import part_of, part_sizes, shards_of
from gpt2kit.recipe import Recipe
from gpt2kit.tasks.base import Task
from gpt2kit.tasks.record import Shard


@dataclass(frozen=True)
class Plan:
    """The corpora as their files, by the splits that they are for."""

    name: str
    """The task's."""
    task: Task[Any, Any]
    """As inferred from the training corpus, before it is fitted."""
    window: int
    corpora: Mapping[str, Sequence[str]]
    sizes: Mapping[str, int | None]
    """Bytes of each file; None if they are not known."""
    parts: Mapping[str, Sequence[int]]
    """The number of shards in each part of each corpus."""

    @classmethod
    def of(cls, recipe: Recipe, task: Task[Any, Any], corpora: Mapping[str, Sequence[str]]) -> "Plan":
        sizes = {file: size for words in corpora.values() for file, size in zip(words, sizes_of(words), strict=True)}
        parts = {split: part_sizes(shards_of(task, words), sizes) for split, words in corpora.items()}
        return cls(recipe.task_name, task, recipe.model.n_positions, corpora, sizes, parts)

    @property
    def most_parts(self) -> int:
        """The parts of the corpus that has the most."""
        return max(map(len, self.parts.values()))

    @property
    def longest(self) -> int | None:
        """Tokens of a row."""
        return self.task.layout.row_limit(self.window)

    @cached_property
    def training_parts(self) -> list[Sequence[Shard]]:
        """The shards of each part of the training corpus."""
        shards, counts = shards_of(self.task, self.corpora["train"]), self.parts["train"]
        return [part_of(shards, counts, number) for number in range(len(counts))]

    @property
    def training_bytes(self) -> int:
        """Those of the files whose size is known."""
        return sum(self.sizes[file] or 0 for file in self.corpora["train"])

    def listings(self) -> dict[str, Listing]:
        """The files of each corpus, for a report."""
        return {split: listing(words, [self.sizes[word] for word in words]) for split, words in self.corpora.items()}

    def digest(self) -> str:
        return digest_of(self.name, self.task, self.window, self.corpora, self.sizes, self.parts)
