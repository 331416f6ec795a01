"""The interface of tasks and core, which exchange nothing but ids: a task sees no tensor, the core no text or music."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, BinaryIO, Generic, Self, TypeVar

from gpt2kit.config import check, knob
from gpt2kit.data.columns.selection import Selection
from gpt2kit.data.layouts import Layout
from gpt2kit.data.lines import stream_lines, text_lines
from gpt2kit.data.remote import is_url, shown
from gpt2kit.errors import DataError, UserError
from gpt2kit.metrics.score import Score
from gpt2kit.tasks.about import About
from gpt2kit.tasks.record import Record, Source, Subset, Target
from gpt2kit.tasks.vocabulary import Vocabulary


class Scorer(Generic[Source, Target]):
    """Receives outputs one by one and keeps what the scores need: by default the outputs and their references."""

    def __init__(self, task: "Task[Source, Target]") -> None:
        self.task = task
        self.outputs: list[Target] = []
        self.targets: list[Target] = []

    def add(self, record: Record[Source, Target], output: Target) -> dict[str, Any]:
        """Returns figures of this output, for the predictions."""
        self.outputs.append(output)
        self.targets.append(record.target)
        return {}

    def scores(self) -> list[Score]:
        return self.task.score(self.outputs, self.targets)

    def remarks(self) -> list[str]:
        """Problems of the outputs that the scores do not show, as lines for the user."""
        return []


@dataclass(frozen=True)
class Task(ABC, Generic[Source, Target]):
    """Turns a user's data into prompts and answers. The fields are the recipe's [task] table.

    `train` and `generate` build prompts with the same `encode_source`, so they cannot drift apart. Eight members are
    required; a task overrides others only where their defaults do not fit.
    """

    held_out: float = knob(0.02, "share of the corpus held out for validation if prepare gets no --val")
    folder: Path = field(default=Path(), repr=False)
    """Where the task's own files (its tokenizer) are; set by whoever opens a prepared folder or a run."""

    def __post_init__(self) -> None:
        check(0 < self.held_out < 1, f"held_out = {self.held_out}; expected a number above 0 and below 1")

    def opened(self, folder: Path) -> Self:
        """A copy of the task with its files in `folder`."""
        return replace(self, folder=folder)

    @property
    def about(self) -> About:
        return About()

    @property
    @abstractmethod
    def vocabulary(self) -> Vocabulary:
        """The vocabulary of the task as opened in a folder."""

    @property
    @abstractmethod
    def layout(self) -> Layout: ...

    def expand(self, corpus: Sequence[str]) -> list[str]:
        """What the other methods take as a corpus, of its words on the command line: the names of its files, in order;
        a URL has no password in it. By default the words themselves, and no URLs."""
        if url := next(filter(is_url, corpus), ""):
            raise DataError(f"{shown(url)}: a URL is not accepted here; download it, and give the file")
        return list(corpus)

    @abstractmethod
    def read(self, corpus: Sequence[str]) -> Iterator[Record[Source, Target]]:
        """Stream the records of a corpus, given as `expand` returns it, in order."""

    @abstractmethod
    def fit(self, corpus: Sequence[str], records: Iterable[Record[Source, Target]], folder: Path, window: int) -> Self:
        """Learn what must be learned (a tokenizer) from the training part into `folder`; return the opened task."""

    @abstractmethod
    def parse(self, text: str) -> Source:
        """Parse a word of the command line or a line of input into a source."""

    @abstractmethod
    def encode_source(self, source: Source) -> list[int]:
        """The prompt: never empty, ends with the token after which the answer begins."""

    @abstractmethod
    def encode_target(self, target: Target) -> list[int]:
        """The answer; ends with the end token."""

    @abstractmethod
    def decode(self, ids: Sequence[int]) -> Target:
        """Inverse of `encode_target`; takes any ids, with or without the end token."""

    def decode_source(self, prompt: Sequence[int]) -> Source:
        """Inverse of `encode_source`; by default sources and targets are of one kind."""
        return self.decode(prompt)  # type: ignore[return-value]  # the default is for tasks whose types are equal

    def encode(self, records: Sequence[Record[Source, Target]]) -> Sequence[tuple[Sequence[int], Sequence[int]]]:
        """(prompt, target) of each record; overridden where encoding many together is faster. In a stream, a row
        without a prompt continues the document of the previous row."""
        return [(self.encode_source(record.source), self.encode_target(record.target)) for record in records]

    def inputs(self, file: str, stdin: BinaryIO) -> Iterator[Source]:
        """Sources of a file, or of standard input if it is "-" or empty: one per line."""
        return map(self.parse, stream_lines(stdin, "standard input") if file in ("", "-") else text_lines(file))

    def blank(self, source: Source) -> bool:
        """Whether a source is empty: then the answer is empty, and the model is not run."""
        return False

    def answer_without_model(self, source: Source) -> Target | None:
        """The answer if the model is not needed for it; None if it is."""
        return self.decode([]) if self.blank(source) else None

    def subset(self, settings: Mapping[str, Any]) -> Subset | None:
        """The part of a set that `evaluate` scores if its command gives these [task] settings; None: all of it."""
        return None

    def score(self, outputs: Sequence[Target], targets: Sequence[Target]) -> list[Score]:
        """Figures for outputs and their references; a stream has those of its loss instead."""
        return []

    def scorer(self) -> Scorer[Source, Target]:
        """A scorer of outputs as they arrive; overridden if it can work without keeping them, or has remarks."""
        return Scorer(self)

    def show(self, source: Source) -> str:
        """A source in readable form."""
        return str(source)

    def tell(self, target: Target) -> str:
        """An answer in readable form, in a few words if it is not a text."""
        return str(target)

    def stored(self, record: Record[Source, Target]) -> Mapping[str, str] | None:
        """The part of a record to keep for evaluation, outside of training; None if its ids contain all of it."""
        return None

    def restored(self, texts: Mapping[str, str]) -> Record[Source, Target]:
        """Inverse of `stored`."""
        raise DataError(f"{type(self).__name__} restores its records from their ids, not from stored texts")

    def infer_task(self, corpus: Sequence[str]) -> "Task[Any, Any]":
        """Infer the concrete task from a corpus, before anything is prepared. Raises UserError for missing settings."""
        return self

    def specialize(self) -> "Task[Any, Any]":
        """The concrete task that stored settings describe."""
        return self

    def merge_settings(self, settings: dict[str, Any]) -> dict[str, Any]:
        """Merge a command's settings into those of the run."""
        return settings

    def describe(self) -> list[str]:
        """What `prepare` inferred, as lines for the user."""
        return []

    def select_columns(self, corpus: Sequence[str]) -> list[Selection]:
        """The columns that `read` takes from each table of a corpus, and those that it leaves out."""
        return []

    def zero_shot(self) -> tuple["Task[Source, Target]", dict[str, Any]]:
        """The task as the pretrained model in `folder` may solve it untrained, and its [generate] settings."""
        raise UserError(f"{type(self).__name__} does not support --zero-shot: train a model first")


Kind = TypeVar("Kind", bound=Task[Any, Any])


def recast(task: Task[Any, Any], kind: type[Kind]) -> Kind:
    """Convert a task to another class that has the same settings."""
    return kind(**{each.name: getattr(task, each.name) for each in fields(task)})


def decode_row(task: Task[Source, Target], prompt: Sequence[int], target: Sequence[int]) -> tuple[Source, Target]:
    """The source and the target of a row of ids."""
    source = task.decode_source(prompt)
    if task.layout.labels:
        return source, task.layout.answers(source)[target[0]]  # type: ignore[return-value]  # labels are texts
    return source, task.decode(target)
