"""What the left hand plays: one figure a style, over one chord at a time."""

from collections.abc import Callable
from typing import NamedTuple

from gpt2kit.samples.music.harmony import Chord, Key

LOW, MIDDLE = 40, 52
"""The lowest notes of basses and of chords, as MIDI notes: E2 and E3."""


class Struck(NamedTuple):
    beat: float
    """Quarters since the chord began."""
    length: float
    pitch: int
    is_bass: bool


def tones_from(lowest: int, key: Key, chord: Chord, first: int = 0) -> list[int]:
    """Six tones of a chord going up as MIDI notes, the first at or just above `lowest`: the one with this number."""
    piled = [key.pitch(step, chord.scale) for step in chord.steps()]
    begin = lowest + (piled[first] - lowest) % 12
    return sorted(begin + (pitch - piled[first]) % 12 + 12 * octave for pitch in piled for octave in range(3))[:6]


def close(key: Key, chord: Chord) -> list[int]:
    """Three tones of a chord side by side, in whichever position lies lowest; a seventh replaces the fifth."""
    kept = [chord.steps()[place] for place in ((0, 1, 2) if chord.size == 3 else (0, 1, 3))]
    return sorted(MIDDLE + (key.pitch(step, chord.scale) - MIDDLE) % 12 for step in kept)


def alberti(key: Key, chord: Chord, length: float) -> list[Struck]:
    """Lowest, highest, middle, highest, in eighths."""
    low, middle, high = close(key, chord)
    figure = (low, high, middle, high)
    return [Struck(place / 2, 0.5, figure[place % 4], place % 4 == 0) for place in range(int(length * 2))]


def broken(key: Key, chord: Chord, length: float) -> list[Struck]:
    """From the bass up and down again over an octave and a half, in eighths."""
    tones = tones_from(LOW, key, chord, chord.inversion)
    figure = {8: (0, 2, 3, 4, 5, 4, 3, 2), 6: (0, 2, 3, 4, 3, 2), 4: (0, 2, 3, 4), 3: (0, 2, 3)}[int(length * 2)]
    return [Struck(place / 2, 0.5, tones[tone], place == 0) for place, tone in enumerate(figure)]


def waltz(key: Key, chord: Chord, length: float) -> list[Struck]:
    """The bass, then the chord on each other beat."""
    bass = tones_from(LOW, key, chord, chord.inversion)[0]
    chords = [Struck(float(beat), 0.5, pitch, False) for beat in range(1, int(length)) for pitch in close(key, chord)]
    return [Struck(0.0, 0.9, bass, True), *chords]


def hymn(key: Key, chord: Chord, length: float) -> list[Struck]:
    """The bass and the chord, every two beats."""
    pitches = [tones_from(LOW, key, chord, chord.inversion)[0], *close(key, chord)]
    return [
        Struck(float(beat), 2.0, pitch, pitch == pitches[0]) for beat in range(0, int(length), 2) for pitch in pitches
    ]


class Style(NamedTuple):
    metre: str
    tempos: tuple[int, ...]
    """Quarters a minute, one of which a piece has."""
    figure: Callable[[Key, Chord, float], list[Struck]]
    is_pedalled: bool
    form: str
    """The phrases: a question, an answer with the same beginning, a contrasting middle."""


STYLES = {
    "sonatina": Style("4/4", (104, 112, 120), alberti, False, "ABCB"),
    "nocturne": Style("4/4", (80, 88, 96), broken, True, "ABCB"),
    "barcarolle": Style("6/8", (92, 100, 108), broken, True, "ABCB"),
    "waltz": Style("3/4", (144, 156, 168), waltz, True, "ABCBCB"),
    "hymn": Style("4/4", (84, 92, 100), hymn, True, "ABCB"),
}
