"""The vocabulary of performance events."""

import numpy as np
import pytest

from gpt2kit.music.stream import events
from gpt2kit.music.stream.events import BEGIN, END, PAD, VOCABULARY


def test_every_event_has_a_name_of_its_own() -> None:
    names = [events.name(id) for id in range(VOCABULARY)]
    assert len(set(names)) == VOCABULARY == 391
    assert (names[BEGIN], names[END], names[PAD]) == ("BEGIN", "END", "PAD")
    assert (names[0], names[255], names[256], names[387]) == (
        "NOTE_ON_0",
        "NOTE_OFF_127",
        "TIME_SHIFT_1",
        "VELOCITY_32",
    )
    with pytest.raises(ValueError, match="391"):
        events.name(VOCABULARY)


def test_velocities_share_bins_of_four_and_come_back_into_the_same() -> None:
    bins = events.velocity_bin(np.arange(1, 128))
    assert bins.tolist() == [(velocity - 1) // 4 + 1 for velocity in range(1, 128)]
    assert events.velocity_bin(events.bin_velocity(np.arange(1, 33))).tolist() == list(range(1, 33))
    assert events.bin_velocity([1, 32]).tolist() == [2, 126]
