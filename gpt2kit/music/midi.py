"""MIDI files to notes and back. The interface to `symusic`, which parses, and to `pretty_midi`, which writes.

Both read the same notes from a file, to the last bit of their times (tested), except for these, which are read here as
follows:

- overlapping notes of one pitch: the first struck is the first to end, as in symusic. pretty_midi lets one note-off end
all of them and skips the others;
- a change of program while a note sounds: the note belongs to the program that it was struck with, as in symusic;
- tempo changes: those of all tracks count, as in symusic and in players; pretty_midi reads those of the first track;
- data after a track's end: skipped, as in symusic;
- SMPTE time, and a header of more than 6 bytes: read, though symusic rejects both and pretty_midi the first;
- fewer tracks than the header says: rejected, as by pretty_midi;
- data bytes above 127, which both reject: read as 127 and counted, as mido does with `clip=True`.

Like both, this drops notes without an end and notes of no length. `from_pretty_midi` and `to_pretty_midi` are for users
who have, or want, an object of pretty_midi.
"""

import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gpt2kit import files
from gpt2kit.music import clip
from gpt2kit.music.notes import Notes, concatenated
from gpt2kit.music.pedal import SUSTAIN, sustained
from gpt2kit.music.smf import Chunks, MidiError, read_chunks

if TYPE_CHECKING:
    from pretty_midi import PrettyMIDI

PIANOS = range(8)
"""The General MIDI programs that are pianos, from the acoustic grand to the clavinet."""
LARGEST_FILE = 64 * 2**20
"""Bytes, enough for more than a hundred hours of piano music."""
LONGEST_HOURS = 24
"""No piece is longer; one damaged time can make it last for years, and each second of them is an event."""

DEFAULT_BEAT = 500_000
"""Microseconds per beat without a tempo: 120 beats a minute."""

Ticks = NDArray[np.int32]
Seconds = NDArray[np.float64]


class Performance(NamedTuple):
    """The contents of a MIDI file."""

    notes: Notes
    """The notes of all pianos, whose lengths include the pedal."""
    dropped: dict[str, int]
    """The number of notes left out, by reason."""
    clipped: int
    """Number of data bytes above 127, which were read as 127."""


def read_midi(path: Path | str) -> Performance:
    """The piano notes of a MIDI file. Raises MidiError, which names the file, if it cannot be read."""
    try:
        return parse_midi(read_bytes(Path(path)))
    except MidiError as error:
        raise MidiError(error.kind, error.detail, str(path)) from None


def read_bytes(path: Path) -> bytes:
    """The bytes of a file; MidiError says why it cannot be read."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise MidiError("a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file")
        check_size(status.st_size)
        return path.read_bytes()
    except OSError as error:
        raise MidiError("cannot be read", error.strerror or str(error)) from None


def check_size(size: int) -> None:
    if size > LARGEST_FILE:
        raise MidiError("too large for a MIDI file", f"{size:,} bytes, of {LARGEST_FILE:,} at most")


def parse_midi(content: bytes) -> Performance:
    """The piano notes in the bytes of a MIDI file. Raises MidiError, whatever the bytes are."""
    chunks = read_chunks(content)
    score, clipped = _score(chunks)
    clock = _Clock(score, chunks.ticks_a_beat, chunks.ticks_a_second)
    dropped: dict[str, int] = {}
    pianos, struck = [], 0
    for track in score.tracks:
        if track.is_drum or track.program not in PIANOS:
            reason = "drums" if track.is_drum else "another instrument"
            dropped[reason] = dropped.get(reason, 0) + len(track.notes)
        else:
            pianos.append(_of_track(track, clock))
            struck += len(track.notes)
    notes = _heard(pianos)
    counts = dropped | {"no length": struck - len(notes)}
    return Performance(notes, {reason: count for reason, count in counts.items() if count}, clipped)


def from_pretty_midi(midi: "PrettyMIDI") -> Notes:
    """The piano notes of a pretty_midi object, whose lengths include the pedal; other notes and notes of no length are
    left out.

    For a file that pretty_midi has read, these are the notes of `read_midi`, except where it reads differently.

    Raises MidiError for a piece of more than 24 hours, ValueError for values that no MIDI file can hold.
    """
    return _heard([_of_instrument(each) for each in midi.instruments if not each.is_drum and each.program in PIANOS])


def to_pretty_midi(notes: Notes) -> "PrettyMIDI":
    """The notes as one piano of pretty_midi, for instance to synthesise; times are rounded to whole milliseconds.

    Reading the result gives the same notes, first in first out, at the rounded times; of two struck simultaneously in
    one pitch the softer one becomes the first. A piece of more than two and a half hours is rounded to 10 ms, for
    pretty_midi reads no more than ten million ticks.

    Raises MidiError for a piece of more than 24 hours.
    """
    from pretty_midi import Instrument, Note, PrettyMIDI

    _check_duration(notes.duration)
    ticks_a_second = 1000 if notes.duration < 2.5 * 3600 else 100
    ordered = notes.first_in_first_out()
    start = np.rint(ordered.start * ticks_a_second)
    end = np.maximum(np.rint(ordered.end * ticks_a_second), start + 1)
    piano = Instrument(program=0, name="Piano")
    columns = (ordered.velocity, ordered.pitch, start / ticks_a_second, end / ticks_a_second)
    piano.notes = [Note(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]
    midi = PrettyMIDI(resolution=ticks_a_second // 2, initial_tempo=120.0)
    midi.instruments.append(piano)
    return midi


def write_midi(path: Path, notes: Notes) -> None:
    """Write the notes to a MIDI file; raises MachineError if that fails, and then nothing has changed."""
    midi = to_pretty_midi(notes)
    with files.atomic(path) as temporary:
        midi.write(str(temporary))


def _score(chunks: Chunks) -> tuple[Any, int]:
    """The tracks as symusic reads them, in ticks, and the number of bytes that were clipped for it."""
    try:
        return _parsed(chunks), 0
    except MidiError:
        tracks = [clip.clipped(track) for track in chunks.tracks]
        count = sum(found for _, found in tracks)
        if not count:
            raise
        return _parsed(replace(chunks, tracks=[track for track, _ in tracks])), count


def _parsed(chunks: Chunks) -> Any:
    from symusic import Score

    try:
        return Score.from_midi(chunks.bytes(chunks.ticks_a_beat or 480))
    except Exception as error:  # it raises any C++ exception
        reason = str(error).strip().split("\n")[0].removeprefix("MiniMidi: ").removesuffix(": iostream error")
        raise MidiError("damaged", reason) from None


def _check_duration(seconds: float) -> None:
    if not seconds <= LONGEST_HOURS * 3600:
        hours = f"{seconds / 3600:,.0f} hours: a time in it is damaged, or it is not a piece of music"
        raise MidiError(f"longer than {LONGEST_HOURS} hours", hours)


class _Clock:
    """Converts ticks to seconds."""

    def __init__(self, score: Any, ticks_a_beat: int, ticks_a_second: float) -> None:
        if ticks_a_second:
            tempo_ticks, scales = np.zeros(1, np.int64), np.array([1 / ticks_a_second])
        else:
            tempo_ticks, scales = _tempos(score, ticks_a_beat)
        # Counted from the last change and not from 0, as pretty_midi does: equal to the last bit.
        self.ticks, self.scales = tempo_ticks, scales
        self.begins = np.concatenate(([0.0], np.cumsum(scales[:-1] * np.diff(tempo_ticks))))

    def seconds(self, ticks: Ticks) -> Seconds:
        if ticks.min(initial=0) < 0:
            raise MidiError("damaged", "its times are too large to count")
        tempo = np.searchsorted(self.ticks, ticks, "right") - 1
        return self.begins[tempo] + self.scales[tempo] * (ticks - self.ticks[tempo])


def _tempos(score: Any, ticks_a_beat: int) -> tuple[NDArray[np.int64], Seconds]:
    """When each tempo begins and its seconds per tick; the first begins at 0, and each differs from the previous
    one."""
    tempos = score.tempos.numpy()
    if (tempos["mspq"] <= 0).any() or (tempos["time"] < 0).any():
        raise MidiError("damaged", "a tempo is 0 or negative, or is set before the beginning")
    order = np.argsort(tempos["time"], kind="stable")
    ticks = np.concatenate(([0], tempos["time"][order].astype(np.int64)))
    beats = np.concatenate(([DEFAULT_BEAT], tempos["mspq"][order].astype(np.int64)))
    in_force = np.append(np.diff(ticks) > 0, True)  # the last of several at one tick
    ticks, beats = ticks[in_force], beats[in_force]
    changes = np.diff(beats, prepend=0) != 0
    return ticks[changes], 60.0 / (6e7 / beats[changes] * ticks_a_beat)


class _Piano(NamedTuple):
    """One instrument: notes (N,) that have a length, and M movements of its pedal, in order."""

    pitch: NDArray[np.uint8]
    velocity: NDArray[np.uint8]
    start: Seconds
    end: Seconds
    moved: Seconds
    value: NDArray[np.uint8]
    """The pedal's value after each movement."""

    def last(self) -> float:
        """The time of the last thing that happens."""
        return float(max(self.end.max(initial=0.0), self.moved.max(initial=0.0)))

    def notes(self, last: float) -> Notes:
        """Its audible notes; a pedal that never lifts is held until `last`."""
        end = sustained(self.pitch, self.start, self.end, self.moved, self.value, last)
        heard = end > self.start
        return Notes(self.pitch[heard], self.velocity[heard], self.start[heard], end[heard])


def _of_track(track: Any, clock: _Clock) -> _Piano:
    """An instrument that symusic separates by track, channel and program."""
    notes, controls = track.notes.numpy(), track.controls.numpy()
    kept = notes["duration"] > 0
    times = notes["time"][kept].astype(np.int64)
    start, end = clock.seconds(times), clock.seconds(times + notes["duration"][kept])
    pedal = controls["number"] == SUSTAIN
    moved = clock.seconds(controls["time"][pedal])
    return _Piano(notes["pitch"][kept], notes["velocity"][kept], start, end, moved, controls["value"][pedal])


def _of_instrument(instrument: Any) -> _Piano:
    """An instrument of pretty_midi."""
    notes = sorted((note for note in instrument.notes if note.end > note.start), key=lambda note: note.start)
    pedal = [control for control in instrument.control_changes if control.number == SUSTAIN]
    pedal.sort(key=lambda control: control.time)
    # The integers stay as large as they are, so that `Notes` rejects those that are not bytes.
    columns: list[NDArray[Any]] = [
        *(np.array([getattr(note, name) for note in notes], np.int64) for name in ("pitch", "velocity")),
        *(np.array([getattr(note, name) for note in notes], np.float64) for name in ("start", "end")),
        np.array([control.time for control in pedal], np.float64),
        np.array([control.value for control in pedal], np.int64),
    ]
    return _Piano(*columns)


def _heard(pianos: Sequence[_Piano]) -> Notes:
    """The notes of all, with the pedal of each included in its own notes."""
    last = max((piano.last() for piano in pianos), default=0.0)
    _check_duration(last)
    return concatenated([piano.notes(last) for piano in pianos])
