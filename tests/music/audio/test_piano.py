"""The piano of our own: in tune, following the hand, without clicks, and as long as asked."""

import tracemalloc

import numpy as np
import pytest

from gpt2kit.music.audio import piano
from gpt2kit.music.notes import Notes

RATE = 22050
BLOCK = 1 << 15


def played(notes: Notes, seconds: float, block: int = BLOCK) -> piano.Samples:
    frames = round(seconds * RATE)
    return np.concatenate(list(piano.blocks(notes, RATE, frames, block)))


def loudness(samples: piano.Samples) -> float:
    return float(np.sqrt((samples.astype(np.float64) ** 2).mean()))


def strength(samples: piano.Samples, frequency: float) -> float:
    """The largest magnitude within a third of a semitone of `frequency`."""
    spectrum = np.abs(np.fft.rfft(samples.mean(axis=1) * np.hanning(len(samples)), 8 * len(samples)))
    frequencies = np.fft.rfftfreq(8 * len(samples), 1 / RATE)
    near = np.abs(np.log2(frequencies[1:] / frequency)) < 1 / 36
    return float(spectrum[1:][near].max())


@pytest.mark.parametrize("pitch", [33, 45, 60, 69, 81, 96])
def test_a_key_sounds_at_its_pitch(pitch: int) -> None:
    tone = piano.note(pitch, 80, 1.0, RATE)[:RATE].mean(axis=1)
    spectrum = np.abs(np.fft.rfft(tone * np.hanning(RATE), 1 << 18))
    cents = 1200 * np.log2(np.fft.rfftfreq(1 << 18, 1 / RATE)[1:] / (440 * 2 ** ((pitch - 69) / 12)))
    near = np.abs(cents) < 150
    assert abs(cents[near][spectrum[1:][near].argmax()]) < 6


@pytest.mark.parametrize("pitch", [0, 21, 60, 108, 127])
@pytest.mark.parametrize("seconds", [1e-6, 0.01, 0.5, 1e9])
def test_every_tone_begins_and_ends_in_silence(pitch: int, seconds: float) -> None:
    tone = piano.note(pitch, 127, seconds, RATE)
    assert np.isfinite(tone).all()
    assert 0 < len(tone) <= piano.LONGEST_NOTE * RATE
    assert (tone[0] == 0).all()
    assert (np.abs(tone[-1]) < 1e-6).all()


def test_nothing_clicks_where_a_key_is_let_go() -> None:
    tone = piano.note(60, 100, 0.5, RATE)
    steps = np.abs(np.diff(tone, axis=0)).max(axis=1)
    release = slice(RATE // 2 - 20, RATE // 2 + 200)
    assert steps[release].max() <= 1.05 * steps[RATE // 2 - 2000 : RATE // 2 - 20].max()


def test_a_harder_stroke_is_louder_and_brighter() -> None:
    soft, hard = (piano.note(48, velocity, 1.0, RATE)[:RATE] for velocity in (25, 115))
    assert loudness(hard) > 4 * loudness(soft)
    low, high = 130.8, 130.8 * 8
    assert strength(hard, high) / strength(hard, low) > 2 * strength(soft, high) / strength(soft, low)


def test_the_damper_ends_a_tone_and_a_held_one_rings_on() -> None:
    short, held = (piano.note(60, 90, seconds, RATE) for seconds in (0.3, 3.0))
    after = slice(RATE, RATE + RATE // 2)
    assert loudness(held[after]) > 0.01
    assert len(short) < RATE + RATE // 2 or loudness(short[after]) < loudness(held[after]) / 100


def test_low_keys_are_left_and_high_keys_right() -> None:
    low, high = (np.abs(piano.note(pitch, 90, 1.0, RATE)).max(axis=0) for pitch in (24, 104))
    assert low[0] > low[1]
    assert high[0] < high[1]


def test_a_key_above_what_the_rate_carries_is_silent() -> None:
    assert np.abs(piano.note(127, 100, 1.0, 8000)).max() < 0.02  # but for the knock of the key


@pytest.fixture(scope="module")
def chords() -> Notes:
    rng = np.random.default_rng(0)
    start = rng.uniform(0, 3, 40)
    return Notes.of(rng.integers(21, 109, 40), rng.integers(1, 128, 40), start, start + rng.uniform(0.02, 2, 40))


@pytest.fixture(scope="module")
def whole(chords: Notes) -> piano.Samples:
    return played(chords, 5.0, 1 << 17)


@pytest.mark.parametrize("block", [1000, 4096, BLOCK, 1 << 18])
def test_blocks_make_no_difference(chords: Notes, whole: piano.Samples, block: int) -> None:
    assert whole.shape == (5 * RATE, 2)
    assert whole.dtype == np.float32
    np.testing.assert_allclose(played(chords, 5.0, block), whole, atol=1e-5)


def test_silence_without_notes_and_before_the_first() -> None:
    assert not played(Notes.none(), 1.0).any()
    late = played(Notes.of([60], [80], [1.0], [1.5]), 2.0)
    assert np.abs(late[: RATE - 1]).max() < 1e-6
    assert loudness(late[RATE : RATE + RATE // 2]) > 0.01


def test_a_tone_has_an_echo_in_the_room() -> None:
    wet = played(Notes.of([72], [100], [0.0], [0.1]), 1.5)
    dry = piano.note(72, 100, 0.1, RATE)
    after = slice(len(dry), RATE + RATE // 4)
    assert loudness(wet[after]) > 1e-5
    assert not np.allclose(wet[after, 0], wet[after, 1])


def test_the_length_of_a_piece_does_not_cost_memory() -> None:
    def most(minutes: int) -> int:
        start = np.arange(minutes * 30) * 2.0
        notes = Notes.of(np.full(len(start), 60), np.full(len(start), 80), start, start + 0.2)
        tracemalloc.start()
        for _ in piano.blocks(notes, 8000, minutes * 60 * 8000, 1 << 15):
            pass
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    assert most(8) < 1.2 * most(1)


def test_it_is_the_same_every_time() -> None:
    assert piano.note(50, 70, 0.4, RATE).tobytes() == piano.note(50, 70, 0.4, RATE).tobytes()
