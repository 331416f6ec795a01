"""Reads a MIDI file that a command was given, and says what was left out."""

from pathlib import Path
from typing import TYPE_CHECKING

from gpt2kit.cli import console
from gpt2kit.errors import DataError

if TYPE_CHECKING:
    from gpt2kit.music.notes import Notes


def heard(path: str | Path) -> "Notes":
    """The piano notes of a file; prints what was left out. Raises DataError if there are none."""
    from gpt2kit.music.midi import read_midi

    found = read_midi(path)
    others = ", ".join(f"{reason}: {count:,}" for reason, count in found.dropped.items())
    if not len(found.notes):
        raise DataError(f"{path}: no piano notes{f' ({others})' if others else ''}")
    if others:
        console.say(f"{path}: notes left out, {others}")
    if found.clipped:
        console.say(f"{path}: {found.clipped:,} data bytes above 127 were taken as 127")
    return found.notes
