"""Musical statistics, against direct computation, pretty_midi's own and what is known of made-up pieces."""

import json
import math
from collections.abc import Callable

import numpy as np
import pytest

from gpt2kit.errors import DataError
from gpt2kit.music.analysis import statistics
from gpt2kit.music.analysis.statistics import Figure, compare, excerpts, jensen_shannon
from gpt2kit.music.midi import to_pretty_midi
from gpt2kit.music.notes import Notes, concatenated

RandomNotes = Callable[..., Notes]
SEEDS = range(10)
SCALE = Notes.of([60, 62, 64, 72], [1, 4, 5, 127], [0.0, 1.0, 1.0, 9.5], [0.5, 2.0, 3.0, 10.0])


def piece(seed: int, seconds: float = 60.0, pitches: tuple[int, int] = (40, 80)) -> Notes:
    generator = np.random.default_rng(seed)
    count = int(seconds * 5)
    start = generator.uniform(0, seconds - 1, count)
    velocity = generator.integers(40, 100, count)
    return Notes.of(generator.integers(*pitches, count), velocity, start, start + generator.uniform(0.1, 1, count))


def figures(samples: list[Notes], reference: list[Notes], seed: int = 0) -> dict[str, Figure]:
    return {figure.name: figure for figure in compare(samples, reference, seed)}


def test_of_four_notes_everything_is_known() -> None:
    assert statistics.sounding_seconds(SCALE) == pytest.approx(3.0)
    assert statistics.density(SCALE) == pytest.approx(4 / 3)
    assert statistics.polyphony(SCALE) == pytest.approx(4 / 3)
    assert statistics.pitch_range(SCALE) == 12
    assert statistics.pitch_classes(SCALE).tolist() == [2, 0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 0]
    assert statistics.pitch_class_entropy(SCALE) == pytest.approx(1.5)
    assert np.flatnonzero(statistics.velocities(SCALE)).tolist() == [0, 1, 31]
    assert statistics.velocities(SCALE)[0] == 2
    intervals = statistics.onset_intervals(SCALE)
    assert len(intervals) == 101
    assert (intervals[0], intervals[100], intervals.sum()) == (1, 2, 3)


@pytest.mark.parametrize("seed", SEEDS)
def test_time_and_notes_that_sound_are_what_counting_instants_gives(random_notes: RandomNotes, seed: int) -> None:
    """On a grid of 10 ms, looked at in the middle of each step."""
    rough = random_notes(seed, count=30)
    start, length = np.rint(rough.start * 100), np.maximum(np.rint((rough.end - rough.start) * 100), 1)
    notes = Notes.of(rough.pitch, rough.velocity, start / 100, (start + length) / 100)
    instants = (np.arange(int(notes.duration * 100 + 0.5)) + 0.5) / 100
    sounding = np.array([((notes.start < instant) & (notes.end > instant)).sum() for instant in instants])
    assert statistics.sounding_seconds(notes) == pytest.approx((sounding > 0).sum() / 100)
    assert statistics.polyphony(notes) == pytest.approx(sounding[sounding > 0].mean())
    assert statistics.density(notes) == pytest.approx(len(notes) / ((sounding > 0).sum() / 100))


@pytest.mark.parametrize("seed", SEEDS)
def test_pitch_classes_are_pretty_midis(random_notes: RandomNotes, seed: int) -> None:
    notes = random_notes(seed)
    expected = to_pretty_midi(notes).get_pitch_class_histogram(normalize=False)
    assert statistics.pitch_classes(notes).tolist() == expected.tolist()


@pytest.mark.parametrize("seed", SEEDS)
def test_what_sounds_is_what_pretty_midis_piano_roll_shows(seed: int) -> None:
    """Notes of one pitch do not overlap here, as the roll shows them as one louder note.

    It cuts times off to steps of 10 ms: a little later, they are on no edge.
    """
    generator = np.random.default_rng(seed)
    start = np.arange(50) * 20 + generator.integers(0, 10, 50)
    pitch = 30 + np.arange(50)
    end = start + generator.integers(1, 90, 50)
    notes = Notes.of(pitch, np.full(50, 64), start / 100 + 0.004, end / 100 + 0.004)
    sounding = (to_pretty_midi(notes).get_piano_roll(fs=100) > 0).sum(0)
    assert statistics.polyphony(notes) == pytest.approx(sounding[sounding > 0].mean())


def test_onsets_off_the_steps_count_as_what_they_round_to() -> None:
    """A performance and what a model would play of it have one histogram."""
    start = np.array([0.0, 0.101, 0.204, 1.196])
    played, rounded = (Notes.of([60] * 4, [64] * 4, times, times + 1) for times in (start, np.rint(start * 100) / 100))
    histogram = statistics.onset_intervals(played)
    assert histogram.tolist() == statistics.onset_intervals(rounded).tolist()
    assert np.flatnonzero(histogram).tolist() == [10, 100]


@pytest.mark.parametrize("seed", SEEDS)
def test_the_distance_of_jensen_and_shannon(seed: int) -> None:
    generator = np.random.default_rng(seed)
    first, second = generator.dirichlet(np.full(8, 0.3), 2)
    second[:2] = 0
    second /= second.sum()
    middle = [(p + q) / 2 for p, q in zip(first, second, strict=True)]
    divergence = sum(
        p * math.log2(p / m) / 2 for side in (first, second) for p, m in zip(side, middle, strict=True) if p
    )
    assert jensen_shannon(first, second) == pytest.approx(math.sqrt(divergence))
    assert jensen_shannon(first, second) == pytest.approx(jensen_shannon(second, first))
    assert jensen_shannon(first, first) == 0
    assert jensen_shannon(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == 1


def test_excerpts_are_as_long_as_asked_and_leave_nothing_out_but_a_short_rest() -> None:
    notes = piece(1, seconds=100.0)
    parts = excerpts(notes, 30.0)
    assert [part.duration <= 30 for part in parts] == [True] * 3
    assert sum(len(part) for part in parts) == (notes.start < 90).sum()
    assert parts[1] == notes.sliced(30, 60)
    assert len(excerpts(notes, 28.0)) == 4
    assert excerpts(notes, 500.0) == [notes]


def test_silent_excerpts_are_none() -> None:
    assert len(excerpts(SCALE, 1.0)) == 3
    late = Notes.of([60], [64], [100.0], [101.0])
    assert [len(part) for part in excerpts(late, 90.0)] == [1]


def test_a_set_is_at_no_distance_from_itself() -> None:
    pieces = [piece(seed) for seed in range(6)]
    pieces = [concatenated([notes, Notes.of([60], [64], [58.0], [60.0])]).sliced(0, 60) for notes in pieces]
    assert [figure.distance for figure in compare(pieces, pieces)] == [0] * 7


def test_pieces_like_the_reference_are_as_close_as_real_music_and_others_are_not() -> None:
    reference = [piece(seed, seconds=120.0) for seed in range(20)]
    alike = figures([piece(seed) for seed in range(100, 108)], reference)
    others = figures([piece(seed, pitches=(60, 63)) for seed in range(100, 108)], reference)
    for name in ("pitch classes", "pitch-class entropy"):
        assert alike[name].distance < 2 * (alike[name].real_high or 0)
        assert others[name].distance > 3 * (others[name].real_high or math.inf)
    assert others["pitch range"].distance > 0.9
    assert 0 < (alike["velocities"].real or 0) < (alike["velocities"].real_high or 0)


def test_numbers_are_means_and_histograms_shares() -> None:
    found = figures([SCALE], [SCALE, Notes.of([60, 60], [64, 64], [0, 1], [1, 2])])
    assert found["pitch range"].sample == 12
    assert found["pitch range"].reference == 6
    assert found["pitch range"].distance == 1
    shares = found["pitch classes"].sample
    assert isinstance(shares, list)
    assert shares[:5] == [0.5, 0, 0.25, 0, 0.25]
    assert set(found) == set(statistics.NUMBERS) | set(statistics.HISTOGRAMS)


def test_the_same_seed_gives_the_same_and_another_seed_other_splits() -> None:
    reference = [piece(seed, seconds=30.0) for seed in range(6)]
    assert compare([piece(9)], reference) == compare([piece(9)], reference)
    first, second = compare([piece(9)], reference), compare([piece(9)], reference, seed=1)
    assert [figure.distance for figure in first] == [figure.distance for figure in second]
    assert [figure.real for figure in first] != [figure.real for figure in second]


def test_it_goes_into_json_and_reads_well() -> None:
    found = compare([piece(1)], [piece(2), piece(3)])
    read = [json.loads(json.dumps(figure.json(), allow_nan=False)) for figure in found]
    assert [Figure(**values) for values in read] == found
    assert str(Figure("pitch range", 40.0, 50.0, 0.2, 0.1, 0.15)) == (
        "pitch range: 40.00, real 50.00; distance 0.200 (among real music 0.100, seldom over 0.150)"
    )
    assert str(Figure("velocities", [1.0], [1.0], 0.0, None, None)) == "velocities: distance 0.000"


def test_a_reference_of_one_piece_cannot_be_split() -> None:
    assert {(figure.real, figure.real_high) for figure in compare([piece(1)], [piece(2)])} == {(None, None)}


def test_performances_without_notes_are_left_out_unless_that_is_all() -> None:
    assert compare([piece(1), Notes.none()], [Notes.none(), piece(2)]) == compare([piece(1)], [piece(2)])
    with pytest.raises(DataError, match="samples"):
        compare([Notes.none()], [piece(2)])
    with pytest.raises(DataError, match="reference"):
        compare([piece(1)], [])


def test_a_single_note_has_figures_too() -> None:
    one = Notes.of([60], [64], [0.0], [1.0])
    assert all(math.isfinite(figure.distance) for figure in compare([one], [one, piece(2)]))
    assert all(math.isfinite(figure.distance) for figure in compare([piece(2)], [one, one]))
