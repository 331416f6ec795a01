"""The seam: ids cross it and nothing else. A task never sees a tensor, the core never sees a text or a MIDI file."""

import shlex
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, ClassVar, Generic, NamedTuple, Self, TypeVar

from gpt2kit.config import check, knob
from gpt2kit.data.lines import stream_lines, text_lines
from gpt2kit.data.sources import held_out
from gpt2kit.errors import DataError, UserError

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

Source = TypeVar("Source")
Target = TypeVar("Target")


class Score(NamedTuple):
    """One figure, and all that must be known to compare it with another."""

    name: str
    value: float
    signature: str
    digits: int = 2
    interval: tuple[float, float] | None = None
    """Where it lies with 95% confidence, over examples like these."""
    system: str = ""
    """What made the outputs, where that is not the model: a baseline."""


@dataclass(frozen=True)
class Record(Generic[Source, Target]):
    """One example, in values that a person can read."""

    source: Source
    target: Target
    id: str = field(default="", kw_only=True)
    """By which it is found again: what its corpus calls it, or where it stands there; not every task knows."""


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
        return self.task.remarks(self.outputs, self.targets)


@dataclass(frozen=True)
class Task(ABC, Generic[Source, Target]):
    """What turns a user's data into prompts and answers. The fields are the recipe's [task] table.

    `train` and `generate` build prompts with the same `encode_source`, so they cannot drift apart.
    """

    layout: ClassVar[str] = "rows"
    """ "rows" has loss on the answers, in rows that fit into the window; "stream" on all but the first token of windows
    over documents of any length; "examples" on the answers of a head, which sees the end of each of their texts."""
    joined: ClassVar[bool] = False
    """In a stream: whether the first token of the next document ends this one, so that `encode` leaves `eos` out."""
    overlap: ClassVar[float] = 0.0
    """Which share of a window `evaluate` gives a stream to look back on, beyond what each window predicts."""
    copies: ClassVar[bool] = False
    """Whether `evaluate` looks how much of what is generated was copied from the training split."""
    corpus_hint: ClassVar[str] = "YOUR_FILE"
    """What `prepare` takes, as an example."""
    parallel: ClassVar[bool] = False
    """Whether a corpus may be two text files, line n of one belonging to line n of the other."""
    listed: ClassVar[bool] = False
    """Whether `render` gives each id a line of its own."""
    input_unit: ClassVar[str] = "a line"
    """What `inputs` takes for one."""
    pipeline_tag: ClassVar[str] = "text-generation"
    """What the Hub calls such work."""
    tags: ClassVar[tuple[str, ...]] = ()
    """By which a model of the task is found there, beside the task's name."""
    held_out: float = knob(0.02, "share of the corpus kept for validation when prepare is given no --val")
    folder: Path = field(default=Path(), repr=False)
    """Where the task's own files (its tokenizer) are; set by whoever opens a prepared folder or a run."""

    def __post_init__(self) -> None:
        check(0 < self.held_out < 1, "held_out must be between 0 and 1")

    def opened(self, folder: Path) -> Self:
        """The same task with its files in `folder`."""
        return replace(self, folder=folder)

    def examined(self, corpus: Sequence[str]) -> "Task[Any, Any]":
        """The task that this corpus is for, where a look at it decides; before anything is prepared."""
        return self

    def overridden(self, settings: dict[str, Any]) -> dict[str, Any]:
        """What the settings of a command come to, over those of a run."""
        return settings

    def formed(self) -> "Task[Any, Any]":
        """The task that settings which were stored stand for."""
        return self

    def described(self) -> list[str]:
        """What prepare found, in lines for the user; with them some examples are shown as the model reads them."""
        return []

    @abstractmethod
    def read(self, corpus: Sequence[str]) -> Iterator[Record[Source, Target]]:
        """Records of a corpus as it is named on the command line, streamed in order."""

    @abstractmethod
    def fit(self, corpus: Sequence[str], records: Iterable[Record[Source, Target]], folder: Path, window: int) -> Self:
        """Learn what must be learned from the training part (a tokenizer) into `folder`; return the opened task."""

    @abstractmethod
    def parse(self, text: str) -> Source:
        """A word of the command line or a line of input as a source."""

    def inputs(self, file: str, stdin: BinaryIO) -> Iterator[Source]:
        """Sources of a file, or of standard input where it is called "-" or nothing: one a line."""
        return map(self.parse, stream_lines(stdin, "standard input") if file in ("", "-") else text_lines(file))

    @property
    def input_hint(self) -> str:
        """An input as `parse` takes it, as an example."""
        return "YOUR TEXT"

    @property
    def generate_hint(self) -> str:
        """What `generate` takes, as an example, for a shell."""
        if "\t" not in self.input_hint:
            return shlex.quote(self.input_hint)
        spelled = self.input_hint.replace("\\", "\\\\").replace("'", "\\'").replace("\t", "\\t")
        return f"$'{spelled}'"

    @property
    def python_hint(self) -> tuple[str, ...]:
        """Lines of Python that ask an Engine called `model`."""
        return (f"print(model({self.input_hint!r}))",)

    @property
    def written(self) -> tuple[str, ...]:
        """The languages that its answers are in, where the settings say so."""
        return ()

    @abstractmethod
    def key(self, record: Record[Source, Target]) -> str:
        """What decides the split: records of equal keys never straddle it."""

    def named_split(self, record: Record[Source, Target]) -> str | None:
        """Where the corpus itself says that a record belongs, if it does: train, val or another name."""
        return None

    def split(self, record: Record[Source, Target]) -> str:
        """Where a record belongs when no corpus is given for validation."""
        return self.named_split(record) or ("val" if held_out(self.key(record), self.held_out) else "train")

    @abstractmethod
    def problem(self, record: Record[Source, Target]) -> str | None:
        """Why a record cannot be used, in two or three words; None when it can. Damage is an error of the data."""

    def unscorable(self, record: Record[Source, Target]) -> str | None:
        """Why a record of a corpus cannot be scored on, as in `problem`; one that is only bad to learn from can be."""
        return None

    def left_out(self, record: Record[Source, Target]) -> dict[str, int]:
        """What reading a record passed over, and how often."""
        return {}

    def texts(self, record: Record[Source, Target]) -> Mapping[str, str] | None:
        """What is kept of a record outside of training, for evaluation; None where its ids hold all of it."""
        return None

    def kept(self, texts: Mapping[str, str]) -> Record[Source, Target]:
        """Inverse of `texts`."""
        raise DataError(f"{type(self).__name__} has its records from their ids")

    @property
    def cuts(self) -> bool:
        """Whether prepare cuts a source that does not fit into the window; else it drops the record."""
        return True

    @abstractmethod
    def blank(self, source: Source) -> bool:
        """Whether there is nothing to answer: the model is not asked, the answer is empty."""

    def unasked(self, source: Source) -> Target | None:
        """The answer where the model is not asked for one; None where it is."""
        return self.decode([]) if self.blank(source) else None

    @abstractmethod
    def encode_source(self, source: Source) -> list[int]:
        """The prompt: never empty, ends with the token after which the answer begins."""

    @abstractmethod
    def decode_source(self, prompt: Sequence[int]) -> Source:
        """Inverse of `encode_source`."""

    @abstractmethod
    def encode_target(self, target: Target) -> list[int]:
        """The answer; ends with `eos`."""

    @abstractmethod
    def decode(self, ids: Sequence[int]) -> Target:
        """Inverse of `encode_target`; takes any ids, with or without `eos`."""

    def decode_row(self, prompt: Sequence[int], target: Sequence[int]) -> tuple[Source, Target]:
        """Inverse of both; a task overrides this where an answer can only be told beside its source."""
        return self.decode_source(prompt), self.decode(target)

    def render(self, ids: Sequence[int]) -> str:
        """Ids as a person reads them, control tokens included."""
        return str(self.decode(ids))

    def spelled(self, id: int) -> bytes | str:
        """One id alone: the bytes of text that it stands for, or the name of what is no text."""
        return self.render([id])

    @property
    def outputs(self) -> tuple[str, ...]:
        """Of examples: what the head tells apart; a single one scores choices."""
        return ()

    @property
    def extract(self) -> int:
        """Of examples: the id that ends a text, on which the head looks."""
        raise UserError(f"{type(self).__name__} has no texts to extract answers from")

    def answers(self, source: Source) -> Sequence[str]:
        """Of examples: what the answers to a source are called, in the order of their numbers."""
        return self.outputs

    def score(self, outputs: Sequence[Target], targets: Sequence[Target]) -> list[Score]:
        """The task's figures for outputs beside their references; a stream has its loss instead."""
        return []

    def remarks(self, outputs: Sequence[Target], targets: Sequence[Target]) -> list[str]:
        """What is odd about outputs beside their references and hides in the scores, in lines for the user."""
        return []

    def scorer(self) -> Scorer[Source, Target]:
        """What scores outputs as they come; a task overrides this where it can do without holding them all."""
        return Scorer(self)

    def show(self, source: Source) -> str:
        """A source as a person reads it."""
        return str(source)

    def tell(self, target: Target) -> str:
        """An answer, in a few words where it is none."""
        return str(target)

    @property
    @abstractmethod
    def vocab_size(self) -> int: ...

    @property
    @abstractmethod
    def eos(self) -> int: ...

    def unknown(self) -> list[str]:
        """What text may hold that no id stands for, so that it would vanish."""
        return []

    def zero_shot(self) -> tuple["Task[Source, Target]", dict[str, Any]]:
        """The task as a pretrained model in `folder` may do it without training, and its [generate] settings."""
        raise UserError(f"{type(self).__name__} has to be trained: there is no --zero-shot of it")

    @abstractmethod
    def fingerprint(self) -> str:
        """What must be equal for two folders to mean the same by the same ids."""

    @abstractmethod
    def copy_files(self, folder: Path) -> None:
        """Put the task's own files into another folder."""

    @abstractmethod
    def extends(self, folder: Path) -> bool:
        """Whether every id of the model in `folder` means the same here."""

    def encode(self, records: Sequence[Record[Source, Target]]) -> Sequence[tuple[Sequence[int], Sequence[int]]]:
        """(prompt, target) of each record; a task overrides this where it can do many at once faster.

        In a stream a row without a prompt goes on with the document of the row before.
        """
        return [(self.encode_source(record.source), self.encode_target(record.target)) for record in records]

    def recent(self, ids: Sequence[int], room: int) -> list[int]:
        """At most `room` ids from which a text goes on that has become longer than the window."""
        return [*ids[-room:]]

    def crop(self, ring: "NDArray[Any]", start: int, length: int, noise: "Generator") -> "NDArray[Any]":
        """`length` ids to train on from `start` in the ring of a stream's ids; a task overrides this to vary them."""
        return ring.take(range(start, start + length), mode="wrap")

    def weight(self, record: Record[Source, Target]) -> int:
        """Of a stream: about how long a document is, in characters, or a part of one; so many are encoded together."""
        return 1 << 16

    def units(self, ids: Sequence[int]) -> dict[str, float]:
        """Of ids of a stream that are predicted: how much there is of what their loss is divided by."""
        return {"token": len(ids)}

    def rates(self, nats: float, units: Mapping[str, float]) -> list[Score]:
        """The figures of a stream's whole loss, given how much there is of each unit."""
        return [Score(f"nats per {unit}", nats / n, f"n:{n:.0f}", digits=4) for unit, n in units.items() if n]

    def learned(self, target: Sequence[int]) -> Sequence[int]:
        """What is trained on of a target; a task overrides this where long ones cost more than they teach."""
        return target

    def length(self, prompt: Sequence[int]) -> int:
        """Positions that a prompt takes."""
        return len(prompt)

    def shorten(self, prompt: list[int], room: int) -> list[int]:
        """A prompt of at most `room` tokens: the source is cut at its end, the last token stays."""
        return prompt if len(prompt) <= room else [*prompt[: room - 1], prompt[-1]]


Kind = TypeVar("Kind", bound=Task[Any, Any])


def recast(task: Task[Any, Any], kind: type[Kind]) -> Kind:
    """A task with all its settings as one of a subclass."""
    return kind(**{each.name: getattr(task, each.name) for each in fields(task)})
