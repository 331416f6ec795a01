"""The interface of a format: how a run is written, and how tools that read the result answer with it.

Shapes: T positions, V vocabulary, C classes.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from pathlib import Path

from torch import Tensor

from gpt2kit.model.gpt2 import GPT2
from gpt2kit.overwriting import FileKind, FolderKind
from gpt2kit.selftest.probes import Ids
from gpt2kit.selftest.run_under_test import RunUnderTest

LIMITS = {"f32": 1e-3, "f16": 0.05, "bf16": 0.25, "q8_0": 0.5, "int8": 0.5}
"""Largest accepted error of a logit by number type, in standard deviations of all logits. A real error is
often 1 or more; smaller ones are found where nothing but the stored weights is rounded, with the limit of f32."""

WINDOW, END, LABELS = "window", "end token", "labels"
"""Names of the facts that an export contains: n_positions, the id that ends an answer, and a classifier's labels."""


class Reader(ABC):
    """An export that was opened by a tool."""

    tool: str
    """The name and version of the tool."""
    limit: float | None = None
    """The largest accepted error of a logit, if the tool's own arithmetic needs another one than LIMITS says."""
    exact: float | None = None
    """The largest accepted error if the run's weights are rounded as the export stores them: of a tool that computes in
    fp32, so that nothing else is rounded."""

    inexact: str = ""
    """Why this machine cannot tell whether the tool's logits and answers are right; empty where it can."""

    @abstractmethod
    def logits(self, ids: Ids) -> Tensor:
        """The logits [T, V] after each position of a text; of a classifier [1, C], after the last one."""

    @abstractmethod
    def greedy(self, prompts: Sequence[Ids], new: int, stop: int) -> list[Ids]:
        """Greedy answers of at most `new` tokens; those that end with `stop` include it. Not asked of a classifier."""

    def facts(self) -> dict[str, object]:
        """What the export itself says of the run, by the names above."""
        return {}

    def tokens(self) -> list[str] | None:
        """The spelling of every token; None if the export has no tokenizer."""
        return None

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        """The ids of texts in which control tokens are recognized. Asked of an export with a tokenizer."""
        raise NotImplementedError


class Target(ABC):
    """One format. The model of a subject is complete, with adapters merged, in fp32 on the CPU."""

    kind: FileKind | FolderKind
    """How --overwrite recognizes an export."""

    def refusal(self, subject: RunUnderTest, dtype: str) -> str:
        """Why this format cannot contain a run with these numbers; "" if it can."""
        return ""

    def doubt(self, subject: RunUnderTest, dtype: str) -> str:
        """A reason to ask before writing, such as the size of the export; "" without one."""
        return ""

    @abstractmethod
    def write(self, subject: RunUnderTest, path: Path, dtype: str) -> None:
        """Write the export to `path`, a new file or an empty folder."""

    @abstractmethod
    def stored(self, model: GPT2, dtype: str) -> GPT2:
        """A copy of a model whose weights are rounded to the numbers that an export stores."""

    @abstractmethod
    def readers(self, subject: RunUnderTest, path: Path, dtype: str) -> Iterator[Reader]:
        """Open the export with each of the tools that read it and are installed; at least with one."""

    def completed(self, path: Path) -> None:  # noqa: B027  # most formats need nothing
        """Do what an export needs once it has its name."""
