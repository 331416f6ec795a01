"""Finds where a track that lacks bytes is damaged; what comes before the damage can be used.

A track that was cut short has lost its end. One that still has its End of Track has lost bytes in the middle, and the
events after them are read wrongly for a while without any error: with running status, nearly all bytes can be data. So
a byte is put back at each place before the first error, and the damage is where that makes the most sense. The usual
loss is a transfer as text, which turns the bytes CR LF into LF: places before an LF are tried first.
"""

from collections.abc import Iterable

import numpy as np

from gpt2kit.music.midi_file.tracks import END_OF_TRACK, META, SYSEX, Integers, Scan

MARK = bytes((META, END_OF_TRACK, 0))
MARGIN = 96
"""Bytes after the first error that are read with a byte put back; they may have another error only near their end."""
MOST_EVENTS, LONGEST_SEARCH = 1000, 20_000
"""Events, and bytes, before the first error that are searched."""


def whole_part(track: bytes) -> bytes:
    """The beginning of a track that lacks bytes, up to its damage."""
    scan = Scan(track)
    if not track.endswith(MARK):
        return track[: scan.stop]
    error = _first_error(scan)
    last = error if error < len(scan.starts) else error - 1
    searched = range(last, max(0, last - MOST_EVENTS), -1)
    best = None
    if b"\r\n" not in track:
        best = _likeliest(track, scan, error, _line_ends(track, scan, searched))
    if best is None or best[0]:
        anywhere = ((event, int(scan.starts[event]) + 1, b"\0") for event in searched)
        best = _likeliest(track, scan, error, anywhere) or best
    if best is None or (error == len(scan.starts) and best[0]):
        strange = _strange(scan, 0)
        best = (0, int(strange[0]) if len(strange) else error)
    return track[: _place(scan, best[1])]


def _place(scan: Scan, event: int) -> int:
    return int(scan.starts[event]) if event < len(scan.starts) else scan.stop


def _first_error(scan: Scan) -> int:
    """The first event that cannot be right; their number if there is none."""
    channel, first, second = scan.channel_messages()
    wrong = np.flatnonzero((first > 0x7F) | (second > 0x7F))
    return int(channel[wrong[0]]) if len(wrong) else len(scan.starts)


def _strange(scan: Scan, known: int = 1) -> Integers:
    """The events that release a key which is up, or strike one that is down; of each key from event `known` on."""
    channel, first, second = scan.channel_messages()
    status = scan.status[channel]
    notes = status < 0xA0
    on = (status[notes] >= 0x90) & (second[notes] > 0)
    key = (status[notes] & 0x0F).astype(np.int64) * 256 + first[notes]
    order = np.argsort(key, kind="stable")
    begins = np.append(True, key[order][1:] != key[order][:-1])
    was_down = np.append(False, on[order][:-1]) & ~begins
    wrong = on[order] == was_down
    if known:
        wrong &= ~begins
    return np.sort(channel[notes][order[wrong]])


Candidate = tuple[int, int, bytes]
"""An event, a place in it, and what is put there."""


def _line_ends(track: bytes, scan: Scan, events: range) -> Iterable[Candidate]:
    """The LFs in these events."""
    for event in events:
        stop = _place(scan, event + 1)
        place = track.find(b"\n", int(scan.starts[event]), stop)
        while place >= 0:
            yield event, place, b"\r"
            place = track.find(b"\n", place + 1, stop)


def _likeliest(track: bytes, scan: Scan, error: int, candidates: Iterable[Candidate]) -> tuple[int, int] | None:
    """The number of strange events and the event of the candidate that leaves the fewest of them, and no error before
    and soon after the first one; the earliest of several."""
    window = min(len(track), _place(scan, error) + MARGIN)
    best: tuple[int, int] | None = None
    for event, place, put in candidates:
        before = scan.status[max(0, event - 16) : event]
        running = before[before < SYSEX]
        if not len(running):
            continue
        begin = int(scan.starts[event])
        if window - begin > LONGEST_SEARCH:
            break
        # The event and those after it, after a message that sets the running status.
        repaired = Scan(b"\0" + running[-1:].tobytes() + b"\0\0" + track[begin:place] + put + track[place:window])
        if _first_error(repaired) < len(repaired.starts) or repaired.size - repaired.stop > MARGIN // 2:
            continue
        strange = len(_strange(repaired))
        if best is None or strange <= best[0]:
            best = strange, event
    return best
