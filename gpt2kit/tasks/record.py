"""Examples: what `read` of a task yields."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, NamedTuple, TypeVar, cast

Source = TypeVar("Source")
Target = TypeVar("Target")


class Proposed(str):
    """A split that `read` proposes if no validation corpus is given, unlike one that the corpus names."""


@dataclass(frozen=True)
class Record(Generic[Source, Target]):
    """One example in human-readable values, with what its reader knows about it."""

    source: Source
    target: Target
    id: str = field(default="", kw_only=True)
    """Its name or its position in the corpus."""
    key: str = field(default=cast(str, None), kw_only=True, compare=False)  # __post_init__ sets the source
    """Records of equal keys never straddle a split; by default the source."""
    mirror: str = field(default="", kw_only=True, compare=False)
    """The key of the same pair the other way round, in a corpus of several directions: both are in one split."""
    label: str = field(default="", kw_only=True, compare=False)
    """Its class, if training needs a record of each class."""
    split: str = field(default="", kw_only=True, compare=False)
    """The split that the corpus names for it, or a `Proposed` one; empty: a hash of the key decides."""
    problem: str = field(default="", kw_only=True, compare=False)
    """Why it cannot be used for training, in a few words: plain, or a `Damage` or `Unsuitable` of data/report.py."""
    skipped: Mapping[str, int] = field(default_factory=dict, kw_only=True, compare=False)
    """Counts of what its reader skipped."""
    name: str = field(default="", kw_only=True, compare=False)
    """Its name in messages."""
    references: Sequence[str] = field(default=(), kw_only=True, compare=False)
    """More right answers than the target, for scores."""

    def __post_init__(self) -> None:
        if self.key is None:
            object.__setattr__(self, "key", self.source if isinstance(self.source, str) else repr(self.source))

    def __repr__(self) -> str:
        return self.name or f"Record(source={self.source!r}, target={self.target!r}, id={self.id!r})"


@dataclass(frozen=True)
class Question(Generic[Source, Target]):
    """What a run is asked to add its answer to training data."""

    source: Source
    truth: Target | None
    """The right answer, if the data has it."""
    learned: Callable[[Target], Record[Source, Target]]
    """The example to train on that an answer makes."""


class Shard(NamedTuple):
    """Files of a corpus that can be read apart from its others."""

    files: Sequence[str]
    read: Callable[[], Iterator[Record[Any, Any]]]


class Subset(NamedTuple):
    """A part of a set of records, and its name for signatures, as in `OPTION:VALUE`."""

    name: str
    includes: Callable[[Record[Any, Any]], bool]
