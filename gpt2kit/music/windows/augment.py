"""Training windows from the events of many pieces, transposed and played a little slower or faster.

Transposition and time stretch are those of Performance RNN (Oore et al. 2018, section 3.3) and the Music Transformer.
"""

import numpy as np
from numpy.random import Generator

from gpt2kit.music.stream.events import VELOCITY, Ids
from gpt2kit.music.stream.transform import sounding_velocity, stretch, transpose

MARGIN = 2
"""Events read per event of a window: a faster performance has fewer events."""


def window(ring: Ids, start: int, length: int, noise: Generator, semitones: int, share: float) -> Ids:
    """`length` events from `start` in a ring of pieces, preceded by the velocity in force there.

    They are transposed by up to `semitones` up or down, and played slower or faster by `share`, by half of it or not at
    all. If that leaves too few events, their tempo is unchanged.
    """
    events = ring.take(np.arange(start, start + MARGIN * length), mode="wrap").astype(np.int32)
    events = transpose(events, int(noise.integers(-semitones, semitones + 1)))
    stretched = stretch(events, 1 + share * float(noise.integers(-2, 3)) / 2)
    events = stretched if len(stretched) >= length else events
    velocity = sounding_velocity(ring, start)
    if velocity is not None and events[0] < VELOCITY:
        events = np.concatenate((np.array([velocity], np.int32), events))
    return events[:length]
