"""Several performances as one self-contained HTML page, to listen to one at a time and to compare."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np

from gpt2kit.files import write_text
from gpt2kit.html import embedded, filled, head, resource
from gpt2kit.music.analysis.copying import Copied, TrainingPieces
from gpt2kit.music.marked import Marked
from gpt2kit.music.notes import Notes, pitch_name
from gpt2kit.music.pages import palette
from gpt2kit.music.pages.page import milliseconds, velocity_colours


@dataclass(frozen=True)
class Figures:
    """What distinguishes a performance from others like it."""

    notes_per_second: float
    """Over the whole part that they were to fill."""
    lowest: str
    highest: str
    median_velocity: float

    @classmethod
    def of(cls, notes: Notes, seconds: float) -> "Figures | None":
        """None for a performance without notes; `seconds` is the length of the part that they were to fill."""
        if not len(notes):
            return None
        low, high = (pitch_name(int(pitch)) for pitch in (notes.pitch.min(), notes.pitch.max()))
        return cls(round(len(notes) / seconds, 2), low, high, float(np.median(notes.velocity)))

    def facts(self) -> list[tuple[str, str]]:
        """Names and values, for people."""
        return [
            ("notes a second", f"{self.notes_per_second:.1f}"),
            ("range", f"{self.lowest} to {self.highest}"),
            ("median velocity", f"{self.median_velocity:.0f}"),
        ]


@dataclass(frozen=True)
class Sample:
    """One of several performances."""

    name: str
    piece: Marked
    seconds: float
    """The length of the part that the model was to fill."""
    seed: int | None
    files: Sequence[str]
    """Names of its files, next to the page."""
    copied: Copied | None = None
    """The longest passage of the model's notes that a training piece shares, on the clock of the piece; None if it was
    not searched for."""
    wishes: Sequence[tuple[str, str]] = ()
    """What was wished and what was played: names and values, for people."""

    @property
    def figures(self) -> Figures | None:
        """Those of the model's notes."""
        return Figures.of(self.piece.new, self.seconds)

    @property
    def is_part(self) -> bool:
        """Whether notes are given."""
        return bool(self.piece.outside) or self.piece.given is not None

    def compared(self, training: TrainingPieces) -> "Sample":
        """The same with `copied`."""
        found = training.longest_copied(self.piece.new)
        start = round(self.piece.begin + found.start, 3) if found.notes else 0.0
        return replace(self, copied=replace(found, start=start, seconds=round(found.seconds, 3)))

    def facts(self, unmeasured: str) -> list[tuple[str, str]]:
        """Names and values, for people; `unmeasured` says why `copied` is None."""
        figures = self.figures
        seed = [("seed", str(self.seed))] if self.seed is not None else []
        notes = ("new notes" if self.is_part else "notes", f"{len(self.piece.new):,}")
        copied = unmeasured
        if self.copied is not None:  # without the folders of the training piece
            short = replace(self.copied, piece=self.copied.piece.rpartition("/")[2])
            copied = str(short) if short.notes else "none"
        measured = [*(figures.facts() if figures else []), *self.wishes]
        return [*seed, notes, *measured, ("longest passage also in training", copied)]

    def view(self, unmeasured: str) -> dict[str, Any]:
        """The data that `listen.js` shows, as JSON."""
        place = None
        if self.copied is not None and self.copied.notes:
            place = [self.copied.start, round(self.copied.start + self.copied.seconds, 3)]
        notes, given = self.piece.notes, self.piece.given
        return {
            "name": self.name,
            "outside": [[round(time, 3) for time in part] for part in self.piece.outside],
            "given": None if given is None else np.flatnonzero(given).tolist(),
            "facts": self.facts(unmeasured),
            "copied": place,
            "files": [{"name": Path(file).suffix, "address": quote(file, safe="")} for file in self.files],
            "pitch": notes.pitch.tolist(),
            "velocity": notes.velocity.tolist(),
            "start": milliseconds(notes.start),
            "end": milliseconds(notes.end),
        }


def write_listening_page(
    path: Path, title: str, facts: str, samples: Sequence[Sample], unmeasured: str = "not measured"
) -> None:
    """Write a page that works from a file, offline, in any browser of 2023 or later; it requests nothing.

    It plays the notes itself; the sample's files are only linked to. `unmeasured` is shown where a sample's `copied` is
    None. The same input gives the same bytes. Raises MachineError if `path` cannot be written.
    """
    data = {
        "title": title,
        "facts": facts,
        "colours": velocity_colours(),
        "given": {"light": palette.hexadecimal(palette.GIVEN), "dark": palette.hexadecimal(palette.GIVEN_ON_DARK)},
        "samples": [sample.view(unmeasured) for sample in samples],
    }
    parts = {
        "head": head(title, resource("music/pages/roll.css") + resource("music/pages/listen.css")),
        "data": embedded(data),
        "script": resource("music/pages/piano.js") + resource("music/pages/listen.js"),
    }
    write_text(path, filled(resource("music/pages/listen.html"), parts))
