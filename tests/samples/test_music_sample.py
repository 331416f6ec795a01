"""The embedded piano pieces: what their program composes, held out as promised, and music by rules that can be told."""

import csv
import io
import zipfile
from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
import pretty_midi
import pytest

from gpt2kit.music.analysis import statistics
from gpt2kit.music.analysis.copying import TrainingPieces
from gpt2kit.music.corpus.sources import Piece, pieces
from gpt2kit.music.midi import parse_midi
from gpt2kit.samples.music import compose
from gpt2kit.samples.music.accompaniment import LOW, STYLES, close, tones_from
from gpt2kit.samples.music.harmony import BEGINNINGS, CONTRASTS, FULL_CADENCES, HALF_CADENCES, Key, bars, chord
from gpt2kit.samples.music.melody import BEATS, CONTOURS, RHYTHMS, Motif, phrase, spans

ARCHIVE = Path(compose.__file__).with_name(compose.ARCHIVE)
COMPOSED = list(compose.pieces())


@pytest.fixture(scope="module")
def read() -> dict[str, Piece]:
    """By the name of the file; anything that is no piece fails."""
    found = {}
    for item in pieces([str(ARCHIVE)]):
        assert isinstance(item, Piece)
        found[item.name.rpartition("/")[2]] = item
    return found


def test_the_archive_is_what_the_program_composes(read: dict[str, Piece]) -> None:
    assert list(read) == [piece.name for piece in COMPOSED]
    for piece in COMPOSED:
        assert parse_midi(piece.performance.content).notes == read[piece.name].notes, (
            "run python -m gpt2kit.samples.music.compose"
        )
    with zipfile.ZipFile(ARCHIVE) as file, zipfile.ZipFile(io.BytesIO(compose.archive())) as again:
        assert file.namelist() == again.namelist()
        assert file.read(compose.TABLE) == again.read(compose.TABLE)


def test_sizes(read: dict[str, Piece]) -> None:
    assert ARCHIVE.stat().st_size < 100_000
    assert Counter(piece.split for piece in read.values()) == {"train": 42, "val": 6}
    assert 30_000 < sum(len(piece.ids) for piece in read.values()) < 50_000
    for piece in read.values():
        assert 20 < piece.notes.duration < 60
        assert not piece.dropped


def test_the_table_says_title_split_and_duration(read: dict[str, Piece]) -> None:
    with zipfile.ZipFile(ARCHIVE) as file:
        rows = list(csv.DictReader(io.StringIO(file.read(compose.TABLE).decode())))
    assert {row["split"] for row in rows} == {"train", "validation"}
    for row in rows:
        assert row["canonical_title"].split()[0].lower() in row["midi_filename"]
        assert float(row["duration"]) == pytest.approx(read[row["midi_filename"]].notes.duration, abs=1)


def test_validation_combines_anew_what_is_trained_on() -> None:
    trained = [piece for piece in COMPOSED if piece.split == "train"]
    heldout = [piece for piece in COMPOSED if piece.split == "validation"]
    assert not {(piece.style, piece.key) for piece in heldout} & {(piece.style, piece.key) for piece in trained}
    assert {piece.style for piece in heldout} == {piece.style for piece in trained} == set(STYLES)
    assert {piece.key for piece in heldout} <= {piece.key for piece in trained} == set(compose.KEYS)


def test_no_piece_copies_another(read: dict[str, Piece]) -> None:
    """Less than a phrase of four bars is the same anywhere, in any key."""
    trained = {name: piece for name, piece in read.items() if piece.split == "train"}
    for name, piece in read.items():
        others = TrainingPieces((other, found.notes) for other, found in trained.items() if other != name)
        assert others.longest_copied(piece.notes).notes < len(piece.notes) / 3


def test_pieces_keep_to_a_key_and_are_played_with_expression(read: dict[str, Piece]) -> None:
    for piece in read.values():
        assert statistics.pitch_class_entropy(piece.notes) < 3.1
        assert len(np.unique(piece.notes.velocity)) > 20
        assert piece.notes.pitch.min() >= 36
        assert piece.notes.pitch.max() <= 108


def test_pieces_end_on_their_tonic(read: dict[str, Piece]) -> None:
    """The pedal holds the last chord alone."""
    for piece in COMPOSED:
        notes = read[piece.name].notes
        last = notes.pitch[notes.end > notes.duration - 0.01].astype(int)
        tonic = piece.key.pitch(0, chord("I", piece.key.mode).scale)
        assert (last.min() - tonic) % 12 == 0
        assert set(((last - tonic) % 12).tolist()) == {0, 4 if piece.key.mode == "major" else 3, 7}


def test_pieces_slow_down_at_the_end(read: dict[str, Piece]) -> None:
    """A sonatina goes in eighths to the last chord."""
    for name in (name for name in read if "sonatina" in name):
        onsets = read[name].notes.start
        eighths = np.diff(onsets[np.diff(onsets, prepend=-1) > 0.1])
        assert eighths[-5:-1].mean() > 1.15 * np.median(eighths)


def test_the_pedal_changes_with_the_harmony() -> None:
    for piece in COMPOSED:
        midi = pretty_midi.PrettyMIDI(io.BytesIO(piece.performance.content))
        moves = midi.instruments[0].control_changes
        assert {move.number for move in moves} == {64}
        values = [move.value for move in moves]
        assert values[-1] == 0
        assert values.count(127) >= (16 if STYLES[piece.style].is_pedalled else 1)
        assert all(first != second for first, second in pairwise(values))


TEXTS = [
    (text, mode)
    for mode in ("major", "minor")
    for text in (*BEGINNINGS, *HALF_CADENCES, *FULL_CADENCES, *CONTRASTS[mode])
]


@pytest.mark.parametrize(
    ("name", "mode", "pitch_classes"),
    [
        ("I", "major", [0, 4, 7]),
        ("II6", "major", [2, 5, 9]),
        ("V7", "major", [7, 11, 2, 5]),
        ("V7/V", "major", [2, 6, 9, 0]),
        ("I", "minor", [0, 3, 7]),
        ("V7", "minor", [7, 11, 2, 5]),
        ("VII", "minor", [10, 2, 5]),
        ("V7/V", "minor", [2, 6, 9, 0]),
    ],
)
def test_chords_are_spelled_as_in_textbooks(name: str, mode: str, pitch_classes: list[int]) -> None:
    found = chord(name, mode)
    assert [Key("C", mode).pitch(step, found.scale) % 12 for step in found.steps()] == pitch_classes


@pytest.mark.parametrize(("text", "mode"), TEXTS)
def test_the_left_hand_plays_the_chord_over_its_bass(text: str, mode: str) -> None:
    for key in (Key(name, mode) for name in ("C", "D", "E", "F", "G", "A")):
        for harmony in (harmony for bar in bars(text, mode) for harmony in bar):
            tones = [key.pitch(step, harmony.scale) % 12 for step in harmony.steps()]
            bass = tones_from(LOW, key, harmony, harmony.inversion)[0]
            assert bass % 12 == tones[harmony.inversion]
            assert LOW <= bass < LOW + 12
            assert {pitch % 12 for pitch in close(key, harmony)} <= set(tones)
            for style in STYLES.values():
                beats = BEATS[style.metre]
                struck = style.figure(key, harmony, beats)
                assert {note.pitch % 12 for note in struck} <= set(tones)
                assert all(note.beat + note.length <= beats for note in struck)


@pytest.mark.parametrize("metre", RHYTHMS)
def test_every_rhythm_fills_its_bar_and_has_contours(metre: str) -> None:
    for rhythm in RHYTHMS[metre]:
        assert sum(rhythm) == BEATS[metre]
        assert all(len(contour) == len(rhythm) for contour in CONTOURS[len(rhythm)])


@pytest.mark.parametrize("metre", RHYTHMS)
def test_an_answer_begins_as_its_question_and_ends_on_the_tonic(metre: str) -> None:
    for rhythm in RHYTHMS[metre]:
        motifs = (
            Motif(rhythm, CONTOURS[len(rhythm)][0]),
            Motif(RHYTHMS[metre][0], (0, 1, 2, 1)[: len(RHYTHMS[metre][0])]),
        )
        question = phrase(bars("I | VI | IV | V", "major"), metre, motifs, 2, is_closed=False)
        answer = phrase(bars("I | VI | II6 V7 | I", "major"), metre, motifs, 2, is_closed=True)
        shared = 2 * len(rhythm)
        assert [tone.step for tone in question[:shared]] == [tone.step for tone in answer[:shared]]
        assert question[-1].step % 7 in (4, 6, 1)
        assert answer[-1].step % 7 == 0
        for tone in (*question, *answer):
            if tone.beat % BEATS[metre] == 0:
                assert tone.chord.has(tone.step)


def test_two_chords_share_a_bar() -> None:
    four = spans(bars("II6 V7 | I", "major"), "4/4")
    assert [(beat, length) for beat, length, _ in four] == [(0, 2), (2, 2), (4, 4)]
    assert [(beat, length) for beat, length, _ in spans(bars("II6 V7", "major"), "3/4")] == [(0, 2), (2, 1)]
    assert [(beat, length) for beat, length, _ in spans(bars("II6 V7", "major"), "6/8")] == [(0, 1.5), (1.5, 1.5)]
