"""Piano music as performance events (Oore et al. 2018; Huang et al. 2018): BEGIN, the events, END.

What a file's notes are and which events say them is the affair of `gpt2kit.music`. Its modules are imported where they
are needed: `--help` waits for none of them.
"""

import hashlib
import shutil
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from gpt2kit.config import check, knob
from gpt2kit.data.report import Damage
from gpt2kit.tasks.base import Record, Task

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from gpt2kit.music.notes import Notes
    from gpt2kit.music.sources import Failed, Piece, Skipped

EVENTS_FILE = "events.tsv"
"""The vocabulary, for people and for the comparison of two folders: the id and the name of every event."""


@dataclass(frozen=True)
class Performance(Record["Notes", "Notes"]):
    """A file of a corpus."""

    file: "Piece | Failed | Skipped"

    def __repr__(self) -> str:
        detail = getattr(self.file, "detail", "")
        return f"{self.file.name}: {detail}" if detail else self.file.name


@dataclass(frozen=True)
class Music(Task["Notes", "Notes"]):
    """Piano performances from MIDI files: new ones, or how one goes on."""

    layout: ClassVar[str] = "stream"
    listed: ClassVar[bool] = True
    pipeline_tag: ClassVar[str] = "other"
    tags: ClassVar[tuple[str, ...]] = ("midi", "piano", "symbolic-music")
    held_out: float = knob(0.05, "share of the pieces kept for validation where no csv beside them says the splits")
    transpose: int = knob(3, "training windows are moved by up to so many semitones, up or down", flag=("train",))
    stretch: float = knob(
        0.05, "training windows are played slower or faster by this share or its half, or as they are", flag=("train",)
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check(0 <= self.transpose <= 12, f"transpose = {self.transpose} must be between 0 and 12 semitones")
        check(0 <= self.stretch < 0.5, f"stretch = {self.stretch} must be in [0, 0.5)")

    def read(self, corpus: Sequence[str]) -> Iterator[Performance]:
        from gpt2kit.music.notes import Notes
        from gpt2kit.music.sources import Piece, pieces

        nothing = Notes.none()
        for file in pieces(corpus):
            yield Performance(nothing, file.notes if isinstance(file, Piece) else nothing, file)

    def fit(self, corpus: Sequence[str], records: Iterable[Any], folder: Path, window: int) -> "Music":
        from gpt2kit.music import events

        names = "".join(f"{id}\t{events.name(id)}\n" for id in range(events.VOCABULARY))
        (folder / EVENTS_FILE).write_text(names, encoding="utf-8")
        return self.opened(folder)

    def parse(self, text: str) -> "Notes":
        """A MIDI file, which is to go on; nothing where it is to be a new piece."""
        from gpt2kit.music.midi import read_midi
        from gpt2kit.music.notes import Notes

        return read_midi(text).notes if text else Notes.none()

    @property
    def generate_hint(self) -> str:
        return "--seconds 60 --out piece.mid"

    @property
    def python_hint(self) -> tuple[str, ...]:
        return (
            'notes = model("")  # or the path of a MIDI file, which goes on',
            "",
            "from pathlib import Path",
            "from gpt2kit.music.midi import write_midi",
            "",
            'write_midi(Path("piece.mid"), notes)',
        )

    def named_split(self, record: Record["Notes", "Notes"]) -> str | None:
        assert isinstance(record, Performance)
        return record.file.split or None

    def key(self, record: Record["Notes", "Notes"]) -> str:
        return hashlib.blake2b(array("I", self._events(record)).tobytes()).hexdigest()

    def problem(self, record: Record["Notes", "Notes"]) -> str | None:
        from gpt2kit.music.sources import Failed, Skipped

        file = record.file if isinstance(record, Performance) else None
        if isinstance(file, Failed):
            return Damage(file.reason)
        if isinstance(file, Skipped):
            return file.reason
        return None if len(record.target) else "no notes"

    def left_out(self, record: Record["Notes", "Notes"]) -> dict[str, int]:
        file = getattr(record, "file", None)
        dropped: dict[str, int] = getattr(file, "dropped", {})
        clipped: int = getattr(file, "clipped", 0)
        counts = {f"notes left out, {reason}": count for reason, count in dropped.items()}
        return counts | ({"data bytes above 127, taken as 127": clipped} if clipped else {})

    def blank(self, source: "Notes") -> bool:
        return False

    def show(self, source: "Notes") -> str:
        return f"{len(source)} notes" if len(source) else "a new piece"

    def tell(self, target: "Notes") -> str:
        from gpt2kit.music.notes import told

        return told(target)

    def encode_source(self, source: "Notes") -> list[int]:
        from gpt2kit.music import events

        return [events.BEGIN, *events.encode(source).tolist()]

    def decode_source(self, prompt: Sequence[int]) -> "Notes":
        return self.decode(prompt)

    def encode_target(self, target: "Notes") -> list[int]:
        from gpt2kit.music import events

        return [*events.encode(target).tolist(), events.END]

    def encode(self, records: Sequence[Record["Notes", "Notes"]]) -> list[tuple[list[int], list[int]]]:
        return [(self.encode_source(record.source), [*self._events(record), self.eos]) for record in records]

    def _events(self, record: Record["Notes", "Notes"]) -> list[int]:
        """Those of the target, which were made when its file was read."""
        ids = getattr(getattr(record, "file", None), "ids", None)
        return self.encode_target(record.target)[:-1] if ids is None else ids.tolist()

    def decode(self, ids: Sequence[int]) -> "Notes":
        from gpt2kit.music import events

        return events.decode(ids)

    def render(self, ids: Sequence[int]) -> str:
        """A line for each event, with its time from the first one on."""
        from gpt2kit.music import events

        times = events.times(ids)
        return "\n".join(f"{time:8.2f} s  {events.name(id)}" for time, id in zip(times, ids, strict=True))

    def shorten(self, prompt: list[int], room: int) -> list[int]:
        return self.recent(prompt, room)

    def recent(self, ids: Sequence[int], room: int) -> list[int]:
        """The end of the music, behind the velocity that is in force there, as training windows begin."""
        from gpt2kit.music import events

        if len(ids) <= room:
            return list(ids)
        return events.crop(ids, len(ids) - room + 1, room).tolist() if room > 1 else [ids[-1]]

    def crop(self, ring: "NDArray[Any]", start: int, length: int, noise: "Generator") -> "NDArray[Any]":
        from gpt2kit.music.augment import window

        return window(ring, start, length, noise, self.transpose, self.stretch)

    def spelled(self, id: int) -> str:
        from gpt2kit.music import events

        return events.spoken(id)

    def units(self, ids: Sequence[int]) -> dict[str, float]:
        from gpt2kit.music import events

        notes = sum(id < events.NOTE_OFF for id in ids)
        return {"event": len(ids), "note": notes, "second": events.seconds(ids)}

    @property
    def vocab_size(self) -> int:
        from gpt2kit.music import events

        return events.VOCABULARY

    @property
    def eos(self) -> int:
        from gpt2kit.music import events

        return events.END

    def fingerprint(self) -> str:
        return "performance events, 388 + 3"

    def copy_files(self, folder: Path) -> None:
        shutil.copyfile(self.folder / EVENTS_FILE, folder / EVENTS_FILE)

    def extends(self, folder: Path) -> bool:
        theirs = folder / EVENTS_FILE
        return theirs.is_file() and theirs.read_bytes() == (self.folder / EVENTS_FILE).read_bytes()
