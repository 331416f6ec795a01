"""A user's file whose gap is emptied, and the notes that come into it."""

import io
from collections.abc import Callable
from pathlib import Path

import mido
import numpy as np
import pytest
from mido import Message

from gpt2kit.music.editing.given_file import gap_of, read_gap, read_tune, tune_of
from gpt2kit.music.midi import parse_midi, write_midi
from gpt2kit.music.midi_file.smf import MidiError
from gpt2kit.music.notes import Notes

MidiFile = Callable[..., bytes]
RandomNotes = Callable[..., Notes]
NEW = Notes.of([90], [40], [1.5], [2.0])


def on(pitch: int, wait: int = 0, channel: int = 0) -> Message:
    return Message("note_on", note=pitch, velocity=71, time=wait, channel=channel)


def off(pitch: int, wait: int = 0, channel: int = 0) -> Message:
    return Message("note_off", note=pitch, velocity=33, time=wait, channel=channel)


def pedal(value: int, wait: int = 0) -> Message:
    return Message("control_change", control=64, value=value, time=wait)


def messages(content: bytes) -> list[list[tuple[int, str]]]:
    """By track: ticks and messages, as mido reads them, without the end of the track."""
    tracks = []
    for track in mido.MidiFile(file=io.BytesIO(content)).tracks:
        ticks = np.cumsum([message.time for message in track]).tolist()
        tracks.append([(tick, str(message.copy(time=0))) for tick, message in zip(ticks, track, strict=True)][:-1])
    return tracks


def test_notes_struck_in_the_gap_are_taken_out_with_their_releases(midi_file: MidiFile) -> None:
    """From 1 to 2 s, ticks 960 to 1920: pedals, texts, what is struck before, and other instruments stay."""
    track = [on(60), on(62, 960), pedal(127), off(60, 100), off(62, 2000), on(64), off(64, 10), pedal(0, 10)]
    track.insert(4, mido.MetaMessage("text", text="here", time=5))
    violin = [Message("program_change", program=40, channel=1), on(70, 1000, 1), off(70, 100, 1)]
    content = midi_file(track, violin)
    given = gap_of(content, 1.0, 2.0)
    before, after = messages(content), messages(given.with_new(NEW))
    assert after[:2] == [[each for each in before[0] if "note=62" not in each[1]], before[1]]
    assert (given.notes.until, given.notes.resume, given.notes.pitch.tolist()) == (1.0, 2.0, [60, 64])
    found = parse_midi(given.with_new(NEW)).notes
    assert (found.pitch.tolist(), found.start.tolist()) == ([60, 90, 64], [0.0, 1.5, given.notes.start[1]])
    assert found.end.tolist()[::2] == given.notes.end.tolist()


def test_a_note_off_that_ends_a_note_before_the_gap_stays(midi_file: MidiFile) -> None:
    """Without a note-off, one ends both; in the second channel, each has its own, at one tick."""
    track = [on(60), on(60, 1000), off(60, 2000), on(61, 0, 1), off(61, 9, 1)]
    assert messages(gap_of(midi_file(track), 1.0, 2.0).score.written())[0][:2] == [
        (0, str(on(60))),
        (3000, str(off(60))),
    ]
    track = [on(60), on(60, 1000), off(60, 2000), off(60)]
    kept = gap_of(midi_file(track), 1.0, 2.0)
    assert messages(kept.score.written())[0] == [(0, str(on(60))), (3000, str(off(60)))]
    assert kept.notes.end.tolist() == [3.125]


def test_a_pedal_no_longer_holds_what_is_taken_out(midi_file: MidiFile) -> None:
    """62 was held by it; 60, which was struck again in the gap, sounds until the pedal lifts."""
    content = midi_file(
        [pedal(127), on(60), off(60, 9), on(62, 1000), off(62, 9), on(60, 9), off(60, 9), pedal(0, 3000)]
    )
    given = gap_of(content, 1.0, 2.0)
    assert (given.notes.pitch.tolist(), len(given.notes)) == ([60], 1)
    assert given.notes.end.tolist() == [parse_midi(content).notes.end.max()]
    assert sum("control_change" in each for _, each in messages(given.with_new(NEW))[0]) == 2


@pytest.mark.parametrize("seed", range(8))
def test_everything_outside_of_the_gap_stays(random_notes: RandomNotes, tmp_path: Path, seed: int) -> None:
    write_midi(tmp_path / "a.mid", random_notes(seed, seconds=10.0))
    whole = parse_midi((tmp_path / "a.mid").read_bytes()).notes
    given = read_gap(tmp_path / "a.mid", 3.0, 6.004)
    kept = (whole.start < 3.0) | (whole.start >= 6.0)
    for name in ("pitch", "velocity", "start"):
        assert getattr(given.notes, name).tolist() == getattr(whole, name)[kept].tolist()
    assert parse_midi(given.with_new(Notes.none())).notes == Notes(*(getattr(given.notes, n) for n in FIELDS))


FIELDS = ("pitch", "velocity", "start", "end")


def test_a_tune_stays_as_it_is(midi_file: MidiFile, tmp_path: Path) -> None:
    content = midi_file([Message("program_change", program=4), on(72), off(72, 480), on(74), off(74, 480)])
    (tmp_path / "tune.mid").write_bytes(content)
    given = read_tune(tmp_path / "tune.mid")
    written = given.with_new(Notes.of([48], [50], [0.0], [1.0]))
    assert messages(written)[0] == messages(content)[0]
    assert messages(written)[1][1] == (0, "program_change channel=1 program=4 time=0")
    assert parse_midi(written).notes.pitch.tolist() == [48, 72, 74]


def test_new_notes_do_not_overlap_with_given_ones_of_their_key(midi_file: MidiFile) -> None:
    """Given notes are at ticks; the model knows them by steps of 10 ms, up to 5 ms earlier or later."""
    content = midi_file([on(60, 1), off(60, 1920), on(60, 958), off(60, 480)])
    for given in (gap_of(content, 2.5, 2.9), tune_of(content)):
        first, second = given.notes.start.tolist(), given.notes.end.tolist()
        new = Notes.of([60, 61], [50, 50], [round(second[0], 2), 2.5], [round(first[1], 2) + 0.01, 3.2])
        found = parse_midi(given.with_new(new)).notes
        line = found.pitch == 60
        assert (found.start[line][1:] >= found.end[line][:-1]).all()
        assert found.velocity[line].tolist() == [71, 50, 71]
        assert found.end[~line].tolist() == pytest.approx([3.2], abs=1e-3)


def test_only_the_tune_of_a_performance(midi_file: MidiFile) -> None:
    """The left hand and the chord's lower note go; texts, pedal and other instruments stay."""
    right = [on(72), on(64), off(64, 480), off(72), pedal(127), on(76), off(76, 480), pedal(0), on(74), off(74, 480)]
    left = [on(40, 100, 1), off(40, 1300, 1)]
    violin = [Message("program_change", program=40, channel=2), on(90, 200, 2), off(90, 100, 2)]
    content = midi_file(right, left, violin)
    whole, given = tune_of(content), tune_of(content, tune_only=True)
    assert whole.notes.pitch.tolist() == [64, 72, 40, 76, 74]
    assert whole.notes.pitch[whole.notes.tune].tolist() == [72, 76, 74]
    assert given.notes.pitch.tolist() == [72, 76, 74]
    assert given.notes.tune.all()
    before, after = messages(content), messages(given.with_new(NEW))
    assert after[:3] == [[each for each in before[0] if "note=64" not in each[1]], [], before[2]]
    assert messages(whole.with_new(NEW))[:3] == before


def test_notes_outside_of_the_accompanied_part_stay(midi_file: MidiFile) -> None:
    """With the times of their keys; only notes of the part are left out."""
    chords = [(on(80 + at), on(50 + at), off(80 + at, 480), off(50 + at)) for at in range(4)]
    content = midi_file([message for chord in chords for message in chord])
    given = tune_of(content, begin=0.5, end=1.5, tune_only=True)
    assert given.notes.pitch.tolist() == [50, 80, 81, 82, 53, 83]
    assert given.notes.tune.tolist() == [False, True, True, True, False, True]
    assert given.notes.start.tolist() == [0.0, 0.0, 0.5, 1.0, 1.5, 1.5]
    assert parse_midi(given.with_new(NEW)).notes.end.max() == 2.0


def test_a_single_line_is_the_tune_whole(midi_file: MidiFile) -> None:
    """However it leaps, and in legato; there is nothing to leave out."""
    line = [on(84), on(50, 480), off(84, 100), off(50, 380), on(86), off(86, 480)]
    for only in (False, True):
        given = tune_of(midi_file(line), tune_only=only)
        assert given.notes.tune.tolist() == [True, True, True]
    chord = tune_of(midi_file([on(84), on(50), off(84, 480), off(50)]))
    assert chord.notes.tune.tolist() == [False, True]


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(b"MThd")
    path = tmp_path / "a.mid"
    for read in (lambda: read_tune(path), lambda: read_gap(path, 0.0, 1.0)):
        with pytest.raises(MidiError) as caught:
            read()
        assert str(caught.value) == f"{path}: not a MIDI file: it begins with b'MThd' and has 4 bytes"
