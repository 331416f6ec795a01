"""Piano music as performance events (Oore et al. 2018; Huang et al. 2018): BEGIN, the events, END.

`gpt2kit.music` reads a file's notes and encodes them as events. Its modules are imported where they are needed, so that
`--help` does not wait for them.
"""

from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt2kit.config import check, knob
from gpt2kit.errors import counted
from gpt2kit.tasks.about import About
from gpt2kit.tasks.base import Task
from gpt2kit.tasks.performances.layout import Performances
from gpt2kit.tasks.performances.records import Performance, performance
from gpt2kit.tasks.performances.vocabulary import EVENTS_FILE, EventVocabulary
from gpt2kit.tasks.record import Record

if TYPE_CHECKING:
    from gpt2kit.music.notes import Notes

READING = ("prepare", "generate", "infill", "accompany", "evaluate", "render")
"""The verbs that read MIDI files."""
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

        return map(performance, pieces(corpus, self.instruments, self.salvage))

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
