"""The files of a piece: MIDI, sound and picture; and of several pieces, with a page."""

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from gpt2kit import files, overwriting
from gpt2kit.cli import console, options, reports
from gpt2kit.cli.performance import wishes
from gpt2kit.errors import PARTLY_DONE, UserError, counted

if TYPE_CHECKING:
    from gpt2kit.music.marked import Marked
    from gpt2kit.music.notes import Notes
    from gpt2kit.music.playing.steering import Reached
    from gpt2kit.pipeline.engine import Result

KINDS = {
    ".mid": overwriting.MIDI,
    ".midi": overwriting.MIDI,
    ".wav": overwriting.SOUND,
    ".flac": overwriting.FLAC,
    ".png": overwriting.PICTURE,
    ".html": overwriting.PAGE,
}

LONGEST_HOURS = 6
"""A .wav is limited to 4 GiB: 6.7 hours."""
LONG_SOUND = 600
"""Seconds from which the size of a WAV file is announced."""

OutOption = Annotated[str, typer.Option("--out", "-o", metavar="FILE", help="The MIDI file to write.")]
SoundOption = Annotated[bool, typer.Option(metavar="", help="Also write sound (.wav) and a picture (.png).")]
FlacOption = Annotated[
    bool,
    options.switch("--flac", help=r"Write the sound as .flac, a third of a .wav; needs pip install 'gpt2kit\[flac]'."),
]


class Written(NamedTuple):
    """A piece whose files were written."""

    facts: dict[str, Any]
    """For --json."""
    piece: "Marked"


class Files:
    """The files that a command writes: those of one piece, or of several and a page to listen to all of them."""

    def __init__(self, out: str, samples: int, flac: bool, sound: bool, overwrite: bool, source: str) -> None:
        """Raise for files that must not be replaced, such as the `source` that the command reads; "" for none."""
        self.source = source
        self.paths = [numbered(Path(out), number, samples) for number in range(1, samples + 1)]
        self.sound = sound_kind(flac, sound)
        self.page = Path(out).with_suffix(".html") if samples > 1 else None
        check(self.paths, (".mid", self.sound, ".png") if self.sound else (".mid",), overwrite, [source])
        check([self.page] if self.page else [], (".html",), overwrite, [source])

    def make_folder(self) -> None:
        """Create the folder of the files. Raises MachineError if they cannot be written there."""
        files.writable_folder(self.paths[0].parent)

    def announce(self, seconds: float) -> None:
        """Say how large the files with sound will be if the music is long."""
        announce(self.paths, seconds, self.sound)


def sound_kind(flac: bool, sound: bool = True) -> str:
    """The ending of the files with sound, "" for none."""
    from gpt2kit.music.audio import flac as format

    if flac and not sound:
        raise UserError("--flac and --no-sound: give one of them")
    if flac:
        format.require()
    return ".flac" if flac else ".wav" if sound else ""


def announce(paths: Sequence[Path], seconds: float, kind: str) -> None:
    """Say how large WAV files will be, before they are made, if the music is long."""
    from gpt2kit.music.audio.sound import wav_bytes

    if kind == ".wav" and seconds > LONG_SOUND:
        size = f"{wav_bytes(seconds) / 1e6:,.0f} MB"
        which = f"{paths[0].with_suffix(kind)}" if len(paths) == 1 else f"each of {len(paths)} .wav files"
        console.say(f"{which}: {seconds / 60:.0f} minutes of sound take {size}; --flac writes about a third of that")


def numbered(path: Path, number: int, count: int) -> Path:
    if path.suffix.lower() not in (".mid", ".midi"):
        raise UserError(f"--out {path}: expected a name that ends with .mid")
    return path if count == 1 else path.with_stem(f"{path.stem}-{number}")


def check(paths: list[Path], endings: tuple[str, ...], overwrite: bool, inputs: list[str]) -> None:
    """Raise for files that must not be replaced, before any work."""
    for path in paths:
        for ending in endings:
            planned = path if ending == ".mid" else path.with_suffix(ending)
            overwriting.check_file(planned, overwrite, KINDS[ending], inputs)


@contextmanager
def replacing(path: Path) -> Iterator[None]:
    """Say that a file was replaced, if it was there before the block."""
    is_there = os.path.lexists(path)
    yield
    if is_there:
        reports.replaced(path, KINDS[path.suffix.lower()].name)


def written(path: Path, notes: "Notes", sound: str) -> Written:
    """Write a new piece."""
    from gpt2kit.music.marked import Marked
    from gpt2kit.music.midi import write_midi

    with replacing(path):
        write_midi(path, notes)
    return _described(path, Marked(notes), sound)


def completed(
    path: Path, content: bytes, marked: "Callable[[Notes], Marked]", sound: str, instruments: str = "piano"
) -> Written:
    """Write a user's MIDI file with new notes; its sound and picture are those of the notes in the file. `marked` says
    which of them are new."""
    from gpt2kit.music.midi import read_midi

    with replacing(path), files.atomic(path) as temporary:
        temporary.write_bytes(content)
    return _described(path, marked(read_midi(path, instruments).notes), sound)


def _described(path: Path, piece: "Marked", sound: str) -> Written:
    console.say(f"{path}: {counted(len(piece.notes), 'note')} in {piece.notes.duration:.1f} seconds")
    return Written(shown(path, piece, True, sound) if sound else _facts(path, piece), piece)


def _facts(path: Path, piece: "Marked") -> dict[str, Any]:
    notes = piece.notes
    return {"midi": str(path), "notes": len(notes), "seconds": round(notes.duration, 2), "primer_seconds": piece.begin}


def describe(written: Written, result: "Result", reached: "Mapping[str, Reached]", lacking: str, given: str) -> None:
    """Add to the facts of a piece what is known of the model's part; print what was wished and what is remarkable.

    `given` is what the model read before it played.
    """
    facts = written.facts
    if result.seed is not None:
        facts["seed"] = result.seed
    facts |= wishes.told(facts["midi"], reached)
    facts["log_probability"] = result.log_probabilities[0]
    facts |= reports.sources(result)
    if lacking:
        facts["short"] = lacking
        console.say(f"{facts['midi']}: {lacking}")
    if result.truncated:
        console.say(f"{facts['midi']}: {given} is longer than the model's window; only its end was used")


def report(written: Sequence[Written], json: bool) -> None:
    """Write the facts as JSON if requested; end with another exit code if a piece is short of what was asked for."""
    facts = [each.facts for each in written]
    if json:
        console.result_json(facts if len(facts) > 1 else facts[0])
    if any("short" in each for each in facts):
        raise typer.Exit(PARTLY_DONE)


def wanted(path: Path, overwrite: bool) -> bool:
    if os.path.lexists(path) and not overwrite:
        console.say(f"{path}: exists and is kept; --overwrite replaces it if gpt2kit made it")
        return False
    return True


def shown(path: Path, piece: "Marked", overwrite: bool, sound: str) -> dict[str, Any]:
    """Write the sound, a file with this ending, and the picture of a piece."""
    from gpt2kit.music.audio import sound as sounds
    from gpt2kit.music.pages.roll import write_roll

    audio, png = path.with_suffix(sound), path.with_suffix(".png")
    if wanted(audio, overwrite):
        write = sounds.write_flac if sound == ".flac" else sounds.write_wav
        with replacing(audio):
            synthesizer = write(audio, piece.notes)
        console.say(f"{audio}: sound by {synthesizer}")
    if wanted(png, overwrite):
        with replacing(png):
            write_roll(png, piece, path.stem)
        console.say(f"{png}: the piano roll")
    return _facts(path, piece) | {sound[1:]: str(audio), "png": str(png)}
