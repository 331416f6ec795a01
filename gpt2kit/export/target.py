"""The interface of a format: how a run is written, and how tools that read the result answer with it.

Shapes: T positions, V vocabulary, C classes.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

from torch import Tensor

from gpt2kit.overwriting import FileKind, FolderKind
from gpt2kit.selftest.probes import Ids
from gpt2kit.selftest.run_under_test import RunUnderTest

LIMITS = {"f32": 1e-3, "f16": 0.05, "bf16": 0.25, "q8_0": 0.5, "int8": 0.5}
"""Largest accepted error of a logit by number type, in standard deviations of all logits. A real error is 1 or more."""


class Reader(ABC):
    """An export that was opened by a tool."""

    tool: str
    """The name and version of the tool."""
    limit: float | None = None
    """The largest accepted error of a logit, if the tool's own arithmetic needs another one than LIMITS says."""

    @abstractmethod
    def logits(self, ids: Ids) -> Tensor:
        """The logits [T, V] after each position of a text; of a classifier [1, C], after the last one."""

    @abstractmethod
    def greedy(self, prompts: Sequence[Ids], new: int, stop: int) -> list[Ids]:
        """Greedy answers of at most `new` tokens; those that end with `stop` include it. Not asked of a classifier."""

    def encode(self, texts: Sequence[str]) -> list[Ids] | None:
        """The ids of texts in which control tokens are recognized; None if the export has no tokenizer."""
        return None


class Target(ABC):
    """One format. The model of a subject is complete, with adapters merged, in fp32 on the CPU."""

    kind: FileKind | FolderKind
    """How --overwrite recognizes an export."""

    def refusal(self, subject: RunUnderTest, dtype: str) -> str:
        """Why this format cannot contain a run with these numbers; "" if it can."""
        return ""

    @abstractmethod
    def write(self, subject: RunUnderTest, path: Path, dtype: str) -> None:
        """Write the export to `path`, a new file or an empty folder."""

    @abstractmethod
    def readers(self, subject: RunUnderTest, path: Path, dtype: str) -> Iterator[Reader]:
        """Open the export with each of the tools that read it and are installed; at least with one."""

    def completed(self, path: Path) -> None:  # noqa: B027  # most formats need nothing
        """Do what an export needs once it has its name."""
