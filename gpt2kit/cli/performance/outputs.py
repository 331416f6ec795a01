"""The files of a piece: MIDI, sound and picture."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt2kit import overwriting
from gpt2kit.cli import console, reports
from gpt2kit.errors import UserError, counted

if TYPE_CHECKING:
    from gpt2kit.music.notes import Notes

KINDS = {
    ".mid": overwriting.MIDI,
    ".wav": overwriting.SOUND,
    ".png": overwriting.PICTURE,
    ".html": overwriting.PAGE,
}


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


def written(path: Path, notes: "Notes", primer: float, sound: bool) -> dict[str, Any]:
    from gpt2kit.music.midi import write_midi

    write_midi(path, notes)
    console.say(f"{path}: {counted(len(notes), 'note')} in {notes.duration:.1f} seconds")
    return shown(path, notes, primer, overwrite=True) if sound else {"midi": str(path), "notes": len(notes)}


def wanted(path: Path, overwrite: bool) -> bool:
    if os.path.lexists(path) and not overwrite:
        console.say(f"{path}: exists and is kept; --overwrite replaces it if gpt2kit made it")
        return False
    return True


def shown(path: Path, notes: "Notes", primer: float, overwrite: bool) -> dict[str, Any]:
    from gpt2kit.music.roll import write_roll
    from gpt2kit.music.sound import write_wav

    wav, png = path.with_suffix(".wav"), path.with_suffix(".png")
    if wanted(wav, overwrite):
        console.say(f"{wav}: sound by {write_wav(wav, notes)}")
    if wanted(png, overwrite):
        write_roll(png, notes, primer, path.stem)
        console.say(f"{png}: the piano roll")
    described = {"midi": str(path), "notes": len(notes), "seconds": round(notes.duration, 2), "primer_seconds": primer}
    return described | {"wav": str(wav), "png": str(png)}
