"""Samples compared with real music: the figures are those of the parts, and a copy is recognised."""

import json

import numpy as np
import pytest

from gpt2kit.errors import DataError
from gpt2kit.music.analysis.copying import TrainingPieces
from gpt2kit.music.analysis.judge import EXCERPTS, judge
from gpt2kit.music.analysis.statistics import compare
from gpt2kit.music.notes import Notes


def piece(seed: int, seconds: float = 60.0) -> Notes:
    generator = np.random.default_rng(seed)
    start = np.sort(generator.uniform(0, seconds - 1, int(5 * seconds)))
    pitch, velocity = generator.integers(30, 90, len(start)), generator.integers(20, 120, len(start))
    return Notes.of(pitch, velocity, start, start + 0.2)


def transposed(notes: Notes, semitones: int) -> Notes:
    return Notes.of(notes.pitch.astype(int) + semitones, notes.velocity, notes.start, notes.end)


TRAINING = TrainingPieces((f"piece {seed}", piece(seed)) for seed in range(4))
HELD_OUT = [piece(seed) for seed in range(10, 14)]


def test_a_copy_is_seen_in_any_key() -> None:
    excerpt = transposed(piece(2).sliced(10, 20), 5)
    found = judge([piece(20, 10.0), excerpt], HELD_OUT, TRAINING)
    assert (found.copied.piece, found.copied.semitones) == ("piece 2", 5)
    assert found.copied.notes == len(excerpt)
    assert found.held_out_copied[-1] < len(excerpt) / 2, "music made by chance shares but a few notes"


def test_figures_are_those_of_the_statistics() -> None:
    samples = [piece(20, 10.0), piece(21, 12.0)]
    found = judge(samples, HELD_OUT, TRAINING, seed=3)
    assert found.figures == compare(samples, HELD_OUT, seed=3)


@pytest.mark.parametrize(("seconds", "excerpts"), [(60.0, 4), (20.0, 12), (1.0, EXCERPTS)])
def test_as_many_excerpts_as_there_are_to_a_limit(seconds: float, excerpts: int) -> None:
    found = judge([piece(20, seconds)], HELD_OUT, TRAINING)
    assert len(found.held_out_copied) == excerpts
    assert found.held_out_copied == sorted(found.held_out_copied)


def test_what_is_told() -> None:
    found = judge([piece(20)], HELD_OUT, TRAINING)
    assert json.loads(json.dumps(found.json()))["copied"]["piece"].startswith("piece ")
    assert [line.partition(":")[0] for line in found.lines()][-1] == "longest passage also in training"
    assert len(found.lines()) == len(found.figures) + 1


@pytest.mark.parametrize(("samples", "held_out"), [([Notes.none()], HELD_OUT), ([piece(20)], [Notes.none()])])
def test_without_notes_there_is_nothing_to_judge(samples: list[Notes], held_out: list[Notes]) -> None:
    with pytest.raises(DataError, match="no notes"):
        judge(samples, held_out, TRAINING)
