"""Reads a MIDI file that a command was given, and says what was left out."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from gpt2kit.cli import console
from gpt2kit.errors import UserError

if TYPE_CHECKING:
    from gpt2kit.music.notes import Notes


INSTRUMENTS = ("piano", "all")


class Reading(NamedTuple):
    """How files are read: the settings of the task."""

    instruments: str = "piano"
    salvage: bool = False


def reading(given: Mapping[str, Any], run: str = "") -> Reading:
    """As the settings of the command say, and for the others as those of its run."""
    from gpt2kit.runs.folder import Run

    try:
        settings = of_task(Run(Path(run)).task) if run else Reading()
    except UserError:  # it is raised again, and said, when the run is opened
        settings = Reading()
    found = settings._replace(**{name: given[name] for name in Reading._fields if name in given})
    if found.instruments not in INSTRUMENTS:
        raise UserError(f"--instruments {found.instruments}: expected {' or '.join(INSTRUMENTS)}")
    return found


def of_task(task: Any) -> Reading:
    """As the task of a run says, or of a run whose settings the command has changed; that of another task says
    nothing."""
    defaults: dict[str, Any] = Reading._field_defaults
    return Reading(*(getattr(task, name, default) for name, default in defaults.items()))


def heard(path: str | Path, instruments: str = "piano", salvage: bool = False, is_kept: bool = False) -> "Notes":
    """The notes of a file; prints what was left out and what is remarkable. Raises DataError if there are none.

    `is_kept`: what the model does not hear stays in the file that the command writes.
    """
    from gpt2kit.music.midi import others_on_request, read_midi
    from gpt2kit.music.midi_file.smf import MidiError

    found = read_midi(path, instruments, salvage)
    others = ", ".join(f"{reason}: {count:,}" for reason, count in found.dropped.items())
    if not len(found.notes):
        raise MidiError("no piano notes", others_on_request(found.dropped), str(path))
    if others:
        left_out = "kept in the file, but not heard by the model" if is_kept else "notes left out"
        console.say(f"{path}: {left_out}, {others}")
    for what, count in found.noticed.items():
        console.say(f"{path}: {what}: {count:,}")
    if found.clipped:
        console.say(f"{path}: {found.clipped:,} data bytes above 127 were taken as 127")
    if found.damage:
        console.warn(f"{path} is damaged: {found.damage}; the rest is read")
    return found.notes
