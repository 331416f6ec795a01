"""The vocabulary of performance events: 388 ids, as in Performance RNN and Music Transformer.

NOTE_ON      0 to 127    pitch = id
NOTE_OFF   128 to 255    pitch = id - 128
TIME_SHIFT 256 to 355    id - 255 steps of 10 ms: 10 ms to 1 s
VELOCITY   356 to 387    id - 355 is the bin: for the notes that follow, until the next
BEGIN, END, PAD          388, 389, 390: before, after and outside a piece
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gpt2kit.music.notes import pitch_name

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


def spoken(id: int) -> str:
    """The same in musicians' terms: C4 on, C4 off, 120 ms, velocity 78 (the middle of its bin), BEGIN, END or PAD."""
    if id >= BEGIN or id < 0:
        return name(id)
    if id >= VELOCITY:
        return f"velocity {bin_velocity(id - VELOCITY + 1)}"
    if id >= TIME_SHIFT:
        return f"{(id - TIME_SHIFT + 1) * 1000 // STEPS_A_SECOND} ms"
    return f"{pitch_name(id & 127)} {'off' if id >= NOTE_OFF else 'on'}"


def velocity_bin(velocity: ArrayLike) -> NDArray[np.int64]:
    """The bin, 1 to 32, of velocities 1 to 127: four velocities share one."""
    return (np.asarray(velocity, np.int64) - 1) // 4 + 1


def bin_velocity(bins: ArrayLike) -> NDArray[np.int64]:
    """A velocity in the middle of each bin: never 0, at most 126, and in the same bin."""
    return 4 * np.asarray(bins, np.int64) - 2


def quantised(seconds: ArrayLike) -> Steps:
    """Steps of 10 ms, halves rounded up."""
    return np.floor(np.asarray(seconds, np.float64) * STEPS_A_SECOND + 0.5).astype(np.int64)
