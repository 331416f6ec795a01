"""Melodies: two motifs of a rhythm and a contour each, moved along with the harmony."""

from random import Random
from typing import NamedTuple

from gpt2kit.samples.music.harmony import Bars, Chord

RHYTHMS: dict[str, tuple[tuple[float, ...], ...]] = {
    "4/4": ((1, 1, 1, 1), (1.5, 0.5, 1, 1), (2, 1, 1), (1, 0.5, 0.5, 2), (1, 1, 0.5, 0.5, 1), (3, 1)),
    "3/4": ((1, 1, 1), (2, 1), (1.5, 0.5, 1), (1, 0.5, 0.5, 1)),
    "6/8": ((1, 0.5, 1, 0.5), (1.5, 0.5, 0.5, 0.5), (1.5, 1, 0.5), (0.5, 0.5, 0.5, 1, 0.5)),
}
"""How a bar is divided, in quarters."""
BEATS = {"4/4": 4.0, "3/4": 3.0, "6/8": 3.0}
"""Quarters in a bar."""
CONTOURS: dict[int, tuple[tuple[int, ...], ...]] = {
    2: ((0, 1), (0, -1), (0, 2)),
    3: ((0, 1, 2), (0, -1, -2), (0, 2, 1), (0, 1, -1)),
    4: ((0, 1, 2, 1), (0, -1, 0, 2), (0, 2, 1, 0), (0, 1, 2, 4), (0, -1, -2, -1)),
    5: ((0, 1, 2, 1, 0), (0, 2, 1, 0, -1), (0, 1, 2, 3, 4), (0, -1, 0, 1, 2)),
}
"""Steps from the first note of a motif, by how many notes it has."""
LOWEST, HIGHEST = -2, 10
"""Steps from the tonic that a melody keeps within."""


class Tone(NamedTuple):
    beat: float
    """Quarters since the phrase began."""
    length: float
    step: int
    chord: Chord


class Motif(NamedTuple):
    rhythm: tuple[float, ...]
    contour: tuple[int, ...]

    @classmethod
    def drawn(cls, metre: str, dice: Random) -> "Motif":
        rhythm = dice.choice(RHYTHMS[metre])
        return cls(rhythm, dice.choice(CONTOURS[len(rhythm)]))


def spans(bars: Bars, metre: str) -> list[tuple[float, float, Chord]]:
    """(beat, length, chord) of each chord of a phrase."""
    length, found = BEATS[metre], []
    for number, chords in enumerate(bars):
        first = length if len(chords) == 1 else {4.0: 2.0, 3.0: 1.5 if metre == "6/8" else 2.0}[length]
        begin = number * length
        for chord, start, stop in zip(chords, (0.0, first), (first, length), strict=False):
            found.append((begin + start, stop - start, chord))
    return found


def phrase(bars: Bars, metre: str, motifs: tuple[Motif, Motif], height: int, is_closed: bool) -> list[Tone]:
    """A melody over four bars: a motif, the same over the next chord, the other, and a long note.

    It rises from `height` (steps above the tonic) to the third bar. A closed one ends on the tonic.
    """
    beats, found = BEATS[metre], list[Tone]()
    chords = spans(bars, metre)
    for bar, (motif, rise) in enumerate(zip((motifs[0], motifs[0], motifs[1]), (0, 1, 2), strict=True)):
        beat = bar * beats
        anchor = nearest(height + rise, chord_at(chords, beat))
        for length, move in zip(motif.rhythm, motif.contour, strict=True):
            chord = chord_at(chords, beat)
            step = max(LOWEST, min(HIGHEST, anchor + move))
            is_strong = beat % beats in (0.0, beats / 2) or length >= 1.5
            found.append(Tone(beat, length, nearest(step, chord) if is_strong else step, chord))
            beat += length
    last = chords[-1][2]
    end = 7 * round(found[-1].step / 7) if is_closed else nearest(found[-1].step - 1, last)
    found.append(Tone(3 * beats, beats * 0.75 if metre == "4/4" else beats * 2 / 3, end, last))
    return found


def nearest(step: int, chord: Chord) -> int:
    """The tone of the chord that is nearest, the lower of two."""
    return min(range(step - 3, step + 4), key=lambda other: (not chord.has(other), abs(other - step), other))


def chord_at(chords: list[tuple[float, float, Chord]], beat: float) -> Chord:
    return next(chord for start, length, chord in chords if start <= beat < start + length)


def ornamented(tones: list[Tone]) -> list[Tone]:
    """Notes of a quarter, every other one, become two eighths: the note and its upper neighbour."""
    found = []
    for number, tone in enumerate(tones):
        if tone.length == 1 and number % 2 and tone.step < HIGHEST:
            half = tone._replace(length=0.5)
            found += [half, half._replace(beat=tone.beat + 0.5, step=tone.step + 1)]
        else:
            found.append(tone)
    return found
