"""Keystrokes in messages."""

from collections.abc import Callable

import mido

from gpt2kit.music.editing.keystrokes import keystrokes
from gpt2kit.music.midi_file.score import read_score

MidiFile = Callable[..., bytes]


def on(pitch: int, wait: int = 0, channel: int = 0, velocity: int = 64) -> mido.Message:
    return mido.Message("note_on", note=pitch, velocity=velocity, time=wait, channel=channel)


def off(pitch: int, wait: int = 0, channel: int = 0) -> mido.Message:
    return mido.Message("note_off", note=pitch, velocity=33, time=wait, channel=channel)


def control(number: int, value: int, wait: int = 0, channel: int = 0) -> mido.Message:
    return mido.Message("control_change", control=number, value=value, time=wait, channel=channel)


def found(content: bytes) -> list[tuple[int, int, int, int, int | None, bytes]]:
    strokes = keystrokes(read_score(content))
    return [(each.track, each.channel, each.pitch, each.on, each.off, each.release) for each in strokes]


def test_keys_of_two_tracks_and_channels_are_let_go_first_in_first_out(midi_file: MidiFile) -> None:
    content = midi_file(
        [on(60), on(60, 10), on(60, 0, 1), off(60, 10), off(60, 10, 1), on(60, 0, 0, 0)], [on(60, 5), off(60, 40)]
    )
    assert found(content) == [
        (0, 0, 60, 0, 20, b"\x80\x3c\x21"),
        (1, 0, 60, 5, 45, b"\x80\x3c\x21"),
        (0, 0, 60, 10, 30, b"\x90\x3c\0"),
        (0, 1, 60, 10, 30, b"\x81\x3c\x21"),
    ]


def test_controllers_and_nothing_end_keys_too(midi_file: MidiFile) -> None:
    content = midi_file([on(60), on(62, 0, 1), control(123, 0, 50), off(60, 10), on(64), on(65), control(120, 0, 20)])
    assert found(content) == [
        (0, 0, 60, 0, 50, b"\x80\x3c\x40"),
        (0, 1, 62, 0, 80, b"\x81\x3e\x40"),
        (0, 0, 64, 60, 80, b"\x80\x40\x40"),
        (0, 0, 65, 60, 80, b"\x80\x41\x40"),
    ]
    last = {stroke.pitch: stroke.last for stroke in keystrokes(read_score(content))}
    assert last == {60: 50, 62: 0, 64: 80, 65: 80}, "what nothing releases moves once"


def test_percussion_and_a_release_in_another_track(midi_file: MidiFile) -> None:
    content = midi_file([on(36, 0, 9), off(36, 10, 9), on(60)], [off(60, 30)])
    assert found(content) == [(0, 9, 36, 0, 10, b"\x89\x24\x21"), (0, 0, 60, 10, 30, b"\x80\x3c\x21")]


def test_a_program_is_that_of_the_channel(midi_file: MidiFile) -> None:
    """Set in another track, at the tick of the note."""
    setup = [mido.Message("program_change", program=program, time=wait) for program, wait in ((40, 0), (4, 10))]
    first, second, drum = keystrokes(read_score(midi_file([on(60), on(62, 10), on(36, 5, 9)], setup)))
    assert (first.program, second.program) == (40, 4)
    assert [stroke.heard(range(8)) for stroke in (first, second, drum)] == [False, True, False]


def test_whether_a_key_is_down_at_a_tick(midi_file: MidiFile) -> None:
    (stroke,) = keystrokes(read_score(midi_file([on(60, 10), off(60, 10)])))
    assert [tick for tick in range(30) if stroke.down_at(tick)] == list(range(11, 21))
