"""Ticks and seconds."""

import random

import numpy as np
import pytest

from gpt2kit.music.midi_file.clock import Clock


@pytest.mark.parametrize("seed", range(10))
def test_ticks_come_back_from_their_seconds(seed: int) -> None:
    generator = random.Random(seed)
    tempos = [(960 * number, generator.randrange(150_000, 900_000)) for number in range(40)]
    clock = Clock(tempos, generator.choice([24, 96, 480, 32767]), 0.0)
    ticks = np.arange(0, 40_000, 7)
    seconds = clock.seconds(ticks)
    assert (np.diff(seconds) > 0).all()
    assert clock.nearest(seconds).tolist() == ticks.tolist()
    assert [clock.first(second) for second in seconds[::50].tolist()] == ticks[::50].tolist()
    assert [clock.first(second + 1e-6) for second in seconds[::50].tolist()] == (ticks[::50] + 1).tolist()


def test_ticks_that_are_parts_of_a_second() -> None:
    clock = Clock([(0, 1)], 0, 1000.0)
    assert clock.seconds([0, 1500]).tolist() == [0.0, 1.5]
    assert clock.nearest([0.0, 0.0004, 0.0006]).tolist() == [0, 0, 1]
    assert (clock.first(0.0), clock.first(0.0001)) == (0, 1)
