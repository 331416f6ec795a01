"""How training arranges a task's ids: rows with answers, a stream of documents, or texts to classify.

A task picks one of the three and may refine it by a subclass. `--help` imports tasks: numpy and torch are imported
where they are needed.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from gpt2kit.errors import UserError
from gpt2kit.metrics.score import Score

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from gpt2kit.data.batches import Batches, Batching
    from gpt2kit.data.store import IdRow, Store
    from gpt2kit.decoding.grammar import Automaton


@dataclass(frozen=True)
class Ends:
    """In how many answers the end token is a target, and what follows from that."""

    learned: int
    of: int
    remark: str


class Layout(ABC):
    """The interface of the three layouts."""

    continues: ClassVar[bool] = False
    """Whether a text is only continued: documents of any length, without separate answers."""
    has_answers: ClassVar[bool] = False
    """Whether a text answer follows a prompt."""
    target_unit: ClassVar[str] = "tokens"
    """The unit that carries loss."""
    loss_unit: ClassVar[str] = "target token"
    """The unit in which a loss is averaged."""
    sample_tokens: ClassVar[int | None] = None
    """Most tokens of a sample; None: as many as [generate] allows."""

    @property
    def labels(self) -> tuple[str, ...]:
        """Class names of a classifier; a single name means multiple choice; empty without a classifier."""
        return ()

    def ignored(self) -> list[str]:
        """The knobs of `train` that have no effect with the prepared data, as lines for the user."""
        return []

    def answers(self, source: Any) -> Sequence[str]:
        """The answers that a classifier may give to a source, in the order of their numbers."""
        return self.labels

    @property
    def extract(self) -> int:
        """The id that ends a text, from which a classifier predicts. Raises UserError without a classifier."""
        raise UserError("only the texts of a classifier end with an extract token, and this task has no classifier")

    @property
    def cuts(self) -> bool:
        """Whether prepare cuts a source longer than the window; otherwise its record is dropped."""
        return True

    @abstractmethod
    def batching(self, window: int, loss_on: str = "answer", shorter: int = 0) -> "Batching":
        """How ids form batches. `window` is the model's, `loss_on` and `shorter` are the knobs loss_on and window of
        [train]. Raises UserError for values that do not fit."""

    @abstractmethod
    def ends(self, store: "Store", eos: int) -> Ends:
        """Number of rows, or documents, whose end token is a target."""

    def row_limit(self, window: int) -> int | None:
        """The longest row that prepare may write for a window; None for no limit."""
        return window

    def length(self, prompt: Sequence[int]) -> int:
        """Positions of a prompt."""
        return len(prompt)

    def shorten(self, prompt: list[int], room: int) -> list[int]:
        """A prompt of at most `room` tokens: the end of the source is cut, the last token stays."""
        return prompt if len(prompt) <= room else [*prompt[: room - 1], prompt[-1]]

    def learned(self, target: Sequence[int]) -> Sequence[int]:
        """The part of a target to train on, for targets whose length costs more than it teaches."""
        return target

    def recent(self, ids: Sequence[int], room: int) -> list[int]:
        """At most `room` ids to continue from after a text has exceeded the window."""
        return [*ids[-room:]]

    def grammar(self, prompt: Sequence[int]) -> "Automaton | None":
        """What may follow a prompt, id by id, if `generate.grammar` is on; None: any id may follow any other."""
        return None

    def weight(self, record: Any) -> int:
        """Approximate characters of a record: prepare encodes about a million together. Rows are short: 0."""
        return 0

    def sample_rows(self, rows: "Sequence[IdRow]", window: int) -> "list[IdRow]":
        """The rows of a split that are sampled during training."""
        return [*rows]

    def first_rows(self, batches: "Batches", rows: int, count: int) -> "list[NDArray[Any]]":
        """The first `count` rows of a split as its batches identify them, one by one."""
        import numpy as np

        return [np.array([index]) for index in range(min(count, rows))]


class Rows(Layout):
    """Prompts with their answers, one row each, which fits into the window; loss on the answers."""

    has_answers = True

    def batching(self, window: int, loss_on: str = "answer", shorter: int = 0) -> "Batching":
        from gpt2kit.data.batches import RowBatching

        _refuse_window(shorter, "prompts and answers")
        return RowBatching(loss_on)

    def ends(self, store: "Store", eos: int) -> Ends:
        import numpy as np

        starts = np.concatenate(([0], store.ends))[:-1] + np.asarray(store.prompts)
        return _ends(store, starts, np.asarray(store.ends), eos)


class Stream(Layout):
    """Documents of any length, read in windows; loss on all but the first token of each window."""

    continues = True
    sample_tokens = 32
    joined: ClassVar[bool] = False
    """Whether the first token of the next document ends this one, so that `encode` leaves the end token out."""
    overlap: ClassVar[float] = 0.0
    """The share of a window that `evaluate` uses as context before the tokens it predicts."""
    preview: ClassVar[int] = 24
    """Number of tokens by which `inspect` continues a text."""
    given: ClassVar[int | None] = None
    """Ids from this one on are put into training windows by `crop` and never generated: they carry no loss."""

    def batching(self, window: int, loss_on: str = "answer", shorter: int = 0, stride: int = 0) -> "Batching":
        """`stride` is that of validation windows; 0 means a whole window. Training windows are `shorter`, if that is
        above 0."""
        from gpt2kit.data.streams import StreamBatching

        _refuse_loss_on(loss_on, "whole documents")
        return StreamBatching(window, self.crop, stride, self.given, shorter if shorter < window else 0)

    def ends(self, store: "Store", eos: int) -> Ends:
        import numpy as np

        ends = store.document_ends()
        if self.joined:
            return Ends(len(ends), len(ends), "each document begins after the end token of the previous one")
        return _ends(store, np.concatenate(([0], ends))[:-1], ends, eos)

    def row_limit(self, window: int) -> int | None:
        return None

    def crop(self, ring: "NDArray[Any]", start: int, length: int, noise: "Generator") -> "NDArray[Any]":
        """`length` ids to train on from `start` in the ring of a split's ids; a task overrides this to vary them."""
        return ring.take(range(start, start + length), mode="wrap")

    def weight(self, record: Any) -> int:
        return 1 << 16

    def units(self, ids: Sequence[int]) -> dict[str, float]:
        """The number of each unit in predicted ids; a loss is divided by it."""
        return {"token": len(ids)}

    def rates(self, nats: float, units: Mapping[str, float]) -> list[Score]:
        """The scores of a split, given its total loss and its number of each unit."""
        return [Score(f"nats per {unit}", nats / n, f"n:{n:.0f}", digits=4) for unit, n in units.items() if n]

    def sample_rows(self, rows: "Sequence[IdRow]", window: int) -> "list[IdRow]":
        """The beginning of a row is the prompt, and the same number of tokens after it is the reference."""
        shown = min(self.sample_tokens, window // 2)
        texts = [[*prompt, *target] for prompt, target in rows]
        return [(text[:shown], text[shown : 2 * shown]) for text in texts if len(text) > shown > 0]

    def first_rows(self, batches: "Batches", rows: int, count: int) -> "list[NDArray[Any]]":
        from gpt2kit.data.streams import DocumentWindows

        parts = [batches.in_order()] if isinstance(batches, DocumentWindows) else batches.epoch(0)
        windows = [part[place : place + 1] for part in parts for place in range(len(part))]
        return windows[:count]


class Classification(Layout):
    """Texts that end with the extract token, from whose last vector a classifier predicts the label.

    A prompt is one text or several, one after the other; a target is one id, the number of the answer.
    """

    target_unit = "examples"
    loss_unit = "label"

    @property
    @abstractmethod
    def labels(self) -> tuple[str, ...]: ...

    @property
    @abstractmethod
    def extract(self) -> int: ...

    def batching(self, window: int, loss_on: str = "answer", shorter: int = 0) -> "Batching":
        from gpt2kit.data.examples import ExampleBatching

        _refuse_loss_on(loss_on, "labelled texts")
        _refuse_window(shorter, "labelled texts")
        return ExampleBatching(self.extract)

    def ends(self, store: "Store", eos: int) -> Ends:
        return Ends(0, 0, "a classifier gives a label and generates no text that has to end")


def _refuse_loss_on(loss_on: str, who: str) -> None:
    if loss_on != "answer":
        raise UserError(f"train.loss_on = {loss_on!r}: {who} have no prompts to learn; remove it from the recipe")


def _refuse_window(window: int, who: str) -> None:
    if window:
        raise UserError(f"train.window = {window}: {who} are not cut into windows; remove it from the recipe")


def _ends(store: "Store", starts: "NDArray[Any]", ends: "NDArray[Any]", eos: int) -> Ends:
    learned = int(((store.ids[ends - 1] == eos) & (ends > starts)).sum())
    missing = len(ends) - learned
    remark = (
        f"{missing:,} lack it, and from those the model does not learn to end"
        if missing
        else "every answer ends with it"
    )
    return Ends(learned, len(ends), remark)
