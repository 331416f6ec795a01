"""Where each generated token comes from: the training examples in the most similar contexts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

from gpt2kit.data.layouts import Stream
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.tasks.base import Task
from gpt2kit.tasks.vocabulary import GAP

if TYPE_CHECKING:
    from gpt2kit.data.store import Store
    from gpt2kit.pipeline.datastore import Datastore

BEFORE, AFTER = 8, 4
"""Tokens that are shown before and after the one of a training example."""

LONGEST = 200
"""Characters of its source that are shown."""

CUT = "\ufffd"
"""What the decoder makes of a part of a character."""


@dataclass(frozen=True)
class Origin:
    """A token of the training data whose context resembles that of a generated token."""

    distance: float
    """Euclidean, between the model's last hidden states before the two tokens; 0: the contexts are equal."""
    example: int
    """The number of its example, or document, in the training split, from 1."""
    name: str
    """The name of the document; empty if it has none, as rows do not."""
    position: int
    """The number of the token in the answer, or in the document, from 1."""
    second: float | None
    """When the token is played, if it is a musical event; None for text."""
    source: str
    """The source of the example, or its beginning; empty for documents."""
    before: str
    """The last tokens before it, of the answer or the document."""
    token: str
    after: str
    """The next tokens."""


@dataclass(frozen=True)
class TokenSources:
    """A generated token and its sources, the nearest first."""

    id: int
    token: str
    sources: list[Origin]
    second: float | None = None
    """When it is played, from the first event of the answer on; None for text."""

    def json(self) -> dict[str, Any]:
        sources = [
            {key: value for key, value in asdict(source).items() if value not in (None, "")} for source in self.sources
        ]
        played = {} if self.second is None else {"second": self.second}
        return {"id": self.id, "token": self.token, **played, "sources": sources}


def sources_of(
    places: "Places", model: GPT2, datastore: "Datastore", prompt: Sequence[int], ids: Sequence[int], count: int
) -> list[TokenSources]:
    """The `count` nearest sources of each id of an answer to a prompt."""
    near = datastore.near(model, [*prompt, *ids], len(prompt), count)
    return [
        TokenSources(id, places.text([id]), [places.origin(each.distance, each.place) for each in found], second)
        for id, found, second in zip(ids, near, places.seconds(ids), strict=True)
    ]


class Places:
    """Describes places in the training data for people."""

    def __init__(self, task: Task[Any, Any], store: "Store") -> None:
        self.task, self.store, self.is_stream = task, store, isinstance(task.layout, Stream)
        self.names = store.names() if store.has_names else []
        self.ends = store.document_ends() if self.is_stream else store.ends
        self.seconds_in = lru_cache(self._seconds_in)

    def text(self, ids: Sequence[int]) -> str:
        """Ids in readable form."""
        lines = self.task.vocabulary.lines(ids)
        return GAP.join(name for line in lines for name in line.names) or self.task.vocabulary.render(ids)

    def origin(self, distance: float, place: int) -> Origin:
        """The token at a place in the ids of the split."""
        row = int(self.store.ends.searchsorted(place, "right"))
        example = int(self.ends.searchsorted(place, "right"))
        begin = int(self.ends[example - 1]) if example else 0
        source = ""
        if not self.is_stream:
            prompt, _ = self.store.row(row)
            begin += len(prompt)
            source = self.task.show(self.task.decode_source(prompt))[:LONGEST]
        end = min(int(self.ends[example]), place + 1 + AFTER)
        ids = self.store.ids
        return Origin(
            round(distance, 4),
            example + 1,
            self.names[row] if self.names else "",
            place - begin + 1,
            self.seconds_in(begin, int(self.ends[example]))[place - begin] if self.plays else None,
            source,
            self.text(ids[max(begin, place - BEFORE) : place].tolist()).lstrip(CUT),
            self.text([int(ids[place])]),
            self.text(ids[place + 1 : end].tolist()).rstrip(CUT),
        )

    def seconds(self, ids: Sequence[int]) -> Sequence[float | None]:
        """When each event is played; None for text."""
        if not self.plays:
            return [None] * len(ids)
        from gpt2kit.music.stream.encoding import times  # which no text needs

        return [round(second, 2) for second in times(ids).tolist()]

    def _seconds_in(self, begin: int, end: int) -> Sequence[float | None]:
        return self.seconds(self.store.ids[begin:end].tolist())

    @property
    def plays(self) -> bool:
        return bool(self.task.about.medium == "performance")
