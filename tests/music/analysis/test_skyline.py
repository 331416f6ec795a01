"""The tune of a performance, on music whose tune is known."""

from itertools import islice
from random import Random

import numpy as np
import pytest

from gpt2kit.music.analysis.skyline import tune
from gpt2kit.music.midi import parse_midi
from gpt2kit.music.notes import Notes
from gpt2kit.samples.music import compose
from gpt2kit.samples.music.performing import MELODY, Performance, Score, performed


def notes_of(*rows: tuple[int, float, float]) -> Notes:
    """(pitch, start, end) each."""
    pitch, start, end = zip(*rows, strict=True)
    return Notes.of(pitch, [64] * len(rows), start, end)


def sung(notes: Notes) -> list[int]:
    return notes.pitch[tune(notes)].tolist()


SCALE = [72, 74, 76, 77, 79, 77, 76, 74, 72]
"""Up and down again."""


def test_a_tune_alone_is_the_tune() -> None:
    assert sung(notes_of(*((pitch, place / 4, place / 4 + 0.25) for place, pitch in enumerate(SCALE)))) == SCALE


def test_nothing_has_no_tune() -> None:
    assert tune(Notes.none()).tolist() == []


def test_the_left_hand_under_held_tones_is_no_tune() -> None:
    held = [(pitch, place * 1.0, place + 1.0) for place, pitch in enumerate(SCALE)]
    broken = [(pitch, place / 4, place / 4 + 0.25) for place, pitch in enumerate([48, 55, 52, 55] * len(SCALE))]
    assert sung(notes_of(*held, *broken)) == SCALE


def test_the_pedal_does_not_hide_a_tune_that_falls() -> None:
    """Every tone sounds to the end; the chords under them do, too."""
    falls = [(pitch, place * 0.5, 5.0) for place, pitch in enumerate([84, 83, 81, 77, 76, 74])]
    chords = [(pitch, 0.25 + place * 0.5, 5.0) for place in range(6) for pitch in (52, 55, 60)]
    assert sung(notes_of(*falls, *chords)) == [84, 83, 81, 77, 76, 74]


def test_a_leap_down_comes_back_as_the_high_tone_dies_away() -> None:
    """E4 is more than a third below the C5 that still sounds; two seconds later C5 hides nothing."""
    around = [(67, 2.5 + place / 2, 3.0 + place / 2) for place in range(6)]
    assert sung(notes_of((72, 0.0, 9.0), (64, 1.0, 1.5), *around)) == [72, *[67] * 6]
    assert sung(notes_of((72, 0.0, 9.0), (64, 1.9, 2.5), (64, 2.1, 2.5))) == [72, 64]


@pytest.mark.parametrize("roll", [0.0, 0.01, 0.03])
def test_of_a_chord_the_top_note_is_left(roll: float) -> None:
    """Struck in one moment, or rolled from either end: 30 ms between two notes are still one chord."""
    for order in ((60, 64, 67, 72), (72, 67, 64, 60)):
        chords = [(pitch, 1.0 + place * roll, 2.0) for place, pitch in enumerate(order)]
        assert sung(notes_of(*chords)) == [72]


def test_a_fast_run_is_no_rolled_chord() -> None:
    run = [(60 + place, place * 0.05, place * 0.05 + 0.05) for place in range(20)]
    assert sung(notes_of(*run)) == list(range(60, 80))


def test_ornaments_are_of_the_tune_unless_they_are_crushed() -> None:
    trill = [(pitch, place * 0.08, place * 0.08 + 0.08) for place, pitch in enumerate([74, 72] * 6)]
    assert sung(notes_of(*trill)) == [74, 72] * 6
    grace = [(74, 0.92, 3.0), (72, 1.0, 3.0)]
    assert sung(notes_of(*grace)) == [74, 72], "a grace note from above, with the pedal down"
    assert sung(notes_of((71, 0.98, 1.0), (72, 1.0, 3.0))) == [72]


def test_a_bass_in_the_rests_of_the_tune_is_left_out() -> None:
    rows = [(pitch, place * 1.0, place + 0.5) for place, pitch in enumerate(SCALE)]
    basses = [(45, place + 0.6, place + 0.9) for place in range(0, 9, 3)]
    assert sung(notes_of(*rows, *basses)) == SCALE


def test_a_tune_that_moves_to_the_left_hand_is_followed() -> None:
    """The median of its neighbours moves with it."""
    rows = [(pitch, place * 0.5, place * 0.5 + 0.5) for place, pitch in enumerate([*SCALE, *(p - 24 for p in SCALE)])]
    assert sung(notes_of(*rows)) == [*SCALE, *(pitch - 24 for pitch in SCALE)]


def test_against_the_definition_note_by_note() -> None:
    """Within an octave, where no note is too low for its neighbours."""
    generator = np.random.default_rng(0)
    for _ in range(20):
        start, length = generator.integers(0, 2000, 120) / 100, generator.integers(1, 400, 120) / 100
        notes = Notes.of(generator.integers(60, 73, 120), [64] * 120, start, start + length)
        rows = list(zip(notes.pitch.tolist(), notes.start.tolist(), notes.end.tolist(), strict=True))
        expected, last = [], (0, 0.0, 0.0)
        for pitch, begin, end in rows:
            is_top = pitch == max(other for other, struck, _ in rows if abs(struck - begin) < 0.031)
            hidden = begin < last[2] - 0.031 and begin < last[1] + 2.001 and last[0] - pitch > 4
            expected.append(is_top and not hidden)
            last = (pitch, begin, end) if expected[-1] else last
        assert tune(notes).tolist() == expected


def test_transposed_music_has_the_same_tune() -> None:
    generator = np.random.default_rng(1)
    start = generator.random(300) * 60
    pitch, end = generator.integers(21, 90, 300), start + 0.05 + generator.random(300)
    low, high = (Notes.of(pitch + moved, [64] * 300, start, end) for moved in (0, 12))
    assert tune(low).tolist() == tune(high).tolist()


def test_the_melody_of_the_sample_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two pieces of each style. What is missed lies under its octave; what is too much is that octave, and notes in
    rests of the melody."""
    melodies: list[Notes] = []

    def with_melody(score: Score, is_pedalled: bool, dice: Random) -> Performance:
        alone = score._replace(notes=[note for note in score.notes if note.voice == MELODY])
        melodies.append(parse_midi(performed(alone, is_pedalled, Random(0)).content).notes)
        return performed(score, is_pedalled, dice)

    monkeypatch.setattr(compose, "performed", with_melody)
    hits = found = true = 0
    for piece, melody in zip(islice(compose.pieces(), 10), melodies, strict=False):
        notes = parse_midi(piece.performance.content).notes
        chosen = tune(notes)
        at = {pitch: melody.start[melody.pitch == pitch] for pitch in set(melody.pitch.tolist())}
        is_melody = [
            bool((np.abs(at.get(pitch, np.array([np.inf])) - struck) < 0.03).any())
            for pitch, struck in zip(notes.pitch.tolist(), notes.start.tolist(), strict=True)
        ]
        assert 0.95 * len(melody) < sum(is_melody) <= len(melody)
        hits, found, true = hits + int((chosen & is_melody).sum()), found + int(chosen.sum()), true + sum(is_melody)
    assert hits / found > 0.92
    assert hits / true > 0.9
