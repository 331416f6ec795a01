"""The sustain pedal, compared with note-seq's rule, event by event."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gpt2kit.music.midi_file.pedal import Pedal, sustained

Note = tuple[int, float, float]
"""pitch, start, end"""
Move = tuple[float, int]
"""when, value of controller 64"""


def heard(notes: list[Note], moves: list[Move], last: float = 100.0) -> list[float]:
    columns: list[Any] = [list(column) for column in zip(*notes, strict=True)]
    pitch, start, end = (np.array(column, type) for column, type in zip(columns, (np.uint8, float, float), strict=True))
    pedal = Pedal(np.array([when for when, _ in moves], float), np.array([value for _, value in moves], np.uint8))
    return sustained(pitch, start, end, pedal, last).tolist()


def test_a_note_let_go_under_the_pedal_sounds_until_it_lifts() -> None:
    assert heard([(60, 0, 1), (62, 2, 6)], [(0.5, 127), (5.0, 0)]) == [5.0, 6.0]


def test_without_a_pedal_notes_are_as_long_as_they_were() -> None:
    assert heard([(60, 0, 1)], []) == [1.0]
    assert heard([(60, 0, 1)], [(0.0, 63), (5.0, 0)]) == [1.0]


def test_the_pedal_is_down_from_64_and_moving_it_further_changes_nothing() -> None:
    assert heard([(60, 0, 1)], [(0.0, 64), (2.0, 100), (3.0, 64), (4.0, 63), (5.0, 0)]) == [4.0]


def test_a_pitch_struck_again_ends_what_the_pedal_held() -> None:
    assert heard([(60, 0, 1), (62, 0, 1), (60, 3, 4)], [(0.0, 127), (9.0, 0)]) == [3.0, 9.0, 9.0]


def test_a_pedal_that_comes_after_the_key_was_let_go_holds_nothing() -> None:
    assert heard([(60, 0, 1)], [(1.5, 127), (9.0, 0)]) == [1.0]


def test_a_pedal_pressed_or_lifted_as_the_key_is_let_go_counts_first() -> None:
    assert heard([(60, 0, 1)], [(1.0, 127), (9.0, 0)]) == [9.0]
    assert heard([(60, 0, 1)], [(0.0, 127), (1.0, 0)]) == [1.0]


def test_a_pedal_that_never_lifts_holds_to_the_last() -> None:
    assert heard([(60, 0, 1)], [(0.0, 127)], last=7.0) == [7.0]


def test_of_two_struck_at_once_under_the_pedal_one_is_heard() -> None:
    assert heard([(60, 1, 2), (60, 1, 3)], [(0.0, 127), (9.0, 0)]) == [1.0, 9.0]


@pytest.mark.parametrize("seed", range(300))
def test_against_note_seq(plainly_heard: Callable[..., list[float]], seed: int) -> None:
    """On a coarse grid, so that much happens at one instant."""
    generator = np.random.default_rng(seed)
    count = int(generator.integers(1, 30))
    starts = np.sort(generator.integers(0, 40, count)) / 2
    lengths = generator.integers(1, 10, count) / 2
    notes = [
        (int(pitch), float(start), float(start + length))
        for pitch, start, length in zip(generator.integers(60, 63, count), starts, lengths, strict=True)
    ]
    times = np.sort(generator.integers(0, 40, generator.integers(0, 12))) / 2
    moves = [(float(time), int(value)) for time, value in zip(times, generator.integers(0, 128, 12), strict=False)]
    last = max([end for _, _, end in notes] + [time for time, _ in moves])
    assert heard(notes, moves, last) == plainly_heard(notes, moves, last)
