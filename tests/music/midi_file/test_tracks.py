"""The events of a track; mido is the oracle."""

import io
import random
from collections.abc import Callable

import mido
import pytest

from gpt2kit.music.midi_file.smf import MidiError, read_chunks
from gpt2kit.music.midi_file.tracks import events, messages

MidiFile = Callable[..., bytes]
END = b"\0\xff\x2f\0"


def with_ticks(track: list[mido.Message | mido.MetaMessage]) -> list[tuple[int, bytes]]:
    """The messages of mido as bytes; in a file the length comes after the status of a SysEx event."""
    tick, found = 0, []
    for message in track:
        tick += message.time
        content = bytes(message.bytes())
        if message.type == "sysex":
            content = b"\xf0" + bytes([len(content) - 1]) + content[1:]
        found.append((tick, content))
    return found


def random_message(generator: random.Random) -> mido.Message | mido.MetaMessage:
    channel = generator.choice([0, 0, 0, 3, 9])
    seven = generator.randrange(128)
    kind = generator.choices(
        ["note_on", "control_change", "program_change", "aftertouch", "pitchwheel", "polytouch", "sysex", "text"],
        [20, 10, 1, 2, 1, 1, 1, 1],
    )[0]
    made: dict[str, mido.Message | mido.MetaMessage] = {
        "note_on": mido.Message("note_on", note=seven, velocity=generator.randrange(128), channel=channel),
        "control_change": mido.Message("control_change", control=seven, value=7, channel=channel),
        "program_change": mido.Message("program_change", program=seven, channel=channel),
        "aftertouch": mido.Message("aftertouch", value=seven, channel=channel),
        "pitchwheel": mido.Message("pitchwheel", pitch=seven - 64, channel=channel),
        "polytouch": mido.Message("polytouch", note=seven, value=9, channel=channel),
        "sysex": mido.Message("sysex", data=[1] * seven),
        "text": mido.MetaMessage("text", text="x" * seven),
    }
    delta = generator.choice([0, 0, 5, 127, 128, 16383, 16384, 2097151, 2097152])
    return made[kind].copy(time=delta)


@pytest.mark.parametrize("seed", range(10))
def test_messages_are_those_of_mido(midi_file: MidiFile, seed: int) -> None:
    """With running status, which mido writes, and delta times of every length."""
    generator = random.Random(seed)
    written = [random_message(generator) for _ in range(300)]
    content = midi_file(written, type=0)
    (track,) = read_chunks(content).tracks
    (expected,) = mido.MidiFile(file=io.BytesIO(content)).tracks
    assert messages(track) == with_ticks(expected)
    found = events(track)
    columns = (found.tick, found.status, found.first, found.second)
    rows = zip(*(column.tolist() for column in columns), strict=True)
    channel = [(tick, *message, 0)[:4] for tick, message in messages(track) if message[0] < 0xF0]
    assert [tuple(row) for row in rows] == channel
    assert (found.end, found.damage) == (messages(track)[-1][0], "")


def test_running_status_lasts_across_sysex_and_meta_events() -> None:
    """As mido reads it across a meta event; RP-001 says that both cancel it."""
    note = b"\x3c\x40\x60\x3c\0"
    sysex, text = b"\0\xf0\x05\x7e\x7f\x09\x01\xf7", b"\0\xff\x01\x02hi"
    found = events(b"\0\x90" + note + sysex + b"\0" + note + text + b"\0" + note + END)
    assert found.status.tolist() == [0x90] * 6
    assert found.tick.tolist() == [0, 96, 96, 192, 192, 288]
    found = events(b"\0\xd0\x40" + text + b"\0\x41\0\x42" + END)
    assert (found.status.tolist(), found.first.tolist(), found.damage) == ([0xD0] * 3, [0x40, 0x41, 0x42], "")


@pytest.mark.parametrize(
    ("track", "read", "damage"),
    [
        (b"\0\x3c\x40" + END, 0, "byte 0: running status without a status before it"),
        (b"\0\xff\x01\0\0\x3c\x40" + END, 0, "byte 4: running status without a status before it"),
        (b"\0\x90\x3c\x40\x81\x82\x83\x84\x05\x3c\0" + END, 1, "byte 4: a number of more than four bytes"),
        (b"\0\x90\x3c\x40\0\xf4" + END, 1, "byte 4: 0xf4 is not the status of an event"),
        (b"\0\x90\x3c\x40\0\x90\x3c", 1, "byte 4: the last event is cut short"),
        (b"\0\x90\x3c\x40\0\xc0", 1, "byte 4: the last event is cut short"),
        (b"\0\x90\x3c\x40\0", 1, "byte 4: the last event is cut short"),
        (b"\0\x90\x3c\x40\x81", 1, "byte 4: the last event is cut short"),
        (b"\0\x90\x3c\x40\0\xff\x51\x03\x01", 1, "byte 4: the last event is cut short"),
        (b"\0\x90\x3c\x40\0\xf0\xff\xff\xff\x7f\1", 1, "byte 4: the last event is cut short"),
        ((b"\xff\xff\xff\x7f\x90\x3c\x40" * 9) + END, 8, "its times are too large to count"),
    ],
)
def test_damage_has_a_place_and_what_is_before_it_is_read(track: bytes, read: int, damage: str) -> None:
    found = events(track)
    assert (len(found.tick), found.damage) == (read, damage)
    assert found.end == (found.tick[-1] if read else 0)
    with pytest.raises(MidiError) as caught:
        messages(track)
    assert str(caught.value) == f"damaged: {damage}"


def test_every_track_cut_short_gives_the_messages_before_the_cut(midi_file: MidiFile) -> None:
    generator = random.Random(2)
    (track,) = read_chunks(midi_file([random_message(generator) for _ in range(40)], type=0)).tracks
    whole = [message for message in messages(track) if message[1][0] < 0xF0]
    before = 0
    for size in range(len(track)):
        found = events(track[:size])
        count = len(found.tick)
        assert found.tick.tolist() == [tick for tick, _ in whole[:count]]
        assert found.status.tolist() == [message[0] for _, message in whole[:count]]
        assert before <= count <= before + 1
        before = count
    assert before == len(whole)


def test_tempos_and_the_end_of_the_track() -> None:
    track = b"\x05\xff\x51\x03\x07\xa1\x20\x0a\xff\x51\x03\x00\x00\x01\x60" + END[1:] + b"\0\x90\x3c\x40"
    found = events(track)
    assert (found.tempos, found.end, len(found.tick)) == ([(5, 500_000), (15, 1)], 111, 0)
    assert events(b"\0\x90\x3c\x40\x60\xff\x01\0").end == 96, "the last event, if no end is marked"
    assert events(b"").end == 0
    assert messages(b"") == []
