"""Files message by message: what is read is written as it was."""

import io
import random
from collections.abc import Callable

import mido
import pytest

from gpt2kit.music.midi_file.score import meta, read_score
from gpt2kit.music.midi_file.smf import MidiError

MidiFile = Callable[..., bytes]
END = b"\0\xff\x2f\0"


def file_of(*tracks: bytes, division: bytes = b"\1\xe0", type: int = 1) -> bytes:
    header = b"MThd\0\0\0\6" + bytes([0, type, 0, len(tracks)]) + division
    return header + b"".join(b"MTrk" + len(track).to_bytes(4, "big") + track for track in tracks)


VALID = {
    "a SysEx message in two packets, as in RP-001": b"\0\xf0\3\x43\1\2\x10\xf7\3\3\4\xf7",
    "an escaped song select": b"\0\xf7\2\xf3\1",
    "a key signature of an unknown mode": b"\0\xff\x59\2\0\2",
    "a sequence number without a number": b"\0\xff\0\0",
    "a tempo of four bytes": b"\0\xff\x51\4\x07\xa1\x20\0",
    "a long text after a long rest": b"\xff\xff\xff\x7f\xff\1\x81\x00" + b"a" * 128,
    "running status, one and two data bytes": b"\0\xc0\5\1\6\0\x90\x3c\x40\x60\x3c\0\0\xe0\1\2",
    "a release velocity": b"\0\x90\x3c\x40\x60\x80\x3c\x21",
}


@pytest.mark.parametrize("track", VALID.values(), ids=VALID)
def test_valid_messages_are_written_to_the_byte(track: bytes) -> None:
    content = file_of(track + END, b"\0\x91\x3c\x40" + END)
    assert read_score(content).written() == content


@pytest.mark.parametrize("division", [b"\0\x18", b"\x7f\xff", b"\xe2\x50", b"\xe7\x28"])
def test_the_unit_of_time_is_kept(division: bytes) -> None:
    content = file_of(END, division=division, type=0)
    assert read_score(content).written() == content


@pytest.mark.parametrize("seed", range(5))
def test_the_messages_are_those_that_mido_reads(midi_file: MidiFile, seed: int) -> None:
    generator = random.Random(seed)
    tracks = [
        [
            mido.Message(kind, note=pitch, channel=generator.randrange(16), time=generator.randrange(300))
            for kind, pitch in zip(generator.choices(["note_on", "note_off"], k=50), range(40, 90), strict=True)
        ]
        for _ in range(3)
    ]
    content = midi_file(*tracks)
    read, written = (mido.MidiFile(file=io.BytesIO(file)) for file in (content, read_score(content).written()))
    assert written.tracks == read.tracks
    assert (written.type, written.ticks_per_beat) == (1, 480)


def test_what_is_odd_is_written_clean() -> None:
    """Running status after a meta event, data bytes above 127, no End of Track, data after it, RMID, a long header."""
    odd = file_of(b"\0\x90\x3c\xff\0\xff\1\1a\x60\x3c\0", b"\0\x91\x3c\x40" + END + b"\0\x91\x3d\x40")
    odd = odd[:4] + b"\0\0\0\x08" + odd[8:14] + b"\0\0" + odd[14:]
    odd = b"RIFF" + (len(odd) + 12).to_bytes(4, "little") + b"RMIDdata" + len(odd).to_bytes(4, "little") + odd
    clean = file_of(b"\0\x90\x3c\x7f\0\xff\1\1a\x60\x90\x3c\0" + END, b"\0\x91\x3c\x40" + END)
    assert read_score(odd).written() == clean


def test_a_file_of_one_track_is_of_format_0() -> None:
    content = file_of(END, type=1)
    assert read_score(content).written() == file_of(END, type=0)


def test_long_meta_events_have_a_long_length() -> None:
    assert meta(1, b"a" * 200)[:4] == b"\xff\1\x81\x48"


def test_damage_is_told() -> None:
    with pytest.raises(MidiError, match="damaged"):
        read_score(file_of(b"\0\x3c\x40"))


@pytest.mark.parametrize("tempos", [[(0, 0)], [(0, 500_000), (480, 0)]])
def test_a_tempo_of_0_is_damage(midi_file: MidiFile, tempos: list[tuple[int, int]]) -> None:
    score = read_score(midi_file([mido.MetaMessage("set_tempo", tempo=tempo, time=time) for time, tempo in tempos]))
    with pytest.raises(MidiError, match="a tempo is 0"):
        score.clock()


def test_the_tempo_map_is_that_of_all_tracks(midi_file: MidiFile) -> None:
    def tempo(microseconds: int, wait: int) -> mido.MetaMessage:
        return mido.MetaMessage("set_tempo", tempo=microseconds, time=wait)

    score = read_score(midi_file([tempo(1_000_000, 480)], [tempo(250_000, 960)]))
    assert score.clock().seconds([0, 480, 960, 1440]).tolist() == [0.0, 0.5, 1.5, 1.75]
    assert score.clock(before=960).seconds([1440]).tolist() == [2.5], "the tempo of the first track goes on"
