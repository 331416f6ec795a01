"""The files of a piece: MIDI, sound and picture."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from gpt2kit import files, overwriting
from gpt2kit.cli import console, options, reports
from gpt2kit.errors import UserError, counted

if TYPE_CHECKING:
    from gpt2kit.music.notes import Notes

KINDS = {
    ".mid": overwriting.MIDI,
    ".wav": overwriting.SOUND,
    ".flac": overwriting.FLAC,
    ".png": overwriting.PICTURE,
    ".html": overwriting.PAGE,
}


LONG_SOUND = 600
"""Seconds from which the size of a WAV file is announced."""

FlacOption = Annotated[
    bool,
    options.switch("--flac", help=r"Write the sound as .flac, a third of a .wav; needs pip install 'gpt2kit\[flac]'."),
]


def sound_kind(flac: bool, sound: bool = True) -> str:
    """The ending of the files with sound, "" for none."""
    from gpt2kit.music import flac as format

    if flac and not sound:
        raise UserError("--flac and --no-sound: give one of them")
    if flac:
        format.require()
    return ".flac" if flac else ".wav" if sound else ""


def announce(paths: Sequence[Path], seconds: float, kind: str) -> None:
    """Say how large WAV files will be, before they are made, if the music is long."""
    from gpt2kit.music.sound import wav_bytes

    if kind == ".wav" and seconds > LONG_SOUND:
        size = f"{wav_bytes(seconds) / 1e6:,.0f} MB"
        which = f"{paths[0].with_suffix(kind)}" if len(paths) == 1 else f"each of {len(paths)} .wav files"
        console.say(f"{which}: {seconds / 60:.0f} minutes of sound take {size}; --flac writes about a third of that")


def numbered(path: Path, number: int, count: int) -> Path:
    if path.suffix.lower() not in (".mid", ".midi"):
        raise UserError(f"--out {path}: expected a name that ends with .mid")
    return path if count == 1 else path.with_stem(f"{path.stem}-{number}")


def check(paths: list[Path], endings: tuple[str, ...], overwrite: bool, inputs: list[str]) -> None:
    """Raise for files that must not be replaced, before any work; otherwise say which ones are."""
    planned = [(path if kind == ".mid" else path.with_suffix(kind), KINDS[kind]) for path in paths for kind in endings]
    taken = [(path, overwriting.check_file(path, overwrite, kind, inputs)) for path, kind in planned]
    for path, what in taken:
        reports.replaced(path, what)


def written(path: Path, notes: "Notes", sound: str) -> dict[str, Any]:
    """Write a new piece."""
    from gpt2kit.music.midi import write_midi

    write_midi(path, notes)
    return _described(path, notes, 0.0, sound)


def continued(path: Path, content: bytes, primer: float, sound: str) -> dict[str, Any]:
    """Write the MIDI file of a continuation; its sound and picture are those of the notes in the file."""
    from gpt2kit.music.midi import read_midi

    with files.atomic(path) as temporary:
        temporary.write_bytes(content)
    return _described(path, read_midi(path).notes, primer, sound)


def _described(path: Path, notes: "Notes", primer: float, sound: str) -> dict[str, Any]:
    console.say(f"{path}: {counted(len(notes), 'note')} in {notes.duration:.1f} seconds")
    return shown(path, notes, primer, True, sound) if sound else _facts(path, notes, primer)


def _facts(path: Path, notes: "Notes", primer: float) -> dict[str, Any]:
    return {"midi": str(path), "notes": len(notes), "seconds": round(notes.duration, 2), "primer_seconds": primer}


def wanted(path: Path, overwrite: bool) -> bool:
    if os.path.lexists(path) and not overwrite:
        console.say(f"{path}: exists and is kept; --overwrite replaces it if gpt2kit made it")
        return False
    return True


def shown(path: Path, notes: "Notes", primer: float, overwrite: bool, sound: str) -> dict[str, Any]:
    """Write the sound, a file with this ending, and the picture of a piece."""
    from gpt2kit.music import sound as sounds
    from gpt2kit.music.roll import write_roll

    audio, png = path.with_suffix(sound), path.with_suffix(".png")
    if wanted(audio, overwrite):
        write = sounds.write_flac if sound == ".flac" else sounds.write_wav
        console.say(f"{audio}: sound by {write(audio, notes)}")
    if wanted(png, overwrite):
        write_roll(png, notes, primer, path.stem)
        console.say(f"{png}: the piano roll")
    return _facts(path, notes, primer) | {sound[1:]: str(audio), "png": str(png)}
