"""Piano music as performance events (Oore et al. 2018; Huang et al. 2018): BEGIN, the events, END.

`gpt2kit.music` reads a file's notes and encodes them as events. Its modules are imported where they are needed, so that
`--help` does not wait for them.
"""

import hashlib
import shutil
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt2kit.config import check, knob
from gpt2kit.data.layouts import Stream
from gpt2kit.data.report import Damage, PassedOver
from gpt2kit.errors import DataError, counted
from gpt2kit.tasks.base import About, Line, Record, Task, Vocabulary

if TYPE_CHECKING:
    from numpy.random import Generator
    from numpy.typing import NDArray

    from gpt2kit.data.batches import Batching
    from gpt2kit.music.corpus.sources import Found
    from gpt2kit.music.notes import Notes
    from gpt2kit.music.playing.grammar import EventGrammar
    from gpt2kit.music.stream.events import Ids

READING = ("prepare", "generate", "infill", "accompany", "evaluate", "render")
"""The verbs that read MIDI files."""
EVENTS_FILE = "events.tsv"
"""The vocabulary, for people and to compare two folders: the id and the name of every event."""

ABOUT = About(
    corpus="YOUR_MIDI_FOLDER",
    medium="performance",
    generate="--seconds 60 --out piece.mid",
    python=(
        'notes = model("")  # or the path of a MIDI file, which is continued',
        "",
        "from pathlib import Path",
        "from gpt2kit.music.midi import write_midi",
        "",
        'write_midi(Path("piece.mid"), notes)',
    ),
    pipeline_tag="other",
    tags=("midi", "piano", "symbolic-music"),
    requires=("pretty_midi",),
)


BETWEEN_NOTES = (
    "infill piece.mid --from 10 --to 15 --run RUN --out infilled.mid",
    "accompany piece.mid --tune-only --run RUN --out accompanied.mid",
)


@dataclass(frozen=True, repr=False)
class Performance(Record["Notes", "Notes"]):
    """A piece whose events were encoded when its file was read."""

    events: "Ids | None" = None


@dataclass(frozen=True)
class EventVocabulary(Vocabulary):
    """The performance events, and the announcements of given notes, which folders of older versions do not have."""

    folder: Path

    @property
    def size(self) -> int:
        path = self.folder / EVENTS_FILE
        try:
            return path.read_bytes().count(b"\n")
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}; expected the vocabulary, which prepare writes") from None

    @property
    def announces(self) -> bool:
        """Whether it has announcements of given notes."""
        from gpt2kit.music.stream import announcements

        return self.size >= announcements.SIZE

    @property
    def eos(self) -> int:
        from gpt2kit.music.stream import events

        return events.END

    def fingerprint(self) -> str:
        return "performance events, 388 + 3" + (f" + {self.size - 391}" if self.announces else "")

    def copy_files(self, folder: Path, window: int) -> None:
        shutil.copyfile(self.folder / EVENTS_FILE, folder / EVENTS_FILE)

    def extends(self, folder: Path) -> bool:
        theirs = folder / EVENTS_FILE
        return theirs.is_file() and (self.folder / EVENTS_FILE).read_bytes().startswith(theirs.read_bytes())

    def render(self, ids: Sequence[int]) -> str:
        """One line for each moment, with its time since the first one."""
        return "\n".join(map(str, self.lines(ids)))

    def lines(self, ids: Sequence[int]) -> list[Line]:
        from gpt2kit.music.stream.moments import moments

        return [Line(f"{moment.seconds:8.2f} s", moment.events) for moment in moments(ids)]

    def spell(self, id: int) -> str:
        from gpt2kit.music.stream import announcements

        return announcements.spoken(id)


@dataclass(frozen=True)
class Performances(Stream):
    """Pieces one after the other; training windows are varied in pitch and tempo."""

    transpose: int
    stretch: float
    infill: float
    vocabulary: EventVocabulary
    preview = 64
    given = 391  # announcements: the number of events, without importing them for `--help`

    def batching(self, window: int, loss_on: str = "answer", stride: int = 0) -> "Batching":
        if self.infill and not self.vocabulary.announces:
            return replace(self, infill=0.0).batching(window, loss_on, stride)
        return super().batching(window, loss_on, stride)

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


@dataclass(frozen=True)
class Music(Task["Notes", "Notes"]):
    """Piano music learned from MIDI files: new pieces, and continuations of given ones."""

    held_out: float = knob(
        0.05, "share of the pieces held out for validation, unless a csv file next to them names the splits"
    )
    transpose: int = knob(
        3, "transpose each training window at random, by at most N semitones up or down", flag=("train",), metavar="N"
    )
    stretch: float = knob(
        0.05,
        "change the tempo of each training window at random, by at most the share X",
        flag=("train",),
        metavar="X",
    )

    infill: float = knob(
        0.0,
        "share of the training windows that are arranged for infilling and accompaniment, half for each; 0: neither is "
        "learned",
        flag=("train",),
        metavar="X",
    )
    instruments: str = knob(
        "piano",
        "instruments that are read from MIDI files: pianos, or whatever has pitch, as a piano; drums never",
        choices=("piano", "all"),
        flag=READING,
    )
    salvage: bool = knob(False, "of a damaged MIDI file, use what comes before the damage", flag=READING)

    def __post_init__(self) -> None:
        super().__post_init__()
        check(0 <= self.infill <= 1, f"infill = {self.infill}; expected 0 to 1")
        check(0 <= self.transpose <= 12, f"transpose = {self.transpose}; expected 0 to 12 semitones")
        check(0 <= self.stretch < 0.5, f"stretch = {self.stretch}; expected at least 0 and less than 0.5")

    @property
    def about(self) -> About:
        return replace(ABOUT, commands=BETWEEN_NOTES) if self.infill else ABOUT

    @property
    def vocabulary(self) -> EventVocabulary:
        return EventVocabulary(self.folder)

    @property
    def layout(self) -> Performances:
        return Performances(self.transpose, self.stretch, self.infill, self.vocabulary)

    def read(self, corpus: Sequence[str]) -> Iterator[Performance]:
        from gpt2kit.music.corpus.sources import pieces

        return map(_performance, pieces(corpus, self.instruments, self.salvage))

    def fit(self, corpus: Sequence[str], records: Iterable[Any], folder: Path, window: int) -> "Music":
        from gpt2kit.music.stream import announcements

        names = "".join(f"{id}\t{announcements.name(id)}\n" for id in range(announcements.SIZE))
        (folder / EVENTS_FILE).write_text(names, encoding="utf-8")
        return self.opened(folder)

    def parse(self, text: str) -> "Notes":
        """A MIDI file to continue; nothing for a new piece."""
        from gpt2kit.music.midi import read_midi
        from gpt2kit.music.notes import Notes

        return read_midi(text, self.instruments, self.salvage).notes if text else Notes.none()

    def show(self, source: "Notes") -> str:
        return f"{counted(len(source), 'note')}" if len(source) else "a new piece"

    def tell(self, target: "Notes") -> str:
        from gpt2kit.music.notes import summary

        return summary(target)

    def encode_source(self, source: "Notes") -> list[int]:
        """BEGIN and the notes; those that sound at the end of an `Opening` have no NOTE_OFF.
        An opening ends with its last note: the wait for its end is a part of what the model writes. The prompt of the
        `Surroundings` of a gap announces what follows the gap, and that of what is `Accompanied` its tune.
        """
        from gpt2kit.music.notes import Accompanied, Opening, Surroundings
        from gpt2kit.music.playing.filling import prompt_before, prompt_with_tune
        from gpt2kit.music.stream import encoding, events

        if isinstance(source, Surroundings):
            return prompt_before(source)
        if isinstance(source, Accompanied):
            return prompt_with_tune(source)
        if isinstance(source, Opening):
            return [events.BEGIN, *encoding.without_wait(encoding.encode_until(source, source.until)).tolist()]
        return [events.BEGIN, *encoding.encode(source).tolist()]

    def encode_target(self, target: "Notes") -> list[int]:
        from gpt2kit.music.stream import encoding, events

        return [*encoding.encode(target).tolist(), events.END]

    def encode(self, records: Sequence[Record["Notes", "Notes"]]) -> list[tuple[Sequence[int], Sequence[int]]]:
        from gpt2kit.music.stream import events

        rows: list[tuple[Sequence[int], Sequence[int]]] = []
        for record in records:
            known = record.events if isinstance(record, Performance) else None
            if known is None:
                target: Sequence[int] = self.encode_target(record.target)
            else:  # a copy of the bytes is much faster than a list
                target = array("I", known.astype("=u4").tobytes())
                target.append(events.END)
            rows.append((self.encode_source(record.source), target))
        return rows

    def decode(self, ids: Sequence[int]) -> "Notes":
        from gpt2kit.music.stream import encoding

        return encoding.decode(ids)


def _performance(file: "Found") -> Performance:
    from gpt2kit.music.corpus.sources import Failed, Passed, Piece
    from gpt2kit.music.notes import Notes

    nothing = Notes.none()
    if isinstance(file, Piece):
        return Performance(
            nothing,
            file.notes,
            file.ids,
            key=_key(file.ids.astype("=u4").tobytes()),
            split=file.split,
            problem="" if len(file.notes) else "no notes",
            skipped=file.counts(),
            name=f"{file.name}: {file.damage}" if file.damage else file.name,
        )
    if isinstance(file, Passed):
        return Performance(nothing, nothing, problem=PassedOver(f"files passed over, {file.ending}"), name=file.name)
    detail = file.detail if isinstance(file, Failed) else ""
    problem = Damage(file.reason) if isinstance(file, Failed) else file.reason
    name = f"{file.name}: {detail}" if detail else file.name
    return Performance(nothing, nothing, key=_key(b""), split=file.split, problem=problem, name=name)


def _key(events: bytes) -> str:
    return hashlib.blake2b(events).hexdigest()
