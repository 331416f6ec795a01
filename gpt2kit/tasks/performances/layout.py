"""The layout of pieces, and how their training windows are varied and arranged."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from gpt2kit.data.layouts import Stream
from gpt2kit.tasks.performances.vocabulary import EventVocabulary

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from gpt2kit.data.batches import Batching
    from gpt2kit.music.playing.grammar import EventGrammar


@dataclass(frozen=True)
class Performances(Stream):
    """Pieces one after the other; training windows are varied in pitch and tempo."""

    transpose: int
    stretch: float
    infill: float
    vocabulary: EventVocabulary
    preview = 64
    given = 391  # announcements: the number of events, without importing them for `--help`

    def batching(self, window: int, loss_on: str = "answer", shorter: int = 0, stride: int = 0) -> "Batching":
        if self.infill and not self.vocabulary.announces:
            return replace(self, infill=0.0).batching(window, loss_on, shorter, stride)
        return super().batching(window, loss_on, shorter, stride)

    def ignored(self) -> list[str]:
        if not self.infill or self.vocabulary.announces:
            return []
        return [
            f"task.infill = {self.infill:g} has no effect: the data was prepared by an older version of gpt2kit, "
            "without the announcements that infilling and accompaniment need; to learn them, prepare it again"
        ]

    def shorten(self, prompt: list[int], room: int) -> list[int]:
        return self.recent(prompt, room)

    def recent(self, ids: Sequence[int], room: int) -> list[int]:
        """The end of the music, preceded by the velocity in force there, as in training windows."""
        from gpt2kit.music.stream import transform

        if len(ids) <= room:
            return list(ids)
        return transform.crop(ids, len(ids) - room + 1, room).tolist() if room > 1 else [ids[-1]]

    def grammar(self, prompt: Sequence[int]) -> "EventGrammar":
        from gpt2kit.music.playing.grammar import EventGrammar

        return EventGrammar(prompt)

    def crop(self, ring: "NDArray[Any]", start: int, length: int, noise: "Generator") -> "NDArray[Any]":
        from gpt2kit.music.windows.augment import window

        if self.infill and noise.random() < self.infill:
            from gpt2kit.music.windows.arrangement import BEYOND, arranged

            plain = window(ring, start, length + BEYOND, noise, self.transpose, self.stretch)
            return arranged(plain, noise)[:length]
        return window(ring, start, length, noise, self.transpose, self.stretch)

    def units(self, ids: Sequence[int]) -> dict[str, float]:
        from gpt2kit.music.stream import encoding, events

        notes = sum(id < events.NOTE_OFF for id in ids)
        return {"event": len(ids), "note": notes, "second": encoding.seconds(ids)}
