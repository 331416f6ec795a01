"""The files of the commands that add notes to a user's: one for each version."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt2kit import files
from gpt2kit.cli import console
from gpt2kit.cli.performance import outputs, side_by_side, wishes
from gpt2kit.errors import DataError, UserError, counted

if TYPE_CHECKING:
    from gpt2kit.music.editing.given_file import GivenFile
    from gpt2kit.music.marked import Marked
    from gpt2kit.music.notes import Notes
    from gpt2kit.music.playing.steering import Wish
    from gpt2kit.pipeline.engine import Engine, Result

SamplesOption = Annotated[
    int,
    typer.Option(
        "--samples",
        min=1,
        metavar="N",
        help="Write N versions: NAME-1.mid, NAME-2.mid, ..., and a page to listen to all, NAME.html.",
    ),
]


class Writer:
    """Writes the versions of a user's file."""

    def __init__(self, source: str, out: str, samples: int, flac: bool, sound: bool, overwrite: bool) -> None:
        """Raise for files that must not be replaced."""
        self.source = source
        self.paths = [outputs.numbered(Path(out), number, samples) for number in range(1, samples + 1)]
        self.kind = outputs.sound_kind(flac, sound)
        self.page = Path(out).with_suffix(".html") if samples > 1 else None
        outputs.check(self.paths, (".mid", self.kind, ".png") if self.kind else (".mid",), overwrite, [source])
        outputs.check([Path(out)] * (samples > 1), (".html",), overwrite, [source])

    def check(self, given: "GivenFile[Any]") -> None:
        """Raise for what could not be written, before the model plays."""
        from gpt2kit.music.midi_file.smf import MidiError
        from gpt2kit.music.notes import Notes

        try:
            given.with_new(Notes.none())
        except MidiError as error:
            raise DataError(f"{self.source}: {error}") from None
        hours = given.notes.duration / 3600
        if self.kind and hours > outputs.LONGEST_HOURS:
            raise UserError(
                f"{self.source} lasts {hours:.1f} hours, and sound at most {outputs.LONGEST_HOURS}; add --no-sound"
            )
        files.writable_folder(self.paths[0].parent)
        outputs.announce(self.paths, given.notes.duration, self.kind)

    def write(
        self,
        engine: "Engine",
        given: "GivenFile[Any]",
        results: "Sequence[Result]",
        marked: "Callable[[Notes], Marked]",
        instruments: str,
        wish: "Wish",
        more: dict[str, Any],
        words: tuple[str, str],
        json: bool,
    ) -> None:
        """Write all versions, and say how they are; `marked` says which notes of a file are new, `more` is for --json.

        The `words` are what the new notes are for, and what the versions are, in the plural.
        """
        from gpt2kit.pipeline.fill import added, fulfilled, shortfall

        written = []
        for path, result in zip(self.paths, results, strict=True):
            new = added(engine, given.notes, result)
            written.append(outputs.completed(path, given.with_new(new), marked, self.kind, instruments))
            facts = written[-1].facts
            del facts["primer_seconds"]
            console.say(f"{path}: {counted(len(new), 'new note')} {words[0]}")
            facts |= more | {"new_notes": len(new)}
            if result.seed is not None:
                facts["seed"] = result.seed
            facts |= wishes.told(path, fulfilled(given.notes, new, wish))
            facts["log_probability"] = result.log_probabilities[0]
            if lacking := shortfall(given.notes, new):
                facts["short"] = lacking
                console.say(f"{path}: {lacking}")
            if result.truncated:
                console.say(f"{path}: what is given before is longer than the model's window; only its end was used")
        side_by_side.compare(self.page, written, engine, f"{words[1]} {Path(self.source).name}")
        outputs.report(written, json)
