"""The longest copied passage, against comparing every place with every other."""

import json
from collections.abc import Callable
from itertools import groupby

import numpy as np
import pytest

from gpt2kit.music.analysis.copying import Copied, TrainingPieces, in_order
from gpt2kit.music.notes import Notes
from gpt2kit.music.stream.encoding import decode, encode

RandomNotes = Callable[..., Notes]


def melody(pitches: list[int]) -> Notes:
    start = np.arange(len(pitches)) / 2
    return Notes.of(pitches, [64] * len(pitches), start, start + 0.5)


def plainly_longest(notes: Notes, pieces: list[Notes]) -> int:
    """Notes of the longest run with equal intervals: a table over all pairs of places."""
    best = 1
    here = np.diff(notes.pitch[in_order(notes)].astype(int)).tolist()
    for piece in pieces:
        there = np.diff(piece.pitch[in_order(piece)].astype(int)).tolist()
        before = [0] * (len(there) + 1)
        for interval in here:
            row = [0] * (len(there) + 1)
            for place, other in enumerate(there):
                if interval == other:
                    row[place + 1] = before[place] + 1
            best, before = max(best, max(row) + 1), row
    return best


def copied_notes(found: Copied, notes: Notes, at: float) -> list[int]:
    ordered = in_order(notes)
    first = int(np.flatnonzero(notes.start[ordered] >= at - 1e-9)[0])
    return notes.pitch[ordered][first : first + found.notes].astype(int).tolist()


@pytest.mark.parametrize("seed", range(60))
def test_against_comparing_all_places(seed: int) -> None:
    """Few pitches and motifs that come again, so that runs of every length are met."""
    generator = np.random.default_rng(seed)
    choices = int(generator.integers(2, 6))
    motif = generator.integers(60, 60 + choices, 40).tolist()

    def made() -> Notes:
        pitches = generator.integers(60, 60 + choices, generator.integers(1, 60)).tolist()
        begin, key = int(generator.integers(0, 40)), int(generator.integers(-12, 12))
        return melody([*pitches, *(pitch + key for pitch in motif[begin : begin + int(generator.integers(0, 40))])])

    pieces = [made() for _ in range(int(generator.integers(1, 6)))]
    training = TrainingPieces((str(place), piece) for place, piece in enumerate(pieces))
    for _ in range(5):
        notes = made()
        found = training.longest_copied(notes)
        assert found.notes == plainly_longest(notes, pieces)
        here = copied_notes(found, notes, found.start)
        there = copied_notes(found, pieces[int(found.piece)], found.piece_start)
        assert here == [pitch + found.semitones for pitch in there]
        assert found.seconds == pytest.approx((found.notes - 1) / 2)


@pytest.mark.parametrize("length", [1, 2, 7, 8, 9, 10, 16, 17, 18, 33, 100])
def test_a_transposed_passage_of_any_length_is_found_where_it_is(length: int) -> None:
    """What surrounds it keeps to intervals that the passage and the other pieces lack."""
    generator = np.random.default_rng(length)
    passage = (60 + generator.integers(0, 6, length)).tolist()
    notes = melody([100, 70, *(pitch + 5 for pitch in passage), 100, 69])
    pieces = [("one", melody([30, 41, 29])), ("two", melody([20, 40, *passage, 20, 41])), ("three", melody([10]))]
    found = TrainingPieces(pieces).longest_copied(notes)
    if length > 1:
        assert found == Copied(length, (length - 1) / 2, 1.0, "two", 1.0, 5)
    else:
        assert found.notes == 1


def test_no_passage_goes_on_from_one_piece_into_the_next() -> None:
    pieces = [("one", melody([60, 62, 64, 65])), ("two", melody([67, 69, 71, 72]))]
    found = TrainingPieces(pieces).longest_copied(melody([60, 62, 64, 65, 67, 69, 71, 72]))
    assert found.notes == 4
    assert found.piece == "one"


def test_a_whole_piece_is_a_copy_of_itself_in_any_key(random_notes: RandomNotes) -> None:
    pieces = [decode(encode(random_notes(seed, count=300, pitches=(40, 80)))) for seed in range(5)]
    training = TrainingPieces((str(seed), notes) for seed, notes in enumerate(pieces))
    for number, notes in enumerate(pieces):
        higher = Notes.of(notes.pitch + 3, notes.velocity, notes.start, notes.end)
        found = training.longest_copied(higher)
        assert (found.notes, found.piece, found.semitones) == (len(notes), str(number), 3)


def test_chords_are_the_same_however_they_are_struck() -> None:
    """The notes of a chord come in any order and up to 30 ms late."""

    def chords(generator: np.random.Generator) -> Notes:
        pitches = [[48, 64, 67, 72], [50, 65, 69], [55, 62, 65, 71], [48, 55, 64, 72]]
        start = [
            place / 2 + 0.01 * float(generator.integers(0, 2)) for place, chord in enumerate(pitches) for _ in chord
        ]
        keys = [pitch for chord in pitches for pitch in chord]
        return Notes.of(keys, [64] * len(keys), start, np.array(start) + 0.4)

    generator = np.random.default_rng(3)
    training = TrainingPieces([("chorale", chords(generator))])
    assert [training.longest_copied(chords(generator)).notes for _ in range(10)] == [15] * 10


@pytest.mark.parametrize("seed", range(10))
def test_order_is_by_chords_one_after_the_other(random_notes: RandomNotes, seed: int) -> None:
    notes = random_notes(seed, count=300, seconds=8.0)
    steps = np.floor(notes.start * 100 + 0.5).tolist()
    chords: list[list[int]] = []
    for place, step in enumerate(steps):
        if chords and step - steps[chords[-1][0]] <= 3:
            chords[-1].append(place)
        else:
            chords.append([place])
    expected = [place for chord in chords for place in sorted(chord, key=lambda place: notes.pitch[place])]
    assert notes.pitch[in_order(notes)].tolist() == notes.pitch[expected].tolist()
    assert max(len(list(group)) for _, group in groupby(steps)) < max(len(chord) for chord in chords)


def test_nothing_is_copied_from_or_by_nothing() -> None:
    assert TrainingPieces([]).longest_copied(melody([60, 62])).notes == 0
    assert TrainingPieces([("silence", Notes.none())]).longest_copied(melody([60])).notes == 0
    training = TrainingPieces([("silence", Notes.none()), ("one", melody([60])), ("two", melody([60, 62]))])
    assert training.longest_copied(Notes.none()).notes == 0
    assert training.longest_copied(melody([70])) == Copied(1, 0.0, 0.0, "one", 0.0, 10)
    assert training.longest_copied(melody([50, 49, 51])) == Copied(2, 0.5, 0.5, "two", 0.0, -11)
    assert training.longest_copied(melody([0, 127])).notes == 1


def test_the_widest_leaps_are_found_too() -> None:
    found = TrainingPieces([("one", melody([127, 0, 127, 0, 5]))]).longest_copied(melody([3, 0, 127, 0, 5, 9]))
    assert found == Copied(4, 1.5, 0.5, "one", 0.5, 0)


def test_it_goes_into_json_and_reads_well() -> None:
    found = Copied(40, 6.25, 12.0, "a.mid", 80.5, -2)
    assert Copied(**json.loads(json.dumps(found.json()))) == found
    assert str(found) == "40 notes (6.2 s) at 12.0 s, as in a.mid at 80.5 s, -2 semitones"
    assert str(Copied(1, 0.0, 2.0, "a.mid", 0.0, -1)) == "1 note (0.0 s) at 2.0 s, as in a.mid at 0.0 s, -1 semitone"
    assert str(Copied(0, 0.0, 0.0, "", 0.0, 0)) == "no notes, so none copied"
