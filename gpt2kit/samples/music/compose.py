"""Composes the embedded piano pieces: `python -m gpt2kit.samples.music.compose` writes piano.zip next to this file.

Every piece has its style, key, harmonic plan, motifs and tempo from a generator seeded by its number. Some pairs of
style and key are kept for validation, so that those pieces are new combinations.
"""

import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import NamedTuple

from gpt2kit.samples.music.accompaniment import LOW, STYLES, Style, close, tones_from
from gpt2kit.samples.music.harmony import Bars, Key, Plan, chord
from gpt2kit.samples.music.melody import BEATS, Motif, Tone, ornamented, phrase, spans
from gpt2kit.samples.music.performing import BASS, INNER, MELODY, Performance, Played, Score, performed

ARCHIVE = "piano.zip"
TABLE = "piano.csv"
PIECES = 48
KEYS = (
    Key("C", "major"),
    Key("G", "major"),
    Key("D", "major"),
    Key("F", "major"),
    Key("A", "minor"),
    Key("E", "minor"),
    Key("D", "minor"),
)
VALIDATION = {
    ("sonatina", Key("G", "major")),
    ("nocturne", Key("E", "minor")),
    ("barcarolle", Key("F", "major")),
    ("waltz", Key("A", "minor")),
    ("waltz", Key("D", "major")),
    ("hymn", Key("D", "minor")),
}
"""Styles in keys that are trained on only apart from each other."""
EPOCH = (1980, 1, 1, 0, 0, 0)


class Piece(NamedTuple):
    title: str
    split: str
    """As in MAESTRO's table: train or validation."""
    name: str
    """Of its file."""
    style: str
    key: Key
    plan: Plan
    performance: Performance


def pieces() -> Iterator[Piece]:
    """All of them, the same in every run."""
    pairs = [(style, key) for key in KEYS for style in STYLES]
    trained = [pair for pair in pairs if pair not in VALIDATION]
    heldout = sorted(VALIDATION)
    for number in range(PIECES):
        is_heldout = number >= PIECES - len(heldout)
        style, key = heldout[number - PIECES] if is_heldout else trained[number % len(trained)]
        dice = Random(f"piece {number}")
        plan = Plan.drawn(key.mode, dice)
        score = composed(STYLES[style], key, plan, dice)
        yield Piece(
            f"{style.capitalize()} in {key.name} {key.mode}",
            "validation" if is_heldout else "train",
            f"{number + 1:02}-{style}-{key.name}-{key.mode}.midi",
            style,
            key,
            plan,
            performed(score, STYLES[style].is_pedalled, dice),
        )


def composed(style: Style, key: Key, plan: Plan, dice: Random) -> Score:
    motifs = Motif.drawn(style.metre, dice), Motif.drawn(style.metre, dice)
    height, tempo = dice.choice((2, 4)), dice.choice(style.tempos)
    varied = dice.choice(("ornaments", "sixths", "octaves"))
    length = 4 * BEATS[style.metre]
    notes, changes = list[Played](), list[float]()
    for number, part in enumerate(style.form):
        begin = number * length
        bars = {"A": plan.question, "B": plan.answer, "C": plan.middle}[part](key.mode)
        turned = (motifs[1], motifs[0]) if part == "C" else motifs
        tones = phrase(bars, style.metre, turned, height + 2 * (part == "C"), is_closed=part == "B")
        notes += _sung(tones, key, begin, varied if part == "B" and number > 1 else "")
        notes += _accompanied(bars, style, key, begin, is_last=number == len(style.form) - 1)
        changes += [begin + beat for beat, _, _ in spans(bars, style.metre)]
    return Score(notes, changes, length, len(style.form) * length, tempo)


def _sung(tones: list[Tone], key: Key, begin: float, varied: str) -> list[Played]:
    """A phrase of the melody, with the voices that a repetition adds."""
    found = []
    for tone in ornamented(tones) if varied == "ornaments" else tones:
        pitch = key.pitch(tone.step, tone.chord.scale)
        found.append(Played(begin + tone.beat, tone.length, pitch, MELODY))
        if varied == "octaves" and tone.length >= 1:
            found.append(Played(begin + tone.beat, tone.length, pitch + 12, INNER))
        if varied == "sixths" and tone.length >= 1:
            below = next(step for step in range(tone.step - 5, tone.step) if tone.chord.has(step))
            found.append(Played(begin + tone.beat, tone.length, key.pitch(below, tone.chord.scale), INNER))
    return found


def _accompanied(bars: Bars, style: Style, key: Key, begin: float, is_last: bool) -> list[Played]:
    """The left hand under a phrase; the piece ends with a chord that is held."""
    found = []
    chords = spans(bars, style.metre)
    for beat, length, harmony in chords[:-1] if is_last else chords:
        for struck in style.figure(key, harmony, length):
            voice = BASS if struck.is_bass else INNER
            found.append(Played(begin + beat + struck.beat, struck.length, struck.pitch, voice))
    if is_last:
        beat, length, _ = chords[-1]
        tonic = chord("I", key.mode)
        found.append(Played(begin + beat, length, tones_from(LOW, key, tonic)[0], BASS))
        rolled = enumerate(close(key, tonic), 1)
        found += [Played(begin + beat + place / 16, length, pitch, INNER) for place, pitch in rolled]
    return found


def archive() -> bytes:
    """The zip: MIDI files, and a table of their splits in the manner of MAESTRO's."""
    written, table = io.BytesIO(), io.StringIO()
    rows = csv.writer(table, lineterminator="\n")
    rows.writerow(("canonical_title", "split", "midi_filename", "duration"))
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as file:
        for piece in pieces():
            rows.writerow((piece.title, piece.split, piece.name, f"{piece.performance.seconds:.3f}"))
            file.writestr(_entry(piece.name), piece.performance.content, compresslevel=9)
        file.writestr(_entry(TABLE), table.getvalue(), compresslevel=9)
    return written.getvalue()


def _entry(name: str) -> zipfile.ZipInfo:
    """A file with a fixed date: the same music is the same archive."""
    entry = zipfile.ZipInfo(name, EPOCH)
    entry.compress_type = zipfile.ZIP_DEFLATED
    return entry


if __name__ == "__main__":
    Path(__file__).with_name(ARCHIVE).write_bytes(archive())
