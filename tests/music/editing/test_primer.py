"""Where a primer ends, and what the model hears of it."""

from collections.abc import Callable
from pathlib import Path

import mido
import pytest

from gpt2kit.music.editing.primer import Primer, primer_of, read_primer
from gpt2kit.music.midi import write_midi
from gpt2kit.music.midi_file.smf import MidiError
from gpt2kit.music.notes import Notes, Opening

MidiFile = Callable[..., bytes]


def on(pitch: int, wait: int = 0, channel: int = 0) -> mido.Message:
    return mido.Message("note_on", note=pitch, velocity=64, time=wait, channel=channel)


def off(pitch: int, wait: int = 0, channel: int = 0) -> mido.Message:
    return mido.Message("note_off", note=pitch, time=wait, channel=channel)


def pedal(value: int, wait: int = 0) -> mido.Message:
    return mido.Message("control_change", control=64, value=value, time=wait)


def primer(content: bytes, seconds: float | None = None) -> Primer:
    return primer_of(content, seconds)


def test_a_cut_keeps_the_notes_struck_before_it_with_their_ends(midi_file: MidiFile) -> None:
    """960 ticks are a second."""
    content = midi_file([on(60), on(62, 480), on(64, 480), off(60, 480), off(62), off(64)])
    opening = primer(content, 1.0).opening
    assert isinstance(opening, Opening)
    assert (opening.until, opening.pitch.tolist(), opening.end.tolist()) == (1.0, [60, 62], [1.5, 1.5])


@pytest.mark.parametrize(("asked", "until"), [(0.5, 0.5), (0.504, 0.5), (0.505, 0.51), (0.001, 0.0), (9.0, 1.51)])
def test_a_cut_is_a_multiple_of_10_ms_within_the_piece(midi_file: MidiFile, asked: float, until: float) -> None:
    content = midi_file([on(60), off(60, 1440)])
    assert primer(content, asked).opening.until == until


@pytest.mark.parametrize(
    ("track", "until", "sounds"),
    [
        pytest.param([on(60), off(60, 1440)], 1.51, False, id="ended by the last key"),
        pytest.param([on(60), off(60, 1445)], 1.51, False, id="in the middle of 10 ms"),
        pytest.param([pedal(127), on(60), off(60, 480), pedal(0, 9600)], 0.51, True, id="held by the pedal"),
        pytest.param([pedal(127), on(60), off(60, 480), pedal(0, 2)], 0.51, False, id="the pedal lifts with the key"),
        pytest.param([on(62), off(62, 480), on(60)], 0.51, False, id="a key that nothing ends"),
        pytest.param([on(60), off(60, 480), pedal(0, 9600)], 0.51, False, id="an event after the last note"),
    ],
)
def test_all_of_a_piece_ends_with_its_last_key(
    midi_file: MidiFile, track: list[mido.Message], until: float, sounds: bool
) -> None:
    opening = primer(midi_file(track)).opening
    assert opening.until == until
    assert (opening.end > until).tolist() == [sounds]


def test_other_instruments_count_for_the_end(midi_file: MidiFile) -> None:
    content = midi_file([on(60), off(60, 480)], [on(36, 960, 9), off(36, 10, 9)])
    assert primer(content).opening.until == 1.02


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.mid"
    write_midi(path, Notes.of([60], [64], [0.0], [1.0]))
    assert read_primer(path, 0.5).opening.until == 0.5
    path.write_bytes(b"MThd")
    with pytest.raises(MidiError) as caught:
        read_primer(path)
    assert str(caught.value) == f"{path}: not a MIDI file: it begins with b'MThd' and has 4 bytes"
