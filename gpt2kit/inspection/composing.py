"""What the explorer shows of a performance that is continued event by event: a roll that plays, and events by name and
time."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from gpt2kit.music.analysis.attended import grouped, notes_of_events
from gpt2kit.music.notes import Notes
from gpt2kit.music.pages.page import piece_of
from gpt2kit.music.stream import events
from gpt2kit.music.stream.announcements import spoken
from gpt2kit.music.stream.encoding import decode, seconds, times
from gpt2kit.pipeline.engine import Engine
from gpt2kit.pipeline.play import event_rows

MOST_NOTES = 300
"""Only the end of a longer piece is shown: the attention of all its notes is computed again for each event."""

HELD = events.TIME_SHIFT + 49
"""Half a second, for which notes that are still held are drawn."""


@dataclass(frozen=True)
class Performance:
    """The end of a piece and the events chosen so far."""

    engine: Engine
    prompt: list[int]
    answer: list[int]
    remarks: tuple[str, ...] = ()

    @classmethod
    def of(cls, engine: Engine, source: Any, answer: Sequence[int]) -> "Performance":
        remarks = []
        if len(source) > MOST_NOTES:
            shown = f"the roll shows the last {MOST_NOTES}, and counts time from there"
            remarks.append(f"the piece has {len(source):,} notes: {shown}")
            source = source.sliced(float(source.start[-MOST_NOTES]))
        return cls(engine, engine.task.encode_source(source), [*answer], tuple(remarks))

    @property
    def now(self) -> float:
        """When the next event happens, in seconds."""
        return seconds([*self.prompt, *self.answer])

    def told(self, id: int) -> str:
        """A next event, by name and time."""
        return told(id, self.now)

    def chosen(self) -> list[str]:
        """The chosen events, by name and time."""
        begun = seconds(self.prompt)
        return [told(id, begun + float(at)) for id, at in zip(self.answer, times(self.answer), strict=True)]

    def view(self, title: str) -> dict[str, object]:
        """The data for the roll. `now` is the time of the next event, `struck` the note that the last event strikes, or
        -1."""
        ids = [*self.prompt, *self.answer]
        heard = [*ids[1:], HELD]
        piece = piece_of(decode(heard), title, seconds(self.prompt), grouped(heard, event_rows(self.engine, ids)))
        struck = bool(self.answer) and self.answer[-1] < events.NOTE_OFF
        note = int(notes_of_events(heard)[-2]) if struck else -1
        return piece | {"now": round(self.now, 3), "struck": note}


def told(id: int, at: float) -> str:
    """An event by name and time: C4 on at 3.20 s, wait 120 ms, velocity 70."""
    if events.TIME_SHIFT <= id < events.VELOCITY:
        return f"wait {spoken(id)}"
    return f"{spoken(id)} at {at:.2f} s" if id < events.TIME_SHIFT else spoken(id)


def empty(title: str) -> dict[str, object]:
    """The data for a roll that waits for its piece."""
    return piece_of(Notes.none(), title)
