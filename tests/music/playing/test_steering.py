"""Density and loudness on request, on a model that is a table of chances."""

import numpy as np
import pytest

from gpt2kit.music.notes import Notes
from gpt2kit.music.playing.grammar import EventGrammar
from gpt2kit.music.playing.steering import BOUND, Reached, Steering, Wish, reached
from gpt2kit.music.stream.encoding import encode
from gpt2kit.music.stream.events import BEGIN, DEFAULT_BIN, NOTE_OFF, TIME_SHIFT, VELOCITY, VOCABULARY
from gpt2kit.music.stream.keyboard import played

SECONDS = 60
SHIFT, LOUD = TIME_SHIFT - 1, VELOCITY - 1
"""SHIFT + 12 steps, LOUD + 20 (a bin)."""


def leaning(steering: Steering) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    bias = np.zeros(VOCABULARY, np.float32)
    steering.lean(bias)
    return bias


def improvised(wish: Wish, seed: int) -> Notes:
    """A minute of a model with fixed chances: unsteered, 8.5 notes a second of velocity 64 +- 14."""
    generator = np.random.default_rng(seed)
    logits = np.full(VOCABULARY, -9.0, np.float32)
    logits[40:90], logits[NOTE_OFF + 40 : NOTE_OFF + 90] = -2.2, -1.3
    logits[TIME_SHIFT:VELOCITY] = -0.6 - np.arange(100) / 15
    logits[VELOCITY:BEGIN] = -1.0 - (np.arange(1, 33) - 16.5) ** 2 / 25
    grammar, steering = EventGrammar([BEGIN], SECONDS * 100), Steering(wish, [BEGIN])
    ids, bias = [], np.zeros(VOCABULARY, np.float32)
    while not grammar.over:
        grammar.weigh(bias)
        steering.lean(bias)
        chances = np.exp(logits + bias).cumsum()
        ids.append(int(np.searchsorted(chances, generator.random() * chances[-1], "right")))
        grammar.accept(ids[-1])
        steering.accept(ids[-1])
    notes = played(ids)
    assert reached(Wish(1, 64), [BEGIN], ids)["notes_per_second"].played == pytest.approx(len(notes) / SECONDS)
    return notes


def density(notes: Notes) -> float:
    return len(notes) / SECONDS


@pytest.mark.parametrize("wished", [3.0, 6.0, 12.0])
def test_density_moves_to_the_wish(wished: float) -> None:
    assert density(improvised(Wish(wished), 0)) == pytest.approx(wished, rel=0.15)


@pytest.mark.parametrize("wished", [40.0, 64.0, 90.0])
def test_loudness_moves_to_the_wish_and_stays_lively(wished: float) -> None:
    velocity = improvised(Wish(velocity=wished), 0).velocity
    assert velocity.mean() == pytest.approx(wished, abs=4)
    assert velocity.std() > 8


def test_both_at_a_time() -> None:
    notes = improvised(Wish(4.0, 90.0), 1)
    assert density(notes) == pytest.approx(4.0, rel=0.15)
    assert notes.velocity.mean() == pytest.approx(90, abs=4)


def test_without_a_wish_nothing_is_added() -> None:
    steering = Steering(Wish(), [BEGIN])
    for id in (LOUD + 3, *range(60, 90), SHIFT + 100):
        steering.accept(id)
        assert not leaning(steering).any()


def test_at_the_wish_nothing_is_added() -> None:
    """One note a second, each as loud as wished."""
    steering = Steering(Wish(1.0, 62.0), [BEGIN, LOUD + 16])
    assert not leaning(steering).any()
    for _ in range(20):
        steering.accept(60)
        steering.accept(SHIFT + 100)
        assert np.abs(leaning(steering)).max() < 1e-6


def test_a_wait_before_the_music_is_not_thin_music() -> None:
    steering = Steering(Wish(5.0), [BEGIN], 250)
    for id in (SHIFT + 100, SHIFT + 100, SHIFT + 50):
        steering.accept(id)
        assert not leaning(steering).any()
    steering.accept(SHIFT + 50)
    assert leaning(steering)[VELOCITY - 1] < 0, "nor is a pause after it forgiven"
    ids = [SHIFT + 100, SHIFT + 100, SHIFT + 50, 60, 64, SHIFT + 50]
    assert reached(Wish(5.0), [BEGIN], ids, 250)["notes_per_second"] == Reached(5.0, 4.0)


def test_too_dense_music_waits_longer_and_strikes_less() -> None:
    steering = Steering(Wish(2.0), [BEGIN])
    for _ in range(10):
        for id in (LOUD + 10, 60, 64, 67, SHIFT + 10):
            steering.accept(id)
    bias = leaning(steering)
    shifts = bias[TIME_SHIFT:VELOCITY]
    assert (np.diff(shifts) >= 0).all()
    assert shifts[0] == shifts[9] == 0, "within chords nothing changes"
    assert shifts[-1] == BOUND
    assert (bias[:NOTE_OFF] == -BOUND).all()
    assert (bias[VELOCITY:BEGIN] == -BOUND).all()
    assert not bias[NOTE_OFF:TIME_SHIFT].any()


def test_too_thin_music_waits_less_and_its_chords_stay() -> None:
    steering = Steering(Wish(20.0), [BEGIN])
    for _ in range(10):
        for id in (LOUD + 10, 60, SHIFT + 100):
            steering.accept(id)
    bias = leaning(steering)
    assert (np.diff(bias[TIME_SHIFT:VELOCITY]) <= 0).all()
    assert bias[VELOCITY - 1] == -BOUND
    assert not bias[:TIME_SHIFT].any()
    assert not bias[VELOCITY:].any()


def test_music_that_is_too_soft_leans_to_louder_notes() -> None:
    """A note of the velocity in force, which has no VELOCITY before it, gets what another's VELOCITY would get."""
    steering = Steering(Wish(velocity=100.0), [BEGIN])
    for id in (LOUD + 10, *[60, SHIFT + 10] * 40):
        steering.accept(id)
    bias = leaning(steering)
    bins = bias[VELOCITY:BEGIN]
    assert (np.diff(bins) >= 0).all()
    assert bins[0] < 0 < bins[-1] == BOUND
    assert (bias[:NOTE_OFF] == bins[10 - 1]).all()
    steering.accept(LOUD + 20)
    assert not leaning(steering)[:NOTE_OFF].any(), "its VELOCITY was leaned on"


def test_leaning_is_bounded_for_any_stream() -> None:
    generator = np.random.default_rng(0)
    for number in range(20):
        steering = Steering(Wish(generator.uniform(0.2, 50), generator.uniform(1, 127)), [BEGIN])
        for id in generator.integers(0, VOCABULARY + 200, 300).tolist():
            steering.accept(id)
            bias = leaning(steering)
            assert np.abs(bias[TIME_SHIFT:VELOCITY]).max() <= BOUND
            assert np.abs(bias).max() <= 2 * BOUND, number
            assert not bias[BEGIN:].any()


def test_what_is_forbidden_or_forced_stays_so() -> None:
    steering = Steering(Wish(1.0, 127.0), [BEGIN])
    for id in [60] * 30:
        steering.accept(id)
    bias = np.full(VOCABULARY + 100, -np.inf, np.float32)
    bias[62] = 0
    steering.lean(bias)
    assert np.flatnonzero(np.isfinite(bias)).tolist() == [62]


def test_the_prompt_sets_the_velocity_in_force_and_nothing_else() -> None:
    loud = [BEGIN, *encode(Notes.of([60] * 50, [120] * 50, np.arange(50) / 10, np.arange(50) / 10 + 0.1)).tolist()]
    assert not leaning(Steering(Wish(5.0, 62.0), loud)).any()
    steering = Steering(Wish(velocity=62.0), loud)
    for _ in range(20):
        steering.accept(60)
    assert leaning(steering)[VELOCITY] > 0, "the notes were played with the velocity of the prompt"


def test_what_was_reached() -> None:
    ids = [60, 64, SHIFT + 100, LOUD + 20, 67, SHIFT + 50, NOTE_OFF + 67]
    assert reached(Wish(5.0, 60.0), [BEGIN, LOUD + 10], ids) == {
        "notes_per_second": Reached(5.0, 2.0),
        "velocity": Reached(60.0, (38 + 38 + 78) / 3),
    }
    assert reached(Wish(), [BEGIN], ids) == {}
    unset = reached(Wish(velocity=60.0), [BEGIN], [60, SHIFT + 1])
    assert unset["velocity"].played == 4 * DEFAULT_BIN - 2
    assert reached(Wish(2.0, 50.0), [BEGIN], []) == {
        "notes_per_second": Reached(2.0, None),
        "velocity": Reached(50.0, None),
    }
    assert str(Reached(5.0, 5.34)) == "5 wished, 5.3 played"
    assert str(Reached(64, None)) == "64 wished, none played"
