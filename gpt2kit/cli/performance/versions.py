"""The files of the commands that add notes to a user's: one for each version."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt2kit import files
from gpt2kit.cli import console
from gpt2kit.cli.performance import outputs
from gpt2kit.errors import DataError, counted

if TYPE_CHECKING:
    from gpt2kit.music.given_file import GivenFile
    from gpt2kit.music.notes import Notes
    from gpt2kit.pipeline.engine import Engine, Result

FileArgument = Annotated[str, typer.Argument(metavar="FILE", help="A MIDI file.")]
SamplesOption = Annotated[
    int, typer.Option("--samples", min=1, metavar="N", help="Write N versions: NAME-1.mid, NAME-2.mid, ...")
]
OutOption = Annotated[str, typer.Option("--out", "-o", metavar="FILE", help="The MIDI file to write.")]
SoundOption = Annotated[bool, typer.Option(metavar="", help="Also write sound (.wav) and a picture (.png).")]


class Writer:
    """Writes the versions of a user's file."""

    def __init__(self, source: str, out: str, samples: int, flac: bool, sound: bool, overwrite: bool) -> None:
        """Raise for files that must not be replaced."""
        self.source = source
        self.paths = [outputs.numbered(Path(out), number, samples) for number in range(1, samples + 1)]
        self.kind = outputs.sound_kind(flac, sound)
        kinds = (".mid", self.kind, ".png") if self.kind else (".mid",)
        outputs.check(self.paths, kinds, overwrite, [source])

    def check(self, given: "GivenFile[Any]") -> None:
        """Raise for what could not be written, before the model plays."""
        from gpt2kit.music.notes import Notes
        from gpt2kit.music.smf import MidiError

        try:
            given.with_new(Notes.none())
        except MidiError as error:
            raise DataError(f"{self.source}: {error}") from None
        files.writable_folder(self.paths[0].parent)
        outputs.announce(self.paths, given.notes.duration, self.kind)

    def write(
        self,
        engine: "Engine",
        given: "GivenFile[Any]",
        source: "Notes",
        results: "list[Result]",
        more: dict[str, Any],
        remark: str,
        json: bool,
    ) -> None:
        from gpt2kit.pipeline.fill import added

        written = []
        for path, result in zip(self.paths, results, strict=True):
            new = added(engine, source, given.notes, result)
            written.append(outputs.continued(path, given.with_new(new), 0.0, self.kind))
            written[-1].pop("primer_seconds", None)
            console.say(f"{path}: {counted(len(new), 'new note')} {remark}")
            written[-1] |= more | {"new_notes": len(new)}
            if result.seed is not None:
                written[-1]["seed"] = result.seed
            written[-1]["log_probability"] = result.log_probabilities[0]
        if json:
            console.result_json(written if len(written) > 1 else written[0])
