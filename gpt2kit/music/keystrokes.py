"""The keystrokes in the messages of a MIDI file: which message struck a key, and which one let it go."""

from collections import defaultdict, deque
from collections.abc import Collection
from dataclasses import dataclass, field

from gpt2kit.music.score import Score
from gpt2kit.music.tracks import SYSEX

NOTE_OFF, NOTE_ON, CONTROL, PROGRAM = 0x80, 0x90, 0xB0, 0xC0
"""Statuses, to which the channel is added."""
SUSTAIN, SOSTENUTO, SOUND_OFF, RESET, NOTES_OFF = 64, 66, 120, 121, 123
"""Controllers."""
DOWN_FROM = 64
DRUMS = 9
"""The channel of percussion."""


@dataclass
class Keystroke:
    """One key of one channel of a track."""

    track: int
    channel: int
    pitch: int
    program: int
    on: int
    """The tick when it is struck."""
    off: int | None = None
    """The tick when it is let go; None if it never is."""
    release: bytes = b""
    """The note-off; empty if a controller ended it, or nothing."""
    places: list[int] = field(default_factory=list)
    """The places of its own messages in the track."""

    def heard(self, programs: Collection[int]) -> bool:
        """Whether it is an instrument with one of the programs, not percussion."""
        return self.channel != DRUMS and self.program in programs

    def down_at(self, tick: int) -> bool:
        """Whether the key is down just before a tick and not let go earlier."""
        return self.on < tick and (self.off is None or self.off >= tick)


def keystrokes(score: Score) -> list[Keystroke]:
    """In order of their ticks. Of one pitch in a track and channel the first struck is the first to be let go.

    The program is that of the channel, whichever track sets it; at one tick, programs and controllers count first.
    """
    numbered = [
        (tick, message[0] & 0xF0 not in (CONTROL, PROGRAM), track, place, message)
        for track, messages in enumerate(score.tracks)
        for place, (tick, message) in enumerate(messages)
        if message[0] < SYSEX
    ]
    numbered.sort(key=lambda each: each[:2])
    strokes: list[Keystroke] = []
    programs = [0] * 16
    down: dict[tuple[int, int, int], deque[Keystroke]] = defaultdict(deque)
    for tick, _, track, place, message in numbered:
        kind, channel = message[0] & 0xF0, message[0] & 0x0F
        if kind == PROGRAM:
            programs[channel] = message[1]
        elif kind == CONTROL and message[1] in (SOUND_OFF, NOTES_OFF):
            for (_, of_channel, _), held in down.items():
                while of_channel == channel and held:
                    held.popleft().off = tick
        elif kind == NOTE_ON and message[2]:
            stroke = Keystroke(track, channel, message[1], programs[channel], tick, places=[place])
            strokes.append(stroke)
            down[track, channel, message[1]].append(stroke)
        elif kind in (NOTE_ON, NOTE_OFF) and (held := down[track, channel, message[1]]):
            stroke = held.popleft()
            stroke.off, stroke.release = tick, message
            stroke.places.append(place)
    return strokes
