"""The ids that announce given notes, and when they are due."""

import pytest

from gpt2kit.music import announcements, events
from gpt2kit.music.announcements import AHEAD, FOLLOWING, SIZE, UNTIL, Gap, Tune


def test_every_id_has_a_name_of_its_own() -> None:
    names = [announcements.name(id) for id in range(SIZE)]
    assert len(set(names)) == SIZE == 543
    assert names[: events.VOCABULARY] == [events.name(id) for id in range(events.VOCABULARY)]
    assert names[391] == "AHEAD_21"
    assert names[478:480] == ["AHEAD_108", "UNTIL_0"]
    assert names[-1] == "UNTIL_63"
    assert [announcements.spoken(id) for id in (60, 391, UNTIL + 6)] == ["C4 on", "A0 ahead", "until 1.50 s"]
    with pytest.raises(ValueError, match="543"):
        announcements.name(SIZE)


def test_pitches_outside_of_the_piano_are_announced_an_octave_inside() -> None:
    found = [announcements.ahead(pitch) - AHEAD + 21 for pitch in range(128)]
    assert found[21:109] == list(range(21, 109))
    assert all((got - pitch) % 12 == 0 for pitch, got in enumerate(found))
    assert (found[20], found[9], found[109], found[127]) == (32, 21, 97, 103)


def test_a_time_is_announced_to_the_nearest_quarter_of_a_second() -> None:
    found = [announcements.until(steps) - UNTIL for steps in (-3, 0, 12, 13, 25, 500, 1575, 99999)]
    assert found == [0, 0, 0, 1, 1, 20, 63, 63]


def test_a_gap_announces_what_follows_when_it_begins_and_sixteen_and_eight_seconds_before_its_end() -> None:
    pitches = [60 + n % 12 for n in range(FOLLOWING + 5)]
    following = [AHEAD + pitch - 21 for pitch in pitches[:FOLLOWING]]
    gap = Gap(1000, 2900, pitches)
    found = {now: due for now in range(980, 3000, 10) if (due := gap.due(now))}
    assert found == {
        980: [UNTIL + 63, *following],
        1300: [UNTIL + 63, *following],
        2100: [UNTIL + 32, *following],
    }
    assert Gap(1000, 1250, pitches).due(1250) == [], "it is over"


@pytest.mark.parametrize(
    ("length", "moments"), [(500, [0]), (800, [0]), (801, [0, 1]), (1600, [0, 800]), (1601, [0, 1, 801])]
)
def test_a_short_gap_is_announced_at_its_beginning(length: int, moments: list[int]) -> None:
    gap = Gap(0, length, [60])
    assert [now for now in range(1700) if gap.due(now)] == moments


def test_a_gap_whose_time_jumps_announces_once() -> None:
    gap = Gap(0, 3300, [60])
    assert gap.due(0) == [UNTIL + 63, AHEAD + 39]
    assert gap.due(99) == []
    assert gap.due(1800) == [UNTIL + 60, AHEAD + 39], "of several that are due, the newest"
    assert gap.due(2499) == []
    assert gap.due(2500) == [UNTIL + 32, AHEAD + 39]


def test_a_tune_announces_each_note_once_two_seconds_ahead() -> None:
    tune = Tune([0, 199, 200, 450], [60, 62, 64, 65])
    assert [tune.due(now) for now in (0, 0, 100, 250, 900)] == [
        [AHEAD + 39, AHEAD + 41, AHEAD + 43],
        [],
        [],
        [AHEAD + 44],
        [],
    ]
