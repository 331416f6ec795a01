"""The ids that announce given notes, and when they are due."""

import pytest

from gpt2kit.music.stream import announcements, events
from gpt2kit.music.stream.announcements import AHEAD, SIZE, of_gap, of_tune


def test_every_id_has_a_name_of_its_own() -> None:
    names = [announcements.name(id) for id in range(SIZE)]
    assert len(set(names)) == SIZE == 479
    assert names[: events.VOCABULARY] == [events.name(id) for id in range(events.VOCABULARY)]
    assert names[391] == "AHEAD_21"
    assert names[-1] == "AHEAD_108"
    assert [announcements.spoken(id) for id in (60, 391)] == ["C4 on", "A0 ahead"]
    with pytest.raises(ValueError, match="479"):
        announcements.name(SIZE)


def test_the_ids_of_an_earlier_version_are_given_by_their_numbers() -> None:
    assert [announcements.spoken(id) for id in (SIZE - 1, SIZE, 542)] == ["C8 ahead", "id 479", "id 542"]


def test_pitches_outside_of_the_piano_are_announced_an_octave_inside() -> None:
    found = [announcements.ahead(pitch) - AHEAD + 21 for pitch in range(128)]
    assert found[21:109] == list(range(21, 109))
    assert all((got - pitch) % 12 == 0 for pitch, got in enumerate(found))
    assert (found[20], found[9], found[109], found[127]) == (32, 21, 97, 103)


def test_each_note_of_a_tune_is_announced_one_second_ahead() -> None:
    assert of_tune([0, 199, 200, 450], [60, 62, 64, 65]) == [
        (-100, [AHEAD + 39]),
        (99, [AHEAD + 41]),
        (100, [AHEAD + 43]),
        (350, [AHEAD + 44]),
    ]


def test_a_gap_announces_what_is_struck_within_a_second_after_it() -> None:
    steps, pitches = [480, 499, 500, 500, 599, 600, 900], list(range(60, 67))
    assert of_gap(500, steps, pitches) == [(400, [AHEAD + 41]), (400, [AHEAD + 42]), (499, [AHEAD + 43])]
    assert of_gap(901, steps, pitches) == []
