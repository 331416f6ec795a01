"""A stream that a model wrote, as a piano plays it: each key is either down or up."""

import numpy as np
from numpy.typing import ArrayLike

from gpt2kit.music.encoding import note_events
from gpt2kit.music.events import DEFAULT_BIN, END, LONGEST_HANGING, NOTE_OFF, STEPS_A_SECOND, bin_velocity
from gpt2kit.music.notes import Notes


def played(ids: ArrayLike) -> Notes:
    """The notes of a stream that a model wrote, as a piano plays them; accepts any integers, like `decode`.

    A model forgets which keys are down. So a key that is struck again is released first, and a note without a release
    before that sounds for 5 s at most. For a performer's notes this differs from `decode` only where notes of one pitch
    overlap.
    """
    stream = np.asarray(ids, np.int64).reshape(-1)
    ends = np.flatnonzero(stream == END)
    events = note_events(stream[: ends[0]] if len(ends) else stream)
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
