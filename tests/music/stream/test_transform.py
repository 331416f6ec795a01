"""Cropped, transposed and stretched streams, against the encoding of changed notes."""

from collections.abc import Callable

import numpy as np
import pytest

from gpt2kit.music.notes import Notes
from gpt2kit.music.stream import encoding, transform
from gpt2kit.music.stream.encoding import decode, encode
from gpt2kit.music.stream.events import BEGIN, END, NOTE_OFF, TIME_SHIFT, VELOCITY
from gpt2kit.music.stream.transform import crop, stretch, transpose

RandomNotes = Callable[..., Notes]


def test_crops_begin_with_the_velocity_in_force(random_notes: RandomNotes) -> None:
    ids = encode(random_notes(3, count=300))
    for start in range(0, len(ids), 7):
        part = crop(ids, start, 50)
        before = [id for id in ids[:start].tolist() if id >= VELOCITY]
        plain = ids[start : start + 50].tolist()
        if not before or plain[0] >= VELOCITY:
            assert part.tolist() == plain
        else:
            assert part.tolist() == [before[-1], *plain[:49]]


def test_a_crop_of_a_row_of_pieces_does_not_take_the_velocity_of_another() -> None:
    piece = encode(Notes.of([60], [64], [0.0], [1.0])).tolist()
    row = [*piece, END, BEGIN, 60, TIME_SHIFT]
    assert crop(row, len(piece) + 2, 10).tolist() == [60, TIME_SHIFT]


def test_the_velocity_in_force_is_found_however_far_back() -> None:
    ids = [VELOCITY + 5, *[60, NOTE_OFF + 60] * 3000]
    assert transform.sounding_velocity(ids, len(ids)) == VELOCITY + 5
    assert transform.sounding_velocity(ids[1:], 5000) is None


@pytest.mark.parametrize("semitones", [-3, -1, 0, 2, 3])
def test_transposing_moves_every_note_and_nothing_else(random_notes: RandomNotes, semitones: int) -> None:
    notes = random_notes(4)
    moved = Notes(notes.pitch + np.uint8(semitones % 256), notes.velocity, notes.start, notes.end)
    assert transpose(encode(notes), semitones).tolist() == encode(moved).tolist()


def test_transposing_out_of_range_changes_nothing() -> None:
    ids = encode(Notes.of([1, 60], [64, 64], [0.0, 0.5], [1.0, 2.0]))
    assert transpose(ids, -1).tolist() != ids.tolist()
    assert transpose(ids, -2).tolist() == ids.tolist()
    assert transpose(transpose(ids, 67), -67).tolist() == ids.tolist()
    assert transpose(ids, 68).tolist() == ids.tolist()


@pytest.mark.parametrize("factor", [0.95, 0.975, 1.0, 1.025, 1.05, 0.1, 3.0])
def test_stretching_is_encoding_anew_at_other_times(random_notes: RandomNotes, factor: float) -> None:
    for seed in range(10):
        notes = decode(encode(random_notes(seed)))
        start, end = (np.floor(np.rint(times * 100) * factor + 0.5) / 100 for times in (notes.start, notes.end))
        slower = Notes(notes.pitch, notes.velocity, start, np.maximum(end, start + 0.01))
        assert stretch(encode(notes), factor).tolist() == encode(slower).tolist()


def test_stretching_keeps_what_a_crop_holds() -> None:
    wait = TIME_SHIFT + 99
    crop_of_two = [VELOCITY, NOTE_OFF + 60, wait, 62, wait, END, BEGIN, 64, wait, wait]
    stretched = stretch(crop_of_two, 1.5).tolist()
    marks = [id for id in stretched if id >= BEGIN or id < TIME_SHIFT]
    assert marks == [NOTE_OFF + 60, 62, END, BEGIN, 64]
    assert encoding.seconds(stretched) == 6.0
