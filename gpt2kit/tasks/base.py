"""The seam: ids cross it and nothing else. A task never sees a tensor, the core never sees a text or a MIDI file."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Generic, Self, TypeVar, cast

from gpt2kit.config import check, knob
from gpt2kit.data.layouts import Layout
from gpt2kit.data.lines import stream_lines, text_lines
from gpt2kit.errors import DataError, UserError
from gpt2kit.metrics.score import Score

Source = TypeVar("Source")
Target = TypeVar("Target")


class Proposed(str):
    """A split that `read` proposes where no corpus is given for validation, unlike one that the corpus names."""


@dataclass(frozen=True)
class Record(Generic[Source, Target]):
    """One example, in values that a person can read, and what its reader knows of it."""

    source: Source
    target: Target
    id: str = field(default="", kw_only=True)
    """What its corpus calls it, or where it is there."""
    key: str = field(default=cast(str, None), kw_only=True, compare=False)  # __post_init__ puts the source here
    """Records of equal keys never straddle a split; by default the source."""
    split: str = field(default="", kw_only=True, compare=False)
    """The split that the corpus names for it, or one that is `Proposed`; empty: a hash of the key decides."""
    problem: str = field(default="", kw_only=True, compare=False)
    """Why it cannot be learned from, in a few words: a `Damage` or `Unsuitable` of gpt2kit.data.report, or plain."""
    skipped: Mapping[str, int] = field(default_factory=dict, kw_only=True, compare=False)
    """What reading it passed over, and how often."""
    name: str = field(default="", kw_only=True, compare=False)
    """What messages call it."""

    def __post_init__(self) -> None:
        if self.key is None:
            object.__setattr__(self, "key", self.source if isinstance(self.source, str) else repr(self.source))

    def __repr__(self) -> str:
        return self.name or f"Record(source={self.source!r}, target={self.target!r}, id={self.id!r})"


class Vocabulary(ABC):
    """What the ids of a task stand for."""

    listed: ClassVar[bool] = False
    """Whether `render` gives each id a line of its own."""

    @property
    @abstractmethod
    def size(self) -> int: ...

    @property
    @abstractmethod
    def eos(self) -> int:
        """The id that ends an answer."""

    @abstractmethod
    def fingerprint(self) -> str:
        """Equal for two folders whose ids mean the same."""

    @abstractmethod
    def copy_files(self, folder: Path) -> None:
        """Put its files into another folder."""

    @abstractmethod
    def extends(self, folder: Path) -> bool:
        """Whether every id of the model in `folder` means the same here."""

    @abstractmethod
    def render(self, ids: Sequence[int]) -> str:
        """Ids as a person reads them, control tokens included."""

    @abstractmethod
    def spell(self, id: int) -> bytes | str:
        """One id alone: the bytes of text that it stands for, or the name of a control token or an event."""

    def unknown(self) -> list[str]:
        """What a text may hold that no id stands for, so that it would vanish."""
        return []


@dataclass(frozen=True)
class About:
    """What help, cards and doctor say of a task."""

    corpus: str = "YOUR_FILE"
    """What `prepare` takes, as an example."""
    input: str = "YOUR TEXT"
    """An input as `parse` takes it, as an example."""
    input_unit: str = "a line"
    """What `inputs` takes for one input."""
    medium: str = "lines"
    """What `generate` makes: lines (one for each input), text (a continuation) or performance (a MIDI file)."""
    generate: str = ""
    """The words after `generate` in an example, where they are not the input."""
    python: tuple[str, ...] = ()
    """Lines of Python that ask an Engine called `model`; by default they print the answer to `input`."""
    parallel: bool = False
    """Whether a corpus may be two text files, line n of one belonging to line n of the other."""
    copies: bool = False
    """Whether `evaluate` measures how much of what is generated was copied from the training split."""
    pipeline_tag: str = "text-generation"
    """The Hub's name for such work."""
    tags: tuple[str, ...] = ()
    """More tags of the Hub, next to the task's name."""
    languages: tuple[str, ...] = ()
    """Languages of the answers, where the settings say so."""
    requires: tuple[str, ...] = ()
    """Distributions that this task needs and others do not."""


class Scorer(Generic[Source, Target]):
    """Takes outputs one by one and keeps what the task's scores need of them: the outputs and their references."""

    def __init__(self, task: "Task[Source, Target]") -> None:
        self.task = task
        self.outputs: list[Target] = []
        self.targets: list[Target] = []

    def add(self, record: Record[Source, Target], output: Target) -> dict[str, Any]:
        """Returns figures of this one, for the predictions."""
        self.outputs.append(output)
        self.targets.append(record.target)
        return {}

    def scores(self) -> list[Score]:
        return self.task.score(self.outputs, self.targets)

    def remarks(self) -> list[str]:
        """What is odd about the outputs and hides in the scores, in lines for the user."""
        return []


@dataclass(frozen=True)
class Task(ABC, Generic[Source, Target]):
    """What turns a user's data into prompts and answers. The fields are the recipe's [task] table.

    `train` and `generate` build prompts with the same `encode_source`, so they cannot drift apart. Eight members are
    required; a task overrides another one only where its default does not do.
    """

    held_out: float = knob(0.02, "share of the corpus kept for validation when prepare is given no --val")
    folder: Path = field(default=Path(), repr=False)
    """Where the task's own files (its tokenizer) are; set by whoever opens a prepared folder or a run."""

    def __post_init__(self) -> None:
        check(0 < self.held_out < 1, "held_out must be between 0 and 1")

    def opened(self, folder: Path) -> Self:
        """The same task with its files in `folder`."""
        return replace(self, folder=folder)

    @property
    def about(self) -> About:
        return About()

    @property
    @abstractmethod
    def vocabulary(self) -> Vocabulary:
        """Of the task as it was opened in a folder."""

    @property
    @abstractmethod
    def layout(self) -> Layout: ...

    @abstractmethod
    def read(self, corpus: Sequence[str]) -> Iterator[Record[Source, Target]]:
        """Records of a corpus as it is named on the command line, streamed in order."""

    @abstractmethod
    def fit(self, corpus: Sequence[str], records: Iterable[Record[Source, Target]], folder: Path, window: int) -> Self:
        """Learn what must be learned from the training part (a tokenizer) into `folder`; return the opened task."""

    @abstractmethod
    def parse(self, text: str) -> Source:
        """A word of the command line or a line of input as a source."""

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
        return self.decode(prompt)  # type: ignore[return-value]  # the default is for tasks where both types are one

    def encode(self, records: Sequence[Record[Source, Target]]) -> Sequence[tuple[Sequence[int], Sequence[int]]]:
        """(prompt, target) of each record; overridden where many can be encoded together faster.

        In a stream a row without a prompt continues the document of the row before.
        """
        return [(self.encode_source(record.source), self.encode_target(record.target)) for record in records]

    def inputs(self, file: str, stdin: BinaryIO) -> Iterator[Source]:
        """Sources of a file, or of standard input where it is called "-" or nothing: one a line."""
        return map(self.parse, stream_lines(stdin, "standard input") if file in ("", "-") else text_lines(file))

    def blank(self, source: Source) -> bool:
        """Whether there is nothing to answer: the model is not asked, the answer is empty."""
        return False

    def answer_without_model(self, source: Source) -> Target | None:
        """The answer where the model is not asked for one; None where it is."""
        return self.decode([]) if self.blank(source) else None

    def score(self, outputs: Sequence[Target], targets: Sequence[Target]) -> list[Score]:
        """Figures for outputs and their references; a stream has those of its loss instead."""
        return []

    def scorer(self) -> Scorer[Source, Target]:
        """Scores outputs as they come; overridden where they need not all be held, or where there are remarks."""
        return Scorer(self)

    def show(self, source: Source) -> str:
        """A source as a person reads it."""
        return str(source)

    def tell(self, target: Target) -> str:
        """An answer as a person reads it, in a few words where it is not a text."""
        return str(target)

    def stored(self, record: Record[Source, Target]) -> Mapping[str, str] | None:
        """What is kept of a record outside of training, for evaluation; None where its ids hold all of it."""
        return None

    def restored(self, texts: Mapping[str, str]) -> Record[Source, Target]:
        """Inverse of `stored`."""
        raise DataError(f"{type(self).__name__} has its records from their ids")

    def infer_task(self, corpus: Sequence[str]) -> "Task[Any, Any]":
        """The concrete task for a corpus, before anything is prepared. Raises UserError for settings that it lacks."""
        return self

    def specialize(self) -> "Task[Any, Any]":
        """The concrete task that stored settings stand for."""
        return self

    def merge_settings(self, settings: dict[str, Any]) -> dict[str, Any]:
        """The settings of a command merged into those of the run."""
        return settings

    def describe(self) -> list[str]:
        """What `prepare` inferred, in lines for the user; examples are then shown as the model reads them."""
        return []

    def zero_shot(self) -> tuple["Task[Source, Target]", dict[str, Any]]:
        """The task as a pretrained model in `folder` may do it without training, and its [generate] settings."""
        raise UserError(f"{type(self).__name__} has to be trained: there is no --zero-shot of it")


Kind = TypeVar("Kind", bound=Task[Any, Any])


def recast(task: Task[Any, Any], kind: type[Kind]) -> Kind:
    """A task with all its settings as one of another class with the same settings."""
    return kind(**{each.name: getattr(task, each.name) for each in fields(task)})


def decode_row(task: Task[Source, Target], prompt: Sequence[int], target: Sequence[int]) -> tuple[Source, Target]:
    """The source and the target of a row of ids."""
    source = task.decode_source(prompt)
    if task.layout.labels:
        return source, task.layout.answers(source)[target[0]]  # type: ignore[return-value]  # labels are texts
    return source, task.decode(target)
