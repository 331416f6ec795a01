"""Windows with announcements, against what the notes themselves say."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from gpt2kit.music import encoding, events, skyline
from gpt2kit.music.announcements import AHEAD, FOLLOWING, LEAD, UNTIL, Gap, Tune, ahead, until
from gpt2kit.music.arrangement import (
    announced,
    arranged,
    clock_before,
    gap_place,
    is_shift,
    random_gaps,
    tune_of,
    tune_places,
)
from gpt2kit.music.notes import Notes

RandomNotes = Callable[..., Notes]
SEEDS = range(6)


@pytest.fixture
def piece(random_notes: RandomNotes) -> Callable[[int], events.Ids]:
    def made(seed: int) -> events.Ids:
        return np.array([events.BEGIN, *encoding.encode(random_notes(seed, count=300)), events.END], np.int32)

    return made


Pieces = Callable[[int], events.Ids]


def walked(ids: events.Ids, given: Gap | Tune, first: int) -> list[int]:
    """What a program writes that goes through the events one by one, as in generation."""
    now, written = 0, ids[:first].tolist()
    for id in written:
        now += id - 255 if 256 <= id < 356 else 0
    written += given.due(now)
    for id in ids[first:].tolist():
        written.append(id)
        if 256 <= id < 356:
            now += id - 255
            written += given.due(now)
    return written


@pytest.mark.parametrize("seed", SEEDS)
def test_the_events_themselves_stay(seed: int, piece: Pieces) -> None:
    ring = np.concatenate([piece(seed), piece(seed + 100)])
    found = set()
    for noise in map(np.random.default_rng, range(8)):
        window = arranged(ring, noise)
        assert window[window < events.VOCABULARY].tolist() == ring.tolist()
        found.add((bool((window >= UNTIL).any()), bool(((window >= AHEAD) & (window < UNTIL)).any())))
        marks = np.flatnonzero(window == events.BEGIN)
        assert window[0] == events.BEGIN
        assert (window[marks[1:] - 1] == events.END).all(), "nothing is announced between pieces"
    assert found == {(True, True), (False, True)}, "gaps, and tunes"


@pytest.mark.parametrize("seed", SEEDS)
def test_gaps_announce_the_notes_struck_after_them(seed: int, piece: Pieces) -> None:
    ids = piece(seed)
    notes = encoding.decode(ids)
    start = events.quantised(notes.start)
    gaps = random_gaps(ids, np.random.default_rng(seed))
    assert gaps
    for before, after in pairwise(gaps):
        assert before.end < after.start, "something is given between two gaps"
    for number, gap in enumerate(gaps):
        limit = gaps[number + 1].start if number + 1 < len(gaps) else float("inf")
        after = notes.pitch[(start >= gap.end) & (start < limit)].tolist()
        assert gap.pitches == after[: len(gap.pitches)]
        assert len(gap.pitches) >= min(FOLLOWING, len(after)) or number + 1 == len(gaps)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_window_with_a_gap_is_what_generation_writes(seed: int, piece: Pieces) -> None:
    ids = piece(seed)
    for gap in random_gaps(ids, np.random.default_rng(seed)):
        place = gap_place(ids, gap.start)
        clock = clock_before(ids)
        assert clock[place] < gap.start or place == 0 or clock[place - 1] == clock[place]
        assert not is_shift(ids)[place - 1 : place].any()
        window = announced(ids, [Gap(gap.start, gap.end, gap.pitches)])
        assert window.tolist() == walked(ids, Gap(gap.start, gap.end, gap.pitches), place)
        block = [until(gap.end - int(clock[place])), *map(ahead, gap.pitches[:FOLLOWING])]
        assert window[place : place + len(block)].tolist() == block


@pytest.mark.parametrize("seed", SEEDS)
def test_a_tune_is_announced_two_seconds_before_it_sounds(seed: int, piece: Pieces) -> None:
    ids = piece(seed)
    clock = clock_before(ids)
    places = tune_places(ids)
    assert len(places)
    assert (ids[places] < events.NOTE_OFF).all()
    window = announced(ids, [tune_of(ids)])
    assert window.tolist() == walked(ids, tune_of(ids), 1)
    said = np.flatnonzero(window >= AHEAD)
    assert window[said].tolist() == [ahead(int(pitch)) for pitch in ids[places]]
    times = np.cumsum(np.where(is_shift(window), window - 255, 0))[said]
    boundaries = np.unique(clock)
    for time, onset in zip(times.tolist(), clock[places].tolist(), strict=True):
        assert time == boundaries[np.searchsorted(boundaries, max(0, onset - LEAD))], "as soon as the clock allows"


def test_the_tune_is_the_skyline(piece: Pieces) -> None:
    ids = piece(3)
    notes = encoding.decode(ids)
    chosen = skyline.tune(notes)
    found = tune_places(ids)
    assert ids[found].tolist() == notes.pitch[chosen].tolist()
    assert clock_before(ids)[found].tolist() == events.quantised(notes.start[chosen]).tolist()


def test_windows_that_have_nothing_to_announce() -> None:
    for window in ([], [events.BEGIN], [300], [events.BEGIN, events.END], [400, 60, 128 + 60], [60]):
        ids = np.array(window, np.int32)
        for noise in map(np.random.default_rng, range(4)):
            kept = arranged(ids, noise)
            assert kept[kept < events.VOCABULARY].tolist() == [id for id in window if id < events.VOCABULARY]
