"""Turns a score into a performance with a flexible tempo, dynamics and pedalling, as a MIDI file."""

import io
import math
from random import Random
from typing import NamedTuple

from pretty_midi import ControlChange, Instrument, Note, PrettyMIDI

TICKS_A_SECOND = 1000
GRID = 4
"""Tempo is constant for a quarter of a beat."""
MELODY, BASS, INNER = "melody", "bass", "inner"
LOUDNESS = {MELODY: 80, BASS: 60, INNER: 50}
LATE = {MELODY: 0.0, BASS: 0.01, INNER: 0.01}
"""Seconds: a pianist's melody comes a little before what accompanies it."""
LEGATO = {MELODY: 1.0, BASS: 0.95, INNER: 0.9}


class Played(NamedTuple):
    beat: float
    length: float
    pitch: int
    voice: str


class Score(NamedTuple):
    notes: list[Played]
    changes: list[float]
    """Beats at which the harmony does."""
    phrase: float
    """Beats of a phrase."""
    beats: float
    """Of the whole, with the last chord."""
    tempo: int


class Performance(NamedTuple):
    content: bytes
    """Of its MIDI file."""
    seconds: float


def performed(score: Score, is_pedalled: bool, dice: Random) -> Performance:
    """Without a pedal, it is still pressed for the last chord."""
    seconds = _Clock(score)
    piano = Instrument(program=0, name="Piano")
    for note in sorted(score.notes):
        start = seconds(note.beat) + LATE[note.voice] + dice.gauss(0, 0.003)
        length = (seconds(note.beat + note.length) - seconds(note.beat)) * LEGATO[note.voice]
        begin = max(_rounded(start), 0.0)
        end = max(_rounded(start + length), begin + 0.05)
        piano.notes.append(Note(_velocity(note, score, dice), note.pitch, begin, end))
    _separated(piano.notes)
    last = max(note.end for note in piano.notes)
    for change in score.changes if is_pedalled else score.changes[-1:]:
        at = seconds(change)
        # The pedal lifts as the new chord is struck, so that no gap is heard.
        moves = ((0.02, 0), (0.14, 127)) if change else ((0.14, 127),)
        piano.control_changes += [ControlChange(64, value, _rounded(at + late)) for late, value in moves]
    piano.control_changes.append(ControlChange(64, 0, _rounded(last + 0.5)))
    midi = PrettyMIDI(resolution=TICKS_A_SECOND // 2, initial_tempo=120.0)
    midi.instruments.append(piano)
    written = io.BytesIO()
    midi.write(written)
    return Performance(written.getvalue(), last)


class _Clock:
    """Beats to seconds: a phrase hurries a little to its middle and takes its time at the end."""

    def __init__(self, score: Score) -> None:
        self.begins = [0.0]
        for place in range(int(score.beats * GRID) + 4 * GRID):
            beat = place / GRID
            self.begins.append(self.begins[-1] + 60 / (score.tempo * _pace(beat, score)) / GRID)

    def __call__(self, beat: float) -> float:
        place = int(beat * GRID)
        begin, end = self.begins[place], self.begins[place + 1]
        return begin + (end - begin) * (beat * GRID - place)


def _pace(beat: float, score: Score) -> float:
    """The tempo at a beat as a part of the piece's."""
    within = beat % score.phrase / score.phrase
    left = score.beats - beat
    arch = 0.97 + 0.06 * math.sin(math.pi * within) - (0.08 if within > 0.9 else 0.0)
    return arch * (0.72 if left <= 6 else 1.0)


def _velocity(note: Played, score: Score, dice: Random) -> int:
    """Louder to the middle of a phrase, on the first beat and in the middle of a piece; fading at its end."""
    within = note.beat % score.phrase / score.phrase
    through = note.beat / score.beats
    swell = 9 * math.sin(math.pi * within) + 8 * math.sin(math.pi * min(through * 1.2, 1.0)) - 3
    accent = 4 if note.beat % (score.phrase / 4) == 0 else 0
    return max(20, min(115, round(LOUDNESS[note.voice] + swell + accent + dice.gauss(0, 1.2))))


def _separated(notes: list[Note]) -> None:
    """End each note before its key is struck again; of two notes that start together on one key, keep the first."""
    notes.sort(key=lambda note: (note.pitch, note.start))
    kept: list[Note] = []
    for note in notes:
        before = kept[-1] if kept and kept[-1].pitch == note.pitch else None
        if before is not None and note.start < before.start + 0.05:
            before.velocity = max(before.velocity, note.velocity)
            before.end = max(before.end, note.end)
            continue
        if before is not None and before.end > note.start - 0.01:
            before.end = max(_rounded(note.start - 0.01), before.start + 0.02)
        kept.append(note)
    notes[:] = sorted(kept, key=lambda note: (note.start, note.pitch))


def _rounded(seconds: float) -> float:
    return round(seconds * TICKS_A_SECOND) / TICKS_A_SECOND
