"""Notes as the bytes of a MIDI file: all come back, in their order, and other readers find them, too."""

import io
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import symusic
from mido import MidiFile
from pretty_midi import PrettyMIDI

from gpt2kit.music.midi import parse_midi, to_pretty_midi
from gpt2kit.music.midi_file.writer import LONG, midi_bytes
from gpt2kit.music.notes import Notes

RandomNotes = Callable[..., Notes]


def in_ticks(notes: Notes, ticks_a_second: int = 1000) -> list[tuple[int, int, int, int]]:
    """The notes in order, at the nearest ticks: (start, pitch, velocity, end)."""
    start = np.rint(notes.start * ticks_a_second).astype(int)
    end = np.maximum(np.rint(notes.end * ticks_a_second).astype(int), start + 1)
    return list(zip(*(column.tolist() for column in (start, notes.pitch, notes.velocity, end)), strict=True))


def test_notes_that_differ_only_in_velocity_keep_their_order() -> None:
    for velocities in ([90, 30, 60], [30, 60, 90]):
        notes = Notes.of([60] * 3, velocities, [1.0] * 3, [2.0] * 3)
        assert parse_midi(midi_bytes(notes)).notes == notes
        apart = Notes.of([60] * 3, velocities, [1.0] * 3, [2.0, 2.5, 3.0])
        assert parse_midi(midi_bytes(apart)).notes == apart, "the first to end has its own velocity"


@pytest.mark.parametrize("seed", range(20))
def test_any_notes_come_back(random_notes: RandomNotes, seed: int) -> None:
    """With many of one key, of the same time and of one start and end."""
    for pitches in ((21, 109), (60, 62)):
        notes = random_notes(seed, pitches=pitches)
        coarse = Notes(notes.pitch, notes.velocity, np.floor(notes.start * 4) / 4, np.ceil(notes.end * 4) / 4 + 0.25)
        for each in (notes.first_in_first_out(), coarse.first_in_first_out()):
            found = in_ticks(parse_midi(midi_bytes(each)).notes)
            # Times that round to one tick may change the order of pitches.
            assert sorted(found, key=lambda row: row[:2]) == sorted(in_ticks(each), key=lambda row: row[:2])


def test_other_programs_read_the_same(random_notes: RandomNotes) -> None:
    """Of keys that are struck one at a time: pretty_midi ends all notes of a key by one note-off."""
    start = np.arange(200) * 0.1237
    notes = Notes.of(np.arange(200) % 60 + 30, np.arange(200) % 127 + 1, start, start + 0.9)
    content = midi_bytes(notes)
    expected = in_ticks(notes)
    (instrument,) = PrettyMIDI(io.BytesIO(content)).instruments
    assert (instrument.program, instrument.is_drum, instrument.name) == (0, False, "Piano")
    read = [(note.start * 1000, note.pitch, note.velocity, note.end * 1000) for note in instrument.notes]
    assert sorted(read) == [pytest.approx(row) for row in expected]
    score: Any = symusic.Score.from_midi(content)
    theirs = score.tracks[0].notes.numpy()
    columns = (theirs["time"], theirs["pitch"], theirs["velocity"], theirs["time"] + theirs["duration"])
    assert sorted(zip(*(column.tolist() for column in columns), strict=True)) == expected
    timing, piano = MidiFile(file=io.BytesIO(content)).tracks
    assert [message.type for message in timing] == ["set_tempo", "time_signature", "end_of_track"]
    assert [message.type for message in piano[:2]] == ["track_name", "program_change"]


def test_a_long_piece_has_ticks_that_pretty_midi_can_read() -> None:
    notes = Notes.of([60], [64], [LONG], [LONG + 1.234])
    content = midi_bytes(notes)
    assert in_ticks(parse_midi(content).notes, 100) == in_ticks(notes, 100)
    assert PrettyMIDI(io.BytesIO(content)).instruments[0].notes[0].end == pytest.approx(LONG + 1.23)


def test_no_notes_are_a_file_too() -> None:
    assert not len(parse_midi(midi_bytes(Notes.none())).notes)


def test_times_are_those_of_pretty_midi(random_notes: RandomNotes) -> None:
    notes = random_notes(1)
    written = io.BytesIO()
    to_pretty_midi(notes).write(written)
    theirs = parse_midi(written.getvalue()).notes
    ours = parse_midi(midi_bytes(notes)).notes
    assert (theirs.start.tolist(), theirs.end.tolist()) == (ours.start.tolist(), ours.end.tolist())
