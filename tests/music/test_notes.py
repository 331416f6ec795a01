"""Notes: what is refused, their order, and cutting and joining."""

import numpy as np
import pytest

from gpt2kit.music.notes import Notes, concatenated, pitch_name, summary

CHORD = Notes.of([64, 60, 60], [1, 127, 80], [1.0, 0.5, 0.0], [2.0, 3.0, 1.0])


def rows(notes: Notes) -> list[tuple[int, int, float, float]]:
    return list(
        zip(notes.pitch.tolist(), notes.velocity.tolist(), notes.start.tolist(), notes.end.tolist(), strict=True)
    )


def test_notes_are_put_in_order() -> None:
    assert rows(CHORD) == [(60, 80, 0.0, 1.0), (60, 127, 0.5, 3.0), (64, 1, 1.0, 2.0)]
    assert rows(Notes.of([62, 60, 60], [1, 2, 3], [0, 0, 0], [1, 2, 1])) == [
        (60, 3, 0, 1),
        (60, 2, 0, 2),
        (62, 1, 0, 1),
    ]


@pytest.mark.parametrize(
    ("pitch", "velocity", "start", "end", "reason"),
    [
        ([128], [1], [0.0], [1.0], "pitch"),
        ([-1], [1], [0.0], [1.0], "pitch"),
        ([60.5], [1], [0.0], [1.0], "pitch"),
        ([60], [0], [0.0], [1.0], "velocity"),
        ([60], [128], [0.0], [1.0], "velocity"),
        ([60], [1], [-0.1], [1.0], "start is negative"),
        ([60], [1], [np.nan], [1.0], "not a number"),
        ([60], [1], [1.0], [1.0], "not after its start"),
        ([60], [1], [0.0], [np.inf], "not finite"),
        ([60, 61], [1], [0.0], [1.0], "equal length"),
    ],
)
def test_what_is_no_note_is_refused(
    pitch: list[float], velocity: list[float], start: list[float], end: list[float], reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        Notes.of(pitch, velocity, start, end)


def test_notes_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        CHORD.start[0] = 5.0


def test_equal_means_the_same_notes_whatever_their_order() -> None:
    assert Notes.of([60, 60, 64], [80, 127, 1], [0.0, 0.5, 1.0], [1.0, 3.0, 2.0]) == CHORD
    assert Notes.of([60, 60, 64], [80, 127, 1], [0.0, 0.5, 1.0], [1.0, 3.0, 2.0 + 1e-9]) != CHORD
    assert Notes.none() == Notes.none()
    assert Notes.none() != "no notes"


def test_duration_and_length() -> None:
    assert (len(CHORD), CHORD.duration) == (3, 3.0)
    assert (len(Notes.none()), Notes.none().duration) == (0, 0.0)


def test_slicing_keeps_what_is_struck_inside_and_ends_it_there() -> None:
    assert rows(CHORD.sliced(0.5, 2.5)) == [(60, 127, 0.0, 2.0), (64, 1, 0.5, 1.5)]
    assert CHORD.sliced() == CHORD
    assert len(CHORD.sliced(5.0)) == 0


def test_concatenation_is_the_other_way_round_from_slicing() -> None:
    first, second = Notes.of([60], [1], [0.0], [1.0]), Notes.of([62], [2], [1.5], [3.0])
    whole = concatenated([second, first])
    assert rows(whole) == [(60, 1, 0.0, 1.0), (62, 2, 1.5, 3.0)]
    assert whole.sliced(0.0, 1.0) == first
    assert concatenated([]) == Notes.none()


def test_the_first_struck_is_the_first_to_end() -> None:
    nested = Notes.of([60, 60, 62], [10, 20, 30], [0.0, 1.0, 0.0], [3.0, 2.0, 9.0])
    assert rows(nested.first_in_first_out()) == [(60, 10, 0.0, 2.0), (62, 30, 0.0, 9.0), (60, 20, 1.0, 3.0)]
    assert CHORD.first_in_first_out() is CHORD


@pytest.mark.parametrize(
    ("pitch", "name"), [(21, "A0"), (60, "C4"), (61, "C♯4"), (70, "B♭4"), (108, "C8"), (0, "C-1"), (127, "G9")]
)
def test_pitches_by_their_names(pitch: int, name: str) -> None:
    assert pitch_name(pitch) == name


def test_what_there_is_of_them_in_a_line() -> None:
    assert summary(CHORD) == "3 notes in 3.0 seconds, from C4 to E4, median velocity 80"
    assert summary(Notes.none()) == "no notes"
