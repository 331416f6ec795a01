"""What a model wrote, as a piano plays it."""

import numpy as np

from gpt2kit.music import encoding, events, keyboard
from gpt2kit.music.notes import Notes


def test_what_a_model_wrote_is_played_on_one_piano() -> None:
    """A key that is struck again was let go; without overlaps of one pitch it is what decoding gives."""
    on, off, wait = events.NOTE_ON + 60, events.NOTE_OFF + 60, events.TIME_SHIFT + 99
    twice = keyboard.played([on, wait, on, wait, off, wait, off])
    assert twice == Notes.of([60, 60], [62, 62], [0.0, 1.0], [1.0, 2.0])
    forgotten = keyboard.played([on, *[wait] * 30, on, wait])
    assert forgotten == Notes.of([60, 60], [62, 62], [0.0, 30.0], [5.0, 31.0])
    held = keyboard.played([on, *[wait] * 30, off])
    assert held == Notes.of([60], [62], [0.0], [30.0]), "what is let go was held"
    scale = Notes.of(range(40, 80), [62] * 40, np.arange(40) * 0.1, np.arange(40) * 0.1 + 0.35)
    assert keyboard.played(encoding.encode(scale)) == encoding.decode(encoding.encode(scale))


def test_any_stream_is_played() -> None:
    generator = np.random.default_rng(0)
    for _ in range(300):
        notes = keyboard.played(generator.integers(-3, 400, generator.integers(0, 200)))
        for pitch in set(notes.pitch.tolist()):
            chosen = notes.pitch == pitch
            assert (notes.start[chosen][1:] >= notes.end[chosen][:-1]).all(), "one key at a time"
