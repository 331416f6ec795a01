"""What the tests of music share: random performances, and MIDI files made event by event."""

import io
from collections.abc import Callable, Iterable

import mido
import numpy as np
import pytest

from gpt2kit.music.notes import Notes

Track = Iterable[mido.Message | mido.MetaMessage]


@pytest.fixture
def random_notes() -> Callable[..., Notes]:
    """`random_notes(seed, count=60, seconds=20.0, pitches=(21, 109))`: overlaps and repeated strikes are common."""

    def make(seed: int, count: int = 60, seconds: float = 20.0, pitches: tuple[int, int] = (21, 109)) -> Notes:
        generator = np.random.default_rng(seed)
        start = generator.uniform(0, seconds, count)
        length = generator.choice([0.0004, 0.004, 0.05, 0.4, 2.5], count) * generator.uniform(0.5, 1.5, count)
        pitch, velocity = generator.integers(*pitches, count), generator.integers(1, 128, count)
        return Notes.of(pitch, velocity, start, start + length)

    return make


@pytest.fixture
def midi_file() -> Callable[..., bytes]:
    """`midi_file(track, ..., division=480, type=1)`: the bytes of a file; times are ticks since the message before."""

    def make(*tracks: Track, division: int = 480, type: int = 1) -> bytes:
        file = mido.MidiFile(ticks_per_beat=division, type=type)
        file.tracks.extend(mido.MidiTrack(track) for track in tracks)
        written = io.BytesIO()
        file.save(file=written)
        return written.getvalue()

    return make


@pytest.fixture
def plainly_heard() -> Callable[..., list[float]]:
    """`plainly_heard(notes, moves, last)`: when notes (pitch, start, end) end whose pedal `moves` (when, value)."""

    def hear(notes: list[tuple[int, float, float]], moves: list[tuple[float, int]], last: float) -> list[float]:
        """`apply_sustain_control_changes` of note-seq; movements at one instant keep their order."""
        ends = [end for _, _, end in notes]
        happenings: list[tuple[float, int, int]] = [(when, 0, value) for when, value in moves]
        happenings += [(start, 1, index) for index, (_, start, _) in enumerate(notes)]
        happenings += [(end, 2, index) for index, (_, _, end) in enumerate(notes)]
        is_down, active = False, list[int]()
        for time, kind, what in sorted(happenings, key=lambda happening: happening[:2]):
            if kind == 0:
                is_down = what >= 64
                if not is_down:
                    for index in [index for index in active if ends[index] < time]:
                        ends[index] = time
                        active.remove(index)
            elif kind == 1:
                if is_down:
                    for index in [index for index in active if notes[index][0] == notes[what][0]]:
                        ends[index] = time
                        active.remove(index)
                active.append(what)
            elif not is_down and what in active:
                active.remove(what)
        for index in active:
            ends[index] = last
        return ends

    return hear
