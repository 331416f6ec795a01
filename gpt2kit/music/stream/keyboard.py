"""A stream that a model wrote, as a piano plays it: each key is either down or up."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from gpt2kit.music.notes import Notes
from gpt2kit.music.stream.encoding import note_events
from gpt2kit.music.stream.events import (
    DEFAULT_BIN,
    END,
    LONGEST_HANGING,
    NOTE_OFF,
    STEPS_A_SECOND,
    bin_velocity,
    quantised,
)


class Continuation(NamedTuple):
    """What a model played after a prompt, on the prompt's clock."""

    new: Notes
    """The notes that it struck."""
    releases: dict[int, float]
    """When it let go the keys that the prompt left down: seconds by pitch."""


class _Keystroke(NamedTuple):
    number: int
    """Which NOTE_ON or NOTE_OFF of the stream struck it."""
    pitch: int
    bin: int
    start: int
    stop: int


def played(ids: ArrayLike) -> Notes:
    """The notes of a stream that a model wrote, as a piano plays them; accepts any integers, like `decode`.

    A model forgets which keys are down. So a key that is struck again is released first, and a note without a release
    before that sounds for 5 s at most. For a performer's notes this differs from `decode` only where notes of one pitch
    overlap.
    """
    return _notes([stroke for stroke in _keystrokes(ids) if stroke.stop > stroke.start])


def continued(prompt: Sequence[int], ids: Sequence[int], until: float) -> Continuation:
    """What a model played with `ids` after a prompt.

    A note that the prompt left open is let go 5 s after the time `until` at the latest, when the continuation begins.
    """
    given = note_events(np.asarray(prompt, np.int64))
    strokes = list(_keystrokes([*prompt, *ids], int(quantised(until))))
    new = [stroke for stroke in strokes if stroke.number >= len(given.ids) and stroke.stop > stroke.start]
    down = {id & 127: id < NOTE_OFF for id in given.ids.tolist()}
    # A pitch's last keystroke is the later one in the list.
    last = {stroke.pitch: stroke.stop for stroke in strokes if stroke.number < len(given.ids)}
    return Continuation(_notes(new), {pitch: last[pitch] / STEPS_A_SECOND for pitch in down if down[pitch]})


def _keystrokes(ids: ArrayLike, since: int = 0) -> Iterator[_Keystroke]:
    """In order of the releases; the longest time that a key without one is down is counted from the step `since`."""
    stream = np.asarray(ids, np.int64).reshape(-1)
    ends = np.flatnonzero(stream == END)
    events = note_events(stream[: ends[0]] if len(ends) else stream)
    down: dict[int, tuple[int, int, int]] = {}

    def let_go(pitch: int, step: int) -> _Keystroke:
        number, velocity_bin, start = down.pop(pitch)
        return _Keystroke(number, pitch, velocity_bin or DEFAULT_BIN, start, step)

    def latest(pitch: int, step: int) -> int:
        return min(step, max(down[pitch][2], since) + LONGEST_HANGING)

    columns = (events.ids.tolist(), events.steps.tolist(), events.bins.tolist())
    for number, (id, step, in_force) in enumerate(zip(*columns, strict=True)):
        pitch = id & 127
        if id >= NOTE_OFF:
            if pitch in down:
                yield let_go(pitch, step)
            continue
        if pitch in down:
            yield let_go(pitch, latest(pitch, step))
        down[pitch] = (number, in_force, step)
    for pitch in list(down):
        yield let_go(pitch, latest(pitch, events.total))


def _notes(strokes: Sequence[_Keystroke]) -> Notes:
    columns = [(stroke.pitch, stroke.bin, stroke.start, stroke.stop) for stroke in strokes]
    pitches, bins, starts, stops = np.array(columns, np.int64).reshape(-1, 4).T
    return Notes.of(pitches, bin_velocity(bins), starts / STEPS_A_SECOND, stops / STEPS_A_SECOND)
