"""A MIDI file that is continued: what of it is kept, and what the model hears."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from gpt2kit.music.editing.keystrokes import Keystroke, keystrokes
from gpt2kit.music.midi import PIANOS, parse_midi, read_bytes
from gpt2kit.music.midi_file.score import Score, read_score
from gpt2kit.music.midi_file.smf import naming
from gpt2kit.music.notes import Opening
from gpt2kit.music.stream.events import STEPS_A_SECOND, quantised


@dataclass(frozen=True)
class Primer:
    """A file up to the time at which a continuation begins."""

    score: Score
    strokes: list[Keystroke]
    opening: Opening
    """The notes that the model hears, and the time: a multiple of 10 ms."""
    programs: Collection[int]
    """The instruments that it hears."""


def read_primer(
    path: Path | str, seconds: float | None = None, instruments: str = "piano", salvage: bool = False
) -> Primer:
    """The first `seconds` of a MIDI file, or all of it; `instruments` and `salvage` as for `read_midi`.

    Raises MidiError, which names the file.
    """
    with naming(path):
        return primer_of(read_bytes(Path(path)), seconds, instruments, salvage)


def primer_of(
    content: bytes, seconds: float | None = None, instruments: str = "piano", salvage: bool = False
) -> Primer:
    """The same from the bytes of a file.

    A whole file is taken to end when the last key of any instrument is struck or let go: the continuation lets go what
    still sounds then, such as a chord held by the pedal. A file that is shorter than `seconds` ends there, too.
    """
    heard, score = parse_midi(content, instruments, salvage).notes, read_score(content, salvage)
    strokes = keystrokes(score)
    until = _end(score, strokes)
    if seconds is not None:
        until = min(until, float(quantised(seconds)) / STEPS_A_SECOND)
    struck = heard.start < until
    columns = (heard.pitch[struck], heard.velocity[struck], heard.start[struck], heard.end[struck])
    return Primer(score, strokes, Opening(*columns, until), PIANOS if instruments == "piano" else range(128))


def _end(score: Score, strokes: Sequence[Keystroke]) -> float:
    """The first multiple of 10 ms after the last key is struck or let go; keys that never are let go do not count."""
    last = max((stroke.last for stroke in strokes), default=0)
    return (math.floor(float(score.clock().seconds(last)) * STEPS_A_SECOND + 1e-9) + 1) / STEPS_A_SECOND
