"""Windows with announcements, against what the notes themselves say."""

from collections.abc import Callable

import numpy as np
import pytest

from gpt2kit.music.analysis import skyline
from gpt2kit.music.notes import Notes
from gpt2kit.music.stream import encoding, events
from gpt2kit.music.stream.announcements import AHEAD, LEAD, Announced, ahead
from gpt2kit.music.windows.arrangement import (
    announced,
    arranged,
    clock_before,
    is_shift,
    random_gaps,
    tune_of,
    tune_places,
)

RandomNotes = Callable[..., Notes]
SEEDS = range(6)


@pytest.fixture
def piece(random_notes: RandomNotes) -> Callable[[int], events.Ids]:
    def made(seed: int) -> events.Ids:
        return np.array([events.BEGIN, *encoding.encode(random_notes(seed, count=300)), events.END], np.int32)

    return made


Pieces = Callable[[int], events.Ids]


def walked(ids: events.Ids, announcements: list[Announced]) -> list[int]:
    """What a program writes that goes through the events one by one, as in generation."""
    now, written, left = 0, ids[:1].tolist(), list(announcements)
    for id in [None, *ids[1:].tolist()]:
        if id is not None:
            written.append(id)
            now += id - 255 if 256 <= id < 356 else 0
        if id is None or 256 <= id < 356:
            while left and left[0][0] <= now:
                written += left.pop(0)[1]
    return written


@pytest.mark.parametrize("seed", SEEDS)
def test_the_events_themselves_stay(seed: int, piece: Pieces) -> None:
    ring = np.concatenate([piece(seed), piece(seed + 100)])
    counts = set()
    for noise in map(np.random.default_rng, range(8)):
        window = arranged(ring, noise)
        assert window[window < events.VOCABULARY].tolist() == ring.tolist()
        counts.add(int((window >= AHEAD).sum()))
        marks = np.flatnonzero(window == events.BEGIN)
        assert window[0] == events.BEGIN
        assert (window[marks[1:] - 1] == events.END).all(), "nothing is announced between pieces"
    tunes = sum(len(tune_places(piece(each))) for each in (seed, seed + 100))
    assert tunes in counts, "tunes"
    assert len(counts) > 2, "random gaps"


@pytest.mark.parametrize("seed", SEEDS)
def test_gaps_announce_the_notes_struck_after_them(seed: int, piece: Pieces) -> None:
    """A second ahead: those of one second after moments that are 2.5 to 8 seconds apart."""
    ids = piece(seed)
    notes = encoding.decode(ids)
    start = events.quantised(notes.start).tolist()
    announcements = random_gaps(ids, np.random.default_rng(seed))
    noise, found, end = np.random.default_rng(seed), list[Announced](), 0
    while True:
        apart = round(float(np.exp(noise.uniform(np.log(2.5), np.log(8)))) * 100)
        if (end := end + apart) >= clock_before(ids)[-1]:
            break
        after = [(step, pitch) for step, pitch in zip(start, notes.pitch.tolist(), strict=True) if step >= end]
        found += [(step - 100, [ahead(pitch)]) for step, pitch in after if step < end + 100]
    assert announcements == found != []


@pytest.mark.parametrize("seed", SEEDS)
def test_a_window_with_a_gap_is_what_generation_writes(seed: int, piece: Pieces) -> None:
    ids = piece(seed)
    announcements = random_gaps(ids, np.random.default_rng(seed))
    window = announced(ids, announcements)
    assert window.tolist() == walked(ids, announcements)
    assert window[window >= AHEAD].tolist() == [id for _, due in announcements for id in due]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_tune_is_announced_a_second_before_it_sounds(seed: int, piece: Pieces) -> None:
    ids = piece(seed)
    clock = clock_before(ids)
    places = tune_places(ids)
    assert len(places)
    assert (ids[places] < events.NOTE_OFF).all()
    window = announced(ids, tune_of(ids))
    assert window.tolist() == walked(ids, tune_of(ids))
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
