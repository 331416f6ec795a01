"""The events of a track: where each begins, and what it is, as arrays or as messages.

Where an event ends depends on those before it. A loop over the events in Python would take a minute for MAESTRO, so
NumPy computes how long an event would be at every byte, and the loop only adds up lengths, four events at a time.
"""

from array import array
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gpt2kit.music.midi_file.smf import MidiError

SYSEX, ESCAPE, META = 0xF0, 0xF7, 0xFF
"""The statuses of events that are not channel messages."""
TEMPO, END_OF_TRACK = 0x51, 0x2F
"""Types of meta events."""
LONGEST_NUMBER = 4
"""Bytes of a variable-length quantity."""
LATEST = 2**31 - 1
"""Ticks; later times are the result of damage."""

LONGEST_STEP = LONGEST_NUMBER + 3
"""Bytes of a delta time and a message with two data bytes."""
DOUBLINGS = 2
"""A leap is 2 ** DOUBLINGS events. The longest has 7 * 4 bytes, which fit into a byte."""
PADDING = 64
"""Bytes after a track, so that a leap from its last byte stays within the arrays."""

STEPS = bytes(3 if byte < 0x80 else 4 if byte < 0xC0 or 0xE0 <= byte < 0xF0 else 0 for byte in range(256))
"""By the byte after a delta time of one byte: the bytes of both and the data, for messages with two data bytes."""
CLIPPED = bytes(min(byte, 0x7F) for byte in range(256))

Integers = NDArray[np.int64]
Data = NDArray[np.uint8]


class Events(NamedTuple):
    """The channel messages of a track (N,), in the order of the file."""

    tick: Integers
    """Counted from the beginning of the track."""
    status: Data
    first: Data
    second: Data
    """The data bytes; the second is 0 for messages with one."""
    clipped: int
    """Number of data bytes above 127, which are read as 127; some programs write such velocities or controllers."""
    tempos: list[tuple[int, int]]
    """Ticks, and the microseconds per beat from then on."""
    end: int
    """The tick of the end of the track, or of the last event before the damage."""
    damage: str
    """Where and why the events cannot be read to the end of the track; "" if they can."""


def events(track: bytes) -> Events:
    """The channel messages of a track, up to its end or to the first event that cannot be read.

    Running status lasts across SysEx and meta events. RP-001 says that both cancel it, but some programs write such
    files, and their meaning is clear; mido and pretty_midi read on after a meta event, too.
    """
    scan = Scan(track)
    channel, first, second = scan.channel_messages()
    tick, status = scan.tick[channel], scan.status[channel]
    clipped = 0
    if first.max(initial=0) > 0x7F or second.max(initial=0) > 0x7F:
        clipped = int((first > 0x7F).sum() + (second > 0x7F).sum())
        first, second = np.minimum(first, 0x7F), np.minimum(second, 0x7F)
    end = int(scan.tick[-1]) if len(scan.tick) else 0
    return Events(tick, status, first, second, clipped, scan.tempos(), end, scan.damage)


def messages(track: bytes) -> list[tuple[int, bytes]]:
    """All events of a track up to its end, with their ticks from its beginning.

    Each message begins with its status; data bytes above 127 are read as 127. A meta event is FF, its type, length and
    data; a SysEx event is F0 or F7, its length and data. The last one is End of Track, unless the file lacks it.

    Raises MidiError for a damaged track.
    """
    scan = Scan(track)
    if scan.damage:
        raise MidiError("damaged", scan.damage)
    stops = np.append(scan.starts, scan.stop)[1:].tolist()
    found = []
    for tick, status, place, stop in zip(
        scan.tick.tolist(), scan.status.tolist(), scan.data.tolist(), stops, strict=True
    ):
        data = track[place:stop]
        found.append((tick, bytes([status]) + (data if status >= SYSEX else data.translate(CLIPPED))))
    return found


class Scan:
    """The events of a track (N,): where they begin, when they happen, and what they are."""

    def __init__(self, track: bytes) -> None:
        self.content, self.size = track + bytes(PADDING), len(track)
        self.bytes = np.frombuffer(self.content, np.uint8)
        self.high = self.bytes > 0x7F
        self.damage = ""
        self.ended = False
        """Whether it has an End of Track."""
        self.stop = 0
        """Where the last event ends."""
        self.starts = self._starts()
        """Where the delta time of each begins."""
        self.tick, self.status, self.data = self._decoded()
        """The data begin after the status: in meta events with the type, in SysEx events with the length."""

    def channel_messages(self) -> tuple[Integers, Data, Data]:
        """Which events are channel messages, and their data bytes as in the file; 0 for a second that is not there."""
        channel = np.flatnonzero(self.status < SYSEX)
        status, place = self.status[channel], self.data[channel]
        second = self.bytes[place + 1]
        second[(status >= 0xC0) & (status < 0xE0)] = 0
        return channel, self.bytes[place], second

    def tempos(self) -> list[tuple[int, int]]:
        found = []
        for index in np.flatnonzero(self.status == META).tolist():
            place = int(self.data[index])
            if self.content[place] == TEMPO and self.content[place + 1] >= 3:
                found.append((int(self.tick[index]), int.from_bytes(self.content[place + 2 : place + 5], "big")))
        return found

    def _starts(self) -> Integers:
        """Walk through the track; sets `stop`, and `damage` if the walk cannot reach the end."""
        steps = [self._steps()]
        for doubling in range(DOUBLINGS):
            steps.append(_twice(steps[-1], LONGEST_STEP << doubling))
        leap = steps[-1].tobytes()
        leaps, others = array("I"), array("I")
        place, size, append = 0, self.size, leaps.append
        data_bytes = 0  # of a message in running status; 0 before the first status
        while place < size:
            if leap[place] and (data_bytes == 2 or self._status(place) > 0x7F):
                data_bytes = 2
                while step := leap[place]:
                    append(place)
                    place += step
                continue
            stop, data_bytes = self._other(place, data_bytes)
            if self.damage:
                break
            others.append(place)
            place = stop
            if self.ended:
                break
        self.stop = place
        starts = np.frombuffer(leaps, np.uint32).astype(np.int64)
        for stride in reversed(steps[:-1]):
            starts = np.stack((starts, starts + stride[starts]), 1).ravel()
        starts = starts[steps[0][starts] > 0]  # a leap is shorter if another event, or the end, comes within it
        if place > size:
            self.damage = self._damage(int(starts[-1]), "the last event is cut short")
            self.stop = int(starts[-1])
            starts = starts[:-1]
        return np.insert(starts, np.searchsorted(starts, others), others) if others else starts

    def _steps(self) -> Data:
        """By position: the bytes of an event that begins there, with its delta time, if it is a message with two data
        bytes; otherwise 0."""
        following = self.content[1 : self.size].translate(STEPS)
        step = np.zeros(len(self.content), np.uint8)
        step[: len(following)] = np.frombuffer(following, np.uint8)
        high = self.high.view(np.uint8)
        step *= 1 - high
        ends, longer = step[:-1].copy(), high[:-1]
        for _ in range(LONGEST_NUMBER - 1):
            after = step[1:]
            step[:-1] = ends + longer * (after + (after > 0))
        return step

    def _status(self, place: int) -> int:
        """The byte after the delta time at `place`."""
        while self.content[place] > 0x7F:
            place += 1
        return self.content[place + 1]

    def _other(self, place: int, data_bytes: int) -> tuple[int, int]:
        """Read one event of any kind: returns where it ends, and how many data bytes a message in running status after
        it has."""
        _, at = self._number(place)
        status = self.content[at] if at < self.size else 0xC0  # cut short: any status gives this reason
        if status < 0x80:
            if not data_bytes:
                self.damage = self._damage(place, "running status without a status before it")
            at += data_bytes
        elif status < SYSEX:
            data_bytes = 1 if 0xC0 <= status < 0xE0 else 2
            at += 1 + data_bytes
        elif status in (SYSEX, ESCAPE, META):
            self.ended = status == META and self.content[at + 1] == END_OF_TRACK
            size, at = self._number(at + 1 + (status == META))
            at += size
        else:
            self.damage = self._damage(place, f"{status:#x} is not the status of an event")
        if at > self.size:
            self.damage = self._damage(place, "the last event is cut short")
        return at, data_bytes

    def _number(self, place: int) -> tuple[int, int]:
        """The value of a variable-length quantity, and the position after it."""
        value, begin = 0, place
        while place - begin < LONGEST_NUMBER:
            byte = self.content[place]
            value, place = value << 7 | byte & 0x7F, place + 1
            if byte < 0x80:
                return value, place
        self.damage = self._damage(begin, "a number of more than four bytes")
        return value, place

    def _damage(self, place: int, reason: str) -> str:
        """The first reason counts."""
        return self.damage or f"byte {place:,}: {reason}"

    def _decoded(self) -> tuple[Integers, Data, Integers]:
        """Ticks, statuses and positions of the data."""
        first = self.bytes[self.starts]
        value = (first & 0x7F).astype(np.int64)
        longer = np.flatnonzero(first > 0x7F)
        at = self.starts + 1
        while len(longer):
            place = at[longer]
            value[longer] = value[longer] << 7 | self.bytes[place] & 0x7F
            at[longer] += 1
            longer = longer[self.high[place]]
        status = self.bytes[at]
        explicit = status > 0x7F
        if not explicit.all():
            latest = np.maximum.accumulate(np.where(explicit & (status < SYSEX), np.arange(len(at)), 0))
            status = np.where(explicit, status, status[latest])
        tick = np.cumsum(value)
        if len(tick) and tick[-1] > LATEST:
            self.damage = self.damage or "its times are too large to count"
            kept = int(np.searchsorted(tick, LATEST, "right"))
            self.starts, tick, status = self.starts[:kept], tick[:kept], status[:kept]
            at, explicit = at[:kept], explicit[:kept]
        return tick, status, at + explicit


def _twice(step: Data, longest: int) -> Data:
    """By position (N,): the bytes of two steps, where each has at most `longest`; 0 if there is none."""
    both = step.copy()
    padded = np.append(step, np.zeros(longest, np.uint8))
    for size in range(3, longest + 1):
        both += (step == size).view(np.uint8) * padded[size : size + len(step)]
    return both
