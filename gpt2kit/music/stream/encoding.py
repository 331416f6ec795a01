"""Notes as a stream of performance events, and back.

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
from gpt2kit.music.stream.events import (
    BEGIN,
    DEFAULT_BIN,
    END,
    LONGEST_HANGING,
    LONGEST_SHIFT,
    NOTE_OFF,
    NOTE_ON,
    STEPS_A_SECOND,
    TIME_SHIFT,
    VELOCITY,
    Ids,
    Steps,
    bin_velocity,
    quantised,
    velocity_bin,
)
from gpt2kit.music.stream.pairing import matched


def encode(notes: Notes) -> Ids:
    """The events of a performance, without BEGIN and END. A note that rounds to no length is made one step long."""
    start, end = _steps(notes)
    return _stream_of_notes(notes, start, end, np.full(len(notes), True))


def encode_until(notes: Notes, until: float) -> Ids:
    """The events of a performance before the time `until` (seconds), for a continuation.

    A note that still sounds then has no NOTE_OFF: it stays open. The stream lasts exactly until then.
    """
    struck = notes.start < until
    notes = Notes(notes.pitch[struck], notes.velocity[struck], notes.start[struck], notes.end[struck])
    start, end = _steps(notes)
    total = int(quantised(until))
    over = (ends_first_in_first_out(notes.pitch, notes.end) <= until) & (end <= total)
    return _stream_of_notes(notes, start, end, over, total)


def without_wait(ids: Ids) -> Ids:
    """A stream without the shifts at its end."""
    is_shift = (ids >= TIME_SHIFT) & (ids < VELOCITY)
    others = np.flatnonzero(~is_shift)
    return ids[: others[-1] + 1] if len(others) else ids[:0]


def _steps(notes: Notes) -> tuple[Steps, Steps]:
    """When notes start and end; of one pitch, the first struck is the first to end."""
    start = quantised(notes.start)
    return start, np.maximum(quantised(ends_first_in_first_out(notes.pitch, notes.end)), start + 1)


def _stream_of_notes(notes: Notes, start: Steps, end: Steps, over: NDArray[np.bool_], total: int = 0) -> Ids:
    """The events of notes (N,); those that are not `over` have no NOTE_OFF."""
    pitch = notes.pitch.astype(np.int64)
    # Offs first: with both halves nearly sorted, sorting has little to do.
    steps = np.concatenate((end[over], start))
    keys = np.concatenate((pitch[over] + NOTE_OFF, pitch + NOTE_ON))
    bins = np.concatenate((np.zeros(int(over.sum()), np.int64), velocity_bin(notes.velocity)))
    return stream_of(steps, keys, bins, total)


def decode(ids: ArrayLike) -> Notes:
    """The notes that a stream plays; any integers are accepted, and invalid ones are skipped.

    The stream ends at the first END; BEGIN, PAD and numbers that are not events are ignored. A NOTE_OFF ends the
    pitch's earliest sounding note, if any. A note without a NOTE_OFF sounds until the stream's end, for 5 s at most.
    Notes of no length are dropped.
    """
    stream = np.asarray(ids, np.int64).reshape(-1)
    ends = np.flatnonzero(stream == END)
    events = note_events(stream[: ends[0]] if len(ends) else stream)
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


class NoteEvents(NamedTuple):
    """NOTE_ONs and NOTE_OFFs of a stream, in its order."""

    ids: NDArray[np.int64]
    steps: Steps
    """The step of each."""
    bins: NDArray[np.int64]
    """The velocity bin in force at each, 0 if there was none yet."""
    total: int
    """Number of steps of the whole stream."""


def note_events(stream: NDArray[np.int64]) -> NoteEvents:
    is_shift = (stream >= TIME_SHIFT) & (stream < VELOCITY)
    clock = np.cumsum(np.where(is_shift, stream - (TIME_SHIFT - 1), 0))
    velocities = np.flatnonzero((stream >= VELOCITY) & (stream < BEGIN))
    notes = np.flatnonzero((stream >= 0) & (stream < TIME_SHIFT))
    in_force = np.concatenate(([0], stream[velocities] - (VELOCITY - 1)))
    bins = in_force[np.searchsorted(velocities, notes)]
    return NoteEvents(stream[notes], clock[notes], bins, int(clock[-1]) if len(clock) else 0)


def stream_of(steps: Steps, notes: NDArray[np.int64], bins: NDArray[np.int64], total: int = 0) -> Ids:
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
