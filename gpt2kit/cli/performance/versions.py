"""The files of the commands that add notes to a user's: one for each version."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt2kit.cli import console
from gpt2kit.cli.performance import outputs, side_by_side
from gpt2kit.errors import UserError, counted

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


class Writer(outputs.Files):
    """Writes the versions of a user's file."""

    def check(self, given: "GivenFile[Any]") -> None:
        """Raise for what could not be written, before the model plays."""
        from gpt2kit.music.midi_file.smf import naming
        from gpt2kit.music.notes import Notes

        with naming(self.source):
            given.with_new(Notes.none())
        hours = given.notes.duration / 3600
        if self.sound and hours > outputs.LONGEST_HOURS:
            raise UserError(
                f"{self.source} lasts {hours:.1f} hours, and sound at most {outputs.LONGEST_HOURS}; add --no-sound"
            )
        self.make_folder()

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
        from gpt2kit.pipeline.fill import added, fulfilled, part, shortfall

        written = []
        for path, result in zip(self.paths, results, strict=True):
            new = added(engine, given.notes, result)
            written.append(outputs.completed(path, given.with_new(new), marked, self.sound, instruments))
            facts = written[-1].facts
            del facts["primer_seconds"]
            console.say(f"{path}: {counted(len(new), 'new note')} {words[0]}")
            facts |= more | {"new_notes": len(new)}
            reached, lacking = fulfilled(given.notes, new, wish), shortfall(given.notes, new)
            outputs.describe(written[-1], result, reached, lacking, "what is given before")
        begin, end = part(given.notes)
        side_by_side.compare(self.page, written, engine, f"{words[1]} {Path(self.source).name}", end - begin)
        outputs.report(written, json)
