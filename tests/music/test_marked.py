"""Which notes of a performance are a model's."""

from gpt2kit.music.marked import Marked
from gpt2kit.music.notes import Notes

NOTES = Notes.of([60, 60, 64, 67], [50, 70, 60, 60], [0.0, 0.0, 1.0, 2.0], [1.0, 1.0, 2.0, 3.0])


def test_given_notes_are_known_by_key_velocity_and_time() -> None:
    """Each stands for one note of two in unison; how long it sounds does not matter."""
    given = Notes.of([60, 67], [70, 60], [0.0, 2.0], [0.5, 9.0])
    piece = Marked.among(NOTES, given)
    assert piece.given is not None
    assert piece.given.tolist() == [False, True, False, True]
    assert (piece.new.pitch.tolist(), piece.new.velocity.tolist()) == ([60, 64], [50, 60])
    assert piece.outside == []


def test_a_part() -> None:
    piece = Marked.among(NOTES, Notes.of([67], [60], [2.0], [3.0]), 1.0, 2.5)
    assert (piece.new.pitch.tolist(), piece.new.start.tolist()) == ([64], [0.0])
    assert piece.outside == [(0.0, 1.0), (2.5, 3.0)]
    assert Marked(NOTES, 1.0, 2.0).new.pitch.tolist() == [64]
