"""Chunks of MIDI files: what is whole, what is damaged, and that the reason is one line."""

from collections.abc import Callable

import pytest

from gpt2kit.music.midi_file.smf import MidiError, naming, read_chunks

TRACK = b"\0\x90\x3c\x40\x60\x3c\0\0\xff\x2f\0"


def header(type: int = 0, tracks: int = 1, division: bytes = b"\1\xe0") -> bytes:
    return b"MThd\0\0\0\6" + bytes([0, type, 0, tracks]) + division


def chunk(kind: bytes, content: bytes) -> bytes:
    return kind + len(content).to_bytes(4, "big") + content


WHOLE = header() + chunk(b"MTrk", TRACK)


def test_a_plain_file_comes_back_as_it_was() -> None:
    chunks = read_chunks(WHOLE)
    assert (chunks.header.ticks_a_beat, chunks.header.ticks_a_second, chunks.tracks) == (480, 0.0, [TRACK])
    assert (chunks.header.division, chunks.header.track_count) == (b"\1\xe0", 1)


@pytest.mark.parametrize(
    "content",
    [
        header()[:7] + b"\x08" + header()[8:] + b"??" + chunk(b"MTrk", TRACK),
        header() + chunk(b"XFIH", b"anything") + chunk(b"MTrk", TRACK),
        WHOLE + b"and what somebody put after it",
        WHOLE + chunk(b"MTrk", TRACK),
        b"RIFF" + (len(WHOLE) + 12).to_bytes(4, "little") + b"RMIDdata" + len(WHOLE).to_bytes(4, "little") + WHOLE,
        b"RIFF\0\0\0\0RMIDLIST\3\0\0\0abc\0data" + len(WHOLE).to_bytes(4, "little") + WHOLE,
    ],
    ids=["long header", "unknown chunk", "something after", "more tracks than promised", "RMID", "RMID with a list"],
)
def test_what_surrounds_the_tracks_is_passed_over(content: bytes) -> None:
    chunks = read_chunks(content)
    assert (chunks.header.ticks_a_beat, chunks.tracks) == (480, [TRACK])


@pytest.mark.parametrize(
    ("division", "ticks_a_second"),
    [(b"\xe7\x28", 1000.0), (b"\xe8\x50", 1920.0), (b"\xe2\x64", 3000.0), (b"\xe3\x64", 3000 / 1.001)],
)
def test_smpte_time(division: bytes, ticks_a_second: float) -> None:
    chunks = read_chunks(header(division=division) + chunk(b"MTrk", TRACK))
    assert chunks.header.ticks_a_beat == 0
    assert chunks.header.ticks_a_second == pytest.approx(ticks_a_second)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "empty"),
        (b"MThd", "not a MIDI file"),
        (b"PK\3\4 a zip by another name", "begins with b'PK"),
        (header(), "0 of 1 tracks"),
        (WHOLE[:-1], r"track 1 of 1 lacks 1 of its 11 bytes"),
        (header(1, 9) + chunk(b"MTrk", TRACK), "1 of 9 tracks"),
        (header(1, 2) + chunk(b"MTrk", TRACK) + b"'\x14\xba\xc9\0\0\0\1\0", "track 2 of 2"),
        (header() + b"MTrk\x7f\xff\xff\xff" + TRACK, "lacks 2,147,483,636 of its 2,147,483,647 bytes"),
        (header(2) + chunk(b"MTrk", TRACK), "MIDI type 2"),
        (header(77) + chunk(b"MTrk", TRACK), "type 77"),
        (header(division=b"\0\0") + chunk(b"MTrk", TRACK), "0 ticks"),
        (header(division=b"\xff\1") + chunk(b"MTrk", TRACK), "1 frames per second"),
        (header(division=b"\xe7\0") + chunk(b"MTrk", TRACK), "25 frames per second, 0 ticks per frame"),
        (b"MThd\0\0\0\5" + WHOLE[8:], "5 bytes"),
        (b"RIFF\0\0\0\0RMIDLIST\3\0\0\0abc", "RMID"),
        (b"RIFF\0\0\0\0RMIDdata\xff\xff\xff\xff", "not a MIDI file"),
    ],
)
def test_damage_is_told_in_one_line(content: bytes, reason: str) -> None:
    with pytest.raises(MidiError, match=reason) as caught:
        read_chunks(content)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("missing", [1, 5, 8])
def test_what_is_wrong_is_told_apart_from_where(missing: int) -> None:
    with pytest.raises(MidiError) as caught:
        read_chunks(WHOLE[:-missing])
    error = caught.value
    assert error.kind == "damaged or cut short"
    assert error.detail == f"track 1 of 1 lacks {missing} of its 11 bytes"
    assert str(error) == f"{error.kind}: {error.detail}"


def test_a_file_is_named_once() -> None:
    """Whether or not the error already names it."""
    for file in ("", "a.mid"):
        with pytest.raises(MidiError) as caught, naming("a.mid"):
            raise MidiError("damaged", "byte 3", file)
        assert str(caught.value) == "a.mid: damaged: byte 3"
        assert (caught.value.kind, caught.value.detail) == ("damaged", "byte 3")


def test_every_file_cut_short_is_refused(midi_file: Callable[..., bytes]) -> None:
    content = midi_file([], [])
    for length in range(len(content)):
        with pytest.raises(MidiError):
            read_chunks(content[:length])
