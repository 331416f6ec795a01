"""The chunks of standard MIDI files: checks that they are complete, and extracts those that an event parser needs.

The format: "Standard MIDI Files 1.0" (RP-001) of the MIDI Association; RMID, the same within RIFF: RP-029.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from gpt2kit.errors import DataError

HEADER = 14
"""Bytes of a header chunk: "MThd", the length of the rest, then format, tracks and division, two bytes each."""
FRAME_RATES = {24: 24.0, 25: 25.0, 29: 30000 / 1001, 30: 30.0}
"""SMPTE frames a second, by their number in a file."""


class MidiError(DataError):
    """A file that is not MIDI, is damaged or cannot be used here. The message is one line with the reason."""

    def __init__(self, kind: str, detail: str = "", file: str = "") -> None:
        super().__init__(": ".join(filter(None, (file, kind, detail))))
        self.kind, self.detail = kind, detail
        """The error in words that are the same for all such files, and the details of this file."""


@contextmanager
def naming(path: Path | str) -> Iterator[None]:
    """Name the file in a MidiError from the block."""
    try:
        yield
    except MidiError as error:
        raise MidiError(error.kind, error.detail, str(path)) from None


@dataclass(frozen=True)
class Header:
    """The header of a file."""

    track_count: int
    ticks_a_beat: int
    """0 if ticks are parts of a second."""
    ticks_a_second: float
    """0 if ticks are parts of a beat."""
    division: bytes
    """The unit of time as it is in the file, two bytes."""
    stop: int
    """The position after it."""


@dataclass(frozen=True)
class Chunks:
    """The contents of a file."""

    header: Header
    tracks: list[bytes]
    """Their events, without "MTrk" and length."""


def read_chunks(content: bytes) -> Chunks:
    """The chunks of a file; one of an unknown kind is skipped, as is everything after the last track.

    Raises MidiError for a file that is truncated, of format 2 or without a unit of time.
    """
    content = without_riff(content)
    header = read_header(content)
    return Chunks(header, _tracks(content, header.stop, header.track_count))


def read_header(content: bytes) -> Header:
    """Raises MidiError for a file of format 2 or without a unit of time."""
    if len(content) < HEADER or content[:4] != b"MThd":
        found = "it is empty" if not content else f"it begins with {content[:4]!r} and has {len(content)} bytes"
        raise MidiError("not a MIDI file", found)
    length, format, count, division = (
        int.from_bytes(content[start:stop], "big") for start, stop in ((4, 8), (8, 10), (10, 12), (12, 14))
    )
    if length < 6:
        raise MidiError("damaged header", f"its length is {length} bytes; expected 6")
    if format == 2:
        raise MidiError("MIDI type 2", "each track is a separate piece; accepted are types 0 and 1")
    if format > 2:
        raise MidiError("unknown MIDI type", f"type {format}; accepted are types 0 and 1")
    return Header(count, *_time_unit(division), content[12:14], 8 + length)


def _tracks(content: bytes, place: int, count: int) -> list[bytes]:
    tracks: list[bytes] = []
    while len(tracks) < count:
        kind, size = content[place : place + 4], int.from_bytes(content[place + 4 : place + 8], "big")
        if len(content) < place + 8:
            raise MidiError("cut short", f"it has {len(tracks)} of {count} tracks")
        missing = place + 8 + size - len(content)
        if missing > 0 or not kind.isalnum():
            state = (
                f"lacks {missing:,} of its {size:,} bytes" if kind == b"MTrk" else f"begins with {kind!r}, not b'MTrk'"
            )
            raise MidiError("damaged or cut short", f"track {len(tracks) + 1} of {count} {state}")
        if kind == b"MTrk":
            tracks.append(content[place + 8 : place + 8 + size])
        place += 8 + size
    return tracks


def _time_unit(division: int) -> tuple[int, float]:
    """(ticks per beat, 0) or (0, ticks per second)."""
    if division < 0x8000:
        if division == 0:
            raise MidiError("a beat has 0 ticks", "so nothing in it takes time")
        return division, 0.0
    frames, ticks = 256 - (division >> 8), division & 0xFF
    if frames not in FRAME_RATES or not ticks:
        raise MidiError("unknown unit of time", f"{frames} frames per second, {ticks} ticks per frame")
    return 0, FRAME_RATES[frames] * ticks


def without_riff(content: bytes) -> bytes:
    """The MIDI file in an RMID file; any other file unchanged."""
    if content[:4] != b"RIFF" or content[8:12] != b"RMID":
        return content
    place = 12
    while len(content) >= place + 8:
        size = int.from_bytes(content[place + 4 : place + 8], "little")
        if content[place : place + 4] == b"data":
            return content[place + 8 : place + 8 + size]
        place += 8 + size + size % 2
    raise MidiError("damaged or cut short", "an RMID file without a MIDI file inside")
