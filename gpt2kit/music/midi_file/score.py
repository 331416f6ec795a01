"""A MIDI file message by message: reads it, and writes it so that every message stays as it is.

The writer is ours because mido 1.3.3 changes valid messages: it closes each packet of a divided SysEx message, shortens
tempos and metres of more than the usual bytes, and refuses key signatures that it does not know.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from gpt2kit.music.midi_file.clock import Clock
from gpt2kit.music.midi_file.salvage import salvaged
from gpt2kit.music.midi_file.smf import read_chunks
from gpt2kit.music.midi_file.tracks import END_OF_TRACK, META, SYSEX, TEMPO, messages

Message = tuple[int, bytes]
"""Its tick, and its bytes from the status on; those of meta and SysEx events include their length."""

TRACK_NAME, METRE, KEY, SEQUENCER = 0x03, 0x58, 0x59, 0x7F
"""Meta events, besides TEMPO and END_OF_TRACK."""


@dataclass(frozen=True)
class Score:
    """The messages of a file, in its order."""

    division: bytes
    """The unit of time as in the file's header."""
    ticks_a_beat: int
    ticks_a_second: float
    """One of the two is 0."""
    tracks: tuple[Sequence[Message], ...]

    def clock(self, before: float = float("inf")) -> Clock:
        """The tempo map; tempo changes at or after the tick `before` are left out."""
        tempos = [(tick, _contents(message)) for tick, message in self.metas(TEMPO) if tick < before]
        # Three bytes are usual; more are allowed, fewer are not a tempo.
        beats = [(tick, int.from_bytes(beat[:3], "big")) for tick, beat in tempos if len(beat) >= 3]
        return Clock(beats, self.ticks_a_beat, self.ticks_a_second)

    def metas(self, kind: int) -> Iterator[Message]:
        """The meta events of one kind in all tracks, by their ticks."""
        return (message for _, message in self.in_order() if is_meta(message[1], kind))

    def in_order(self) -> list[tuple[int, Message]]:
        """All messages with the number of their track: by ticks, and of one tick as in the file."""
        numbered = ((number, message) for number, track in enumerate(self.tracks) for message in track)
        return sorted(numbered, key=lambda each: each[1][0])

    def written(self) -> bytes:
        """The bytes of the file. A track that has no end gets one at its last message."""
        header = (6).to_bytes(4, "big") + min(1, len(self.tracks) - 1).to_bytes(2, "big")
        chunks = [_chunk(track) for track in self.tracks]
        return b"".join([b"MThd", header, len(chunks).to_bytes(2, "big"), self.division, *chunks])


def read_score(content: bytes, salvage: bool = False) -> Score:
    """The messages in the bytes of a MIDI file; `salvage`: those before its damage. Raises MidiError if they cannot be
    read."""
    chunks = salvaged(content)[0] if salvage else read_chunks(content)
    tracks = tuple(messages(track) for track in chunks.tracks)
    header = chunks.header
    return Score(header.division, header.ticks_a_beat, header.ticks_a_second, tracks)


def meta(kind: int, contents: bytes) -> bytes:
    return bytes([META, kind]) + _number(len(contents)) + contents


def is_meta(message: bytes, kind: int) -> bool:
    return message[0] == META and message[1] == kind


def _contents(message: bytes) -> bytes:
    """What a meta event contains, without its length."""
    begin = 2
    while message[begin] & 0x80:
        begin += 1
    return message[begin + 1 :]


def _chunk(track: Iterable[Message]) -> bytes:
    content, now, running = bytearray(), 0, 0
    ended = False
    for tick, message in track:
        content += _number(tick - now)
        # Both cancel running status.
        content += message[1:] if message[0] == running else message
        now, running = tick, message[0] if message[0] < SYSEX else 0
        ended = is_meta(message, END_OF_TRACK)
    if not ended:
        content += _number(0) + meta(END_OF_TRACK, b"")
    return b"MTrk" + len(content).to_bytes(4, "big") + bytes(content)


def _number(value: int) -> bytes:
    """A number as a variable-length quantity."""
    digits = [value & 0x7F]
    while value := value >> 7:
        digits.append(value & 0x7F | 0x80)
    return bytes(reversed(digits))
