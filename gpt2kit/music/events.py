"""Performance events: notes as a stream of 388 ids and back, as in Performance RNN and Music Transformer.

    NOTE_ON      0 to 127    pitch = id
    NOTE_OFF   128 to 255    pitch = id - 128
    TIME_SHIFT 256 to 355    id - 255 steps of 10 ms: 10 ms to 1 s
    VELOCITY   356 to 387    id - 355 is the bin: for the notes that follow, until the next
    BEGIN, END, PAD          388, 389, 390: before, after and outside a piece

The encoding of a performance is unique, so `encode(decode(ids))` returns what `encode` produced: at one step all
NOTE_OFFs come before all NOTE_ONs, each in order of pitch; VELOCITY comes only before a NOTE_ON and only where the bin
changes; a gap is as many whole seconds as fit and then the rest. note-seq differs in one point: it keeps events of one
step in the order of the unrounded times, which decoding cannot know.

Absolute times are rounded, never differences: an onset is at most 5 ms off, after ten minutes as at the beginning.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gpt2kit.music.notes import Notes, ends_first_in_first_out

NOTE_ON, NOTE_OFF, TIME_SHIFT, VELOCITY = 0, 128, 256, 356
BEGIN, END, PAD = 388, 389, 390
VOCABULARY = 391

STEPS_A_SECOND = 100
LONGEST_SHIFT = 100
VELOCITY_BINS = 32
DEFAULT_BIN = 16
"""The velocity of notes that no VELOCITY precedes: mezzo forte."""
LONGEST_HANGING = 5 * STEPS_A_SECOND
"""A note without a NOTE_OFF sounds for at most 5 s, as in Performance RNN's user interface."""

Ids = NDArray[np.int32]
Steps = NDArray[np.int64]


def name(id: int) -> str:
    """NOTE_ON_60, NOTE_OFF_60, TIME_SHIFT_12 (steps of 10 ms), VELOCITY_20 (a bin), BEGIN, END or PAD."""
    if not 0 <= id < VOCABULARY:
        raise ValueError(f"an event is a number from 0 to {VOCABULARY - 1}, not {id}")
    if id >= BEGIN:
        return ("BEGIN", "END", "PAD")[id - BEGIN]
    if id >= VELOCITY:
        return f"VELOCITY_{id - VELOCITY + 1}"
    if id >= TIME_SHIFT:
        return f"TIME_SHIFT_{id - TIME_SHIFT + 1}"
    return f"NOTE_OFF_{id - NOTE_OFF}" if id >= NOTE_OFF else f"NOTE_ON_{id}"


PITCHES = ("C", "C♯", "D", "E♭", "E", "F", "F♯", "G", "G♯", "A", "B♭", "B")


def spoken(id: int) -> str:
    """The same in musicians' terms: C4 on, C4 off, 120 ms, velocity 78 (the middle of its bin), BEGIN, END or PAD."""
    if id >= BEGIN or id < 0:
        return name(id)
    if id >= VELOCITY:
        return f"velocity {bin_velocity(id - VELOCITY + 1)}"
    if id >= TIME_SHIFT:
        return f"{(id - TIME_SHIFT + 1) * 1000 // STEPS_A_SECOND} ms"
    return f"{PITCHES[(id & 127) % 12]}{(id & 127) // 12 - 1} {'off' if id >= NOTE_OFF else 'on'}"


def velocity_bin(velocity: ArrayLike) -> NDArray[np.int64]:
    """The bin, 1 to 32, of velocities 1 to 127: four velocities share one."""
    return (np.asarray(velocity, np.int64) - 1) // 4 + 1


def bin_velocity(bins: ArrayLike) -> NDArray[np.int64]:
    """A velocity in the middle of each bin: never 0, at most 126, and in the same bin."""
    return 4 * np.asarray(bins, np.int64) - 2


def quantised(seconds: ArrayLike) -> Steps:
    """Steps of 10 ms, halves rounded up."""
    return np.floor(np.asarray(seconds, np.float64) * STEPS_A_SECOND + 0.5).astype(np.int64)


def encode(notes: Notes) -> Ids:
    """The events of a performance, without BEGIN and END. A note that rounds to no length is made one step long."""
    start = quantised(notes.start)
    end = np.maximum(quantised(ends_first_in_first_out(notes.pitch, notes.end)), start + 1)
    pitch = notes.pitch.astype(np.int64)
    # Offs first: with both halves nearly sorted, sorting has little to do.
    steps = np.concatenate((end, start))
    keys = np.concatenate((pitch + NOTE_OFF, pitch + NOTE_ON))
    bins = np.concatenate((np.zeros_like(pitch), velocity_bin(notes.velocity)))
    return _stream(steps, keys, bins)


def decode(ids: ArrayLike) -> Notes:
    """The notes that a stream plays; any integers are accepted, and invalid ones are skipped.

    The stream ends at the first END; BEGIN, PAD and numbers that are not events are ignored. A NOTE_OFF ends the
    pitch's earliest sounding note, if any. A note without a NOTE_OFF sounds until the stream's end, for 5 s at most.
    Notes of no length are dropped.
    """
    stream = np.asarray(ids, np.int64).reshape(-1)
    ends = np.flatnonzero(stream == END)
    events = _events(stream[: ends[0]] if len(ends) else stream)
    struck = np.flatnonzero(events.ids < NOTE_OFF)
    start = events.steps[struck]
    end = np.minimum(events.total, start + LONGEST_HANGING)
    ons, offs = matched(events.ids)
    end[np.searchsorted(struck, ons)] = events.steps[offs]
    heard = end > start
    bins = events.bins[struck][heard]
    return Notes.of(
        events.ids[struck][heard],
        bin_velocity(np.where(bins == 0, DEFAULT_BIN, bins)),
        start[heard] / STEPS_A_SECOND,
        end[heard] / STEPS_A_SECOND,
    )


def played(ids: ArrayLike) -> Notes:
    """The notes of a stream that a model wrote, as a piano plays them; accepts any integers, like `decode`.

    A model forgets which keys are down. So a key that is struck again is released first, and a note without a release
    before that sounds for 5 s at most. For a performer's notes this differs from `decode` only where notes of one pitch
    overlap.
    """
    stream = np.asarray(ids, np.int64).reshape(-1)
    ends = np.flatnonzero(stream == END)
    events = _events(stream[: ends[0]] if len(ends) else stream)
    down: dict[int, tuple[int, int]] = {}
    notes: list[tuple[int, int, int, int]] = []

    def let_go(pitch: int, step: int) -> None:
        velocity_bin, start = down.pop(pitch)
        if step > start:
            notes.append((pitch, velocity_bin or DEFAULT_BIN, start, step))

    for id, step, in_force in zip(events.ids.tolist(), events.steps.tolist(), events.bins.tolist(), strict=True):
        pitch = id & 127
        if id >= NOTE_OFF:
            if pitch in down:
                let_go(pitch, step)
            continue
        if pitch in down:
            let_go(pitch, min(step, down[pitch][1] + LONGEST_HANGING))
        down[pitch] = (in_force, step)
    for pitch in list(down):
        let_go(pitch, min(events.total, down[pitch][1] + LONGEST_HANGING))
    pitches, bins, starts, stops = np.array(notes, np.int64).reshape(-1, 4).T
    return Notes.of(pitches, bin_velocity(bins), starts / STEPS_A_SECOND, stops / STEPS_A_SECOND)


def seconds(ids: ArrayLike) -> float:
    """The duration of a stream: the sum of its shifts."""
    stream = np.asarray(ids, np.int64)
    shifts = stream[(stream >= TIME_SHIFT) & (stream < VELOCITY)]
    return float((shifts - TIME_SHIFT + 1).sum()) / STEPS_A_SECOND


def times(ids: ArrayLike) -> NDArray[np.float64]:
    """The time of each event, in seconds: the sum of the shifts before it."""
    stream = np.asarray(ids, np.int64)
    shifts = np.where((stream >= TIME_SHIFT) & (stream < VELOCITY), stream - TIME_SHIFT + 1, 0)
    return (shifts.cumsum() - shifts) / STEPS_A_SECOND


def sounding_velocity(ids: ArrayLike, position: int) -> int | None:
    """The VELOCITY in force before `position`, for a crop that begins there; None if its piece has none before."""
    stream = np.asarray(ids)
    width = 256  # velocity changes every few notes: found quickly, however long the stream
    while position > 0:
        before = stream[max(0, position - width) : position]
        found = np.flatnonzero(before >= VELOCITY)
        if len(found):
            last = int(before[found[-1]])
            return last if last < BEGIN else None
        position -= width
    return None


def crop(ids: ArrayLike, start: int, length: int) -> Ids:
    """At most `length` events from `start` on, the first of which is the VELOCITY in force there.

    It is left out if no velocity is in force or the crop begins with its own VELOCITY or BEGIN. NOTE_OFFs of notes
    struck before the crop stay: decoding skips them.
    """
    stream = np.asarray(ids, np.int32)
    velocity = sounding_velocity(stream, start)
    if velocity is None or (start < len(stream) and stream[start] >= VELOCITY):
        return stream[start : start + length]
    return np.concatenate((np.array([velocity], np.int32), stream[start : start + length - 1]))


def transpose(ids: ArrayLike, semitones: int) -> Ids:
    """Every note higher by `semitones`, or the unchanged stream if one would leave 0 to 127.

    All or nothing, since a chord with one unchanged voice would be another chord.
    """
    stream = np.asarray(ids, np.int32)
    is_note = (stream >= 0) & (stream < TIME_SHIFT)
    pitches = stream[is_note] & 127
    if not len(pitches) or pitches.min() + semitones < 0 or pitches.max() + semitones > 127:
        return stream
    return np.where(is_note, stream + np.int32(semitones), stream)


def stretch(ids: ArrayLike, factor: float) -> Ids:
    """The same played slower (`factor` over 1) or faster: absolute steps are scaled and rounded again, halves up.

    The result for a piece equals the encoding of its notes at the stretched times. Crops and several pieces in a row
    are accepted too: each counts from its own beginning, and orphaned NOTE_OFFs, notes without an end, and time at the
    end stay.
    """
    stream = np.asarray(ids, np.int32)
    if factor == 1:
        return stream
    marks = np.flatnonzero((stream >= BEGIN) | (stream < 0))
    parts, begin = [], 0
    for mark in [*marks.tolist(), len(stream)]:
        if mark > begin:
            parts.append(_stretched(stream[begin:mark], factor))
        parts.append(stream[mark : mark + 1])
        begin = mark + 1
    return np.concatenate(parts)


class _Events(NamedTuple):
    """NOTE_ONs and NOTE_OFFs of a stream, in its order."""

    ids: NDArray[np.int64]
    steps: Steps
    """The step of each."""
    bins: NDArray[np.int64]
    """The velocity bin in force at each, 0 if there was none yet."""
    total: int
    """Number of steps of the whole stream."""


def _events(stream: NDArray[np.int64]) -> _Events:
    is_shift = (stream >= TIME_SHIFT) & (stream < VELOCITY)
    clock = np.cumsum(np.where(is_shift, stream - (TIME_SHIFT - 1), 0))
    velocities = np.flatnonzero((stream >= VELOCITY) & (stream < BEGIN))
    notes = np.flatnonzero((stream >= 0) & (stream < TIME_SHIFT))
    in_force = np.concatenate(([0], stream[velocities] - (VELOCITY - 1)))
    bins = in_force[np.searchsorted(velocities, notes)]
    return _Events(stream[notes], clock[notes], bins, int(clock[-1]) if len(clock) else 0)


def matched(events: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(ons, offs): positions of each NOTE_ON that has a NOTE_OFF, and of the latter; first in, first out.

    `events` (N,) are only NOTE_ONs and NOTE_OFFs. For each pitch, count +1 for an on and -1 for an off: an off that
    takes the count to a new minimum below 0 has no note; of all others the k-th ends the k-th on.
    """
    pitch = events & 127
    order = np.argsort(pitch.astype(np.uint8), kind="stable")
    pitches, is_on = pitch[order], events[order] < NOTE_OFF
    count = np.cumsum(np.where(is_on, 1, -1))
    first = np.flatnonzero(np.diff(pitches, prepend=-1))
    before = np.concatenate(([0], count))[first]
    lengths = np.diff(np.append(first, len(pitches)))
    # The count restarts at 0 with every pitch, below all earlier ones, so that one running minimum suffices.
    floor = -np.arange(len(first)) * (2 * len(pitches) + 2)
    level = count + np.repeat(floor - before, lengths)
    lowest = np.minimum(np.minimum.accumulate(level), np.repeat(floor, lengths))
    previous = np.concatenate(([0], lowest[:-1]))
    previous[first] = floor
    ends_one = ~is_on & (lowest == previous)
    # Ranks within their pitch, of the ons and of the offs that end one.
    on_rank, off_rank = _ranks(is_on, first, lengths), _ranks(ends_one, first, lengths)
    offs = np.flatnonzero(ends_one)
    ons = np.flatnonzero(is_on)
    width = len(pitches) + 1
    at = np.searchsorted(pitches[ons] * width + on_rank[ons], pitches[offs] * width + off_rank[offs])
    return order[ons[at]], order[offs]


def _ranks(chosen: NDArray[np.bool_], first: NDArray[np.intp], lengths: NDArray[np.intp]) -> NDArray[np.int64]:
    """The number of chosen items up to each place of its group; groups begin at `first`."""
    count = np.cumsum(chosen)
    return count - np.repeat(np.concatenate(([0], count))[first], lengths)


def _stretched(stream: Ids, factor: float) -> Ids:
    events = _events(stream.astype(np.int64))
    steps = np.floor(events.steps * factor + 0.5).astype(np.int64)
    ons, offs = matched(events.ids)
    steps[offs] = np.maximum(steps[offs], steps[ons] + 1)
    total = max(int(np.floor(events.total * factor + 0.5)), int(steps.max(initial=0)))
    return _stream(steps, events.ids, np.where(events.ids < NOTE_OFF, events.bins, 0), total)


def _stream(steps: Steps, notes: NDArray[np.int64], bins: NDArray[np.int64], total: int = 0) -> Ids:
    """NOTE_ONs and NOTE_OFFs (N,) at their steps as one stream, which lasts at least until step `total`.

    `bins` (N,) is the velocity bin of each NOTE_ON, 0 for none; events of one step and pitch keep their order.
    """
    # By step, then offs before ons, then by pitch: `^ 128` swaps the halves of the ids of notes.
    order = np.argsort(steps * 256 + (notes ^ 128), kind="stable")
    steps, notes, bins = steps[order], notes[order], bins[order]
    gaps = np.diff(steps, prepend=0)
    shifts = -(-gaps // LONGEST_SHIFT)
    ons = np.flatnonzero(bins)
    changes = ons[np.diff(bins[ons], prepend=0) != 0]
    sizes = shifts + 1
    sizes[changes] += 1
    places = np.cumsum(sizes) - 1  # position of the note itself; its velocity is before it, and its shifts before that
    rest = total - int(steps[-1] if len(steps) else 0)
    tail = -(-max(rest, 0) // LONGEST_SHIFT)
    stream = np.full(int(sizes.sum()) + tail, TIME_SHIFT + LONGEST_SHIFT - 1, np.int32)
    stream[places] = notes
    stream[places[changes] - 1] = VELOCITY - 1 + bins[changes]
    waits = np.flatnonzero(gaps)
    last_shift = (places - sizes + shifts)[waits]
    stream[last_shift] = TIME_SHIFT - 1 + gaps[waits] - LONGEST_SHIFT * (shifts[waits] - 1)
    if tail:
        stream[-1] = TIME_SHIFT - 1 + rest - LONGEST_SHIFT * (tail - 1)
    return stream
