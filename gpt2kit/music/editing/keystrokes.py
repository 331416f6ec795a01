"""The keystrokes of a MIDI file, with the messages that strike and release them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from gpt2kit.music.midi_file.channels import DRUMS, NOTE_ON, channels
from gpt2kit.music.midi_file.released import NEVER_RELEASED, RELEASED, RELEASED_LATER
from gpt2kit.music.midi_file.score import Message, Score
from gpt2kit.music.midi_file.tracks import SYSEX, Events

NOTE_OFF = 0x80


@dataclass(frozen=True)
class Keystroke:
    """One strike of a key, and its release."""

    track: int
    place: int
    """The place of its note-on among the messages of the track."""
    channel: int
    pitch: int
    program: int
    on: int
    """The tick when it is struck."""
    off: int
    """The tick when it is released."""
    ending: int
    """What releases it, as in `released`."""
    release: bytes
    """The note-off; one is made up for a key that something else releases."""

    def heard(self, programs: Collection[int]) -> bool:
        """Whether its instrument has one of the programs and is not percussion."""
        return self.channel != DRUMS and self.program in programs

    def down_at(self, tick: int) -> bool:
        """Whether the key is down just before a tick, and not released earlier."""
        return self.on < tick <= self.off

    @property
    def last(self) -> int:
        """The tick when the key moves for the last time."""
        return self.on if self.ending == NEVER_RELEASED else self.off


def keystrokes(score: Score) -> list[Keystroke]:
    """Those of all channels in order of their ticks, released as `channels` reads them."""
    releases = {
        (message[0] & 0x0F, message[1], tick): message
        for track in score.tracks
        for tick, message in track
        if is_off(message)
    }
    found = []
    for channel in range(16):
        tracks = [_events(track, channel) for track in score.tracks]
        struck = [
            (number, place, tick, message[1])
            for number, track in enumerate(score.tracks)
            for place, (tick, message) in enumerate(track)
            if message[0] == NOTE_ON + channel and message[2]
        ]
        if not struck:
            continue
        (played,), _ = channels(tracks)
        columns = (played.program.tolist(), played.end.tolist(), played.ending.tolist())
        for (track, place, on, pitch), program, off, ending in zip(struck, *columns, strict=True):
            release = releases.get((channel, pitch, off)) if ending in (RELEASED, RELEASED_LATER) else None
            release = release or bytes([NOTE_OFF + channel, pitch, 64])
            found.append(Keystroke(track, place, channel, pitch, program, on, off, ending, release))
    return sorted(found, key=lambda stroke: stroke.on)


def is_off(message: bytes) -> bool:
    kind = message[0] & 0xF0
    return kind == NOTE_OFF or (kind == NOTE_ON and not message[2])


def _events(track: Sequence[Message], channel: int) -> Events:
    """The messages of one channel of a track, moved to the first channel so that percussion is read like others."""
    chosen = [
        (tick, message[0] & 0xF0, message[1], message[2] if len(message) > 2 else 0)
        for tick, message in track
        if message[0] < SYSEX and message[0] & 0x0F == channel
    ]
    tick, *data = np.array(chosen, np.int64).reshape(-1, 4).T
    status, first, second = (column.astype(np.uint8) for column in data)
    return Events(tick, status, first, second, 0, [], track[-1][0] if track else 0, "")
