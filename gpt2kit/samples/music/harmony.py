"""Keys, chords, and the progressions of a phrase of four bars."""

from random import Random
from typing import NamedTuple

SCALES = {
    "major": (0, 2, 4, 5, 7, 9, 11),
    "minor": (0, 2, 3, 5, 7, 8, 10),
    # Over a dominant, minor leads upward; over the dominant of the dominant, the fourth does.
    "minor dominant": (0, 2, 3, 5, 7, 9, 11),
    "major applied": (0, 2, 4, 6, 7, 9, 11),
    "minor applied": (0, 2, 3, 6, 7, 9, 10),
}
TONICS = {"C": 72, "D": 74, "E": 76, "F": 65, "G": 67, "A": 69}
"""The tonic that the melody lies around, as a MIDI note."""
DEGREES = ("I", "II", "III", "IV", "V", "VI", "VII")

BEGINNINGS = ("I | VI", "I | IV", "I | I6", "I | V6")
HALF_CADENCES = ("IV | V", "II6 | V", "V7/V | V")
FULL_CADENCES = ("II6 V7 | I", "IV V7 | I", "V7 | I")
CONTRASTS = {
    "major": ("VI | III | IV | V7", "IV | I6 | II6 | V7", "II | VI | V7/V | V7", "V | I6 | V7/V | V7"),
    "minor": ("III | VII | VI | V7", "IV | I6 | II6 | V7", "VI | III | V7/V | V7", "III | VI | IV | V7"),
}


class Key(NamedTuple):
    name: str
    """C, D, ..."""
    mode: str
    """major or minor."""

    def pitch(self, step: int, scale: tuple[int, ...]) -> int:
        """The MIDI note `step` steps of a scale above the tonic around which the melody lies."""
        return TONICS[self.name] + 12 * (step // 7) + scale[step % 7]


class Chord(NamedTuple):
    root: int
    """Its degree of the scale, 0 for I."""
    size: int
    """How many thirds are piled up, the root counted: 3 or 4."""
    inversion: int
    """Which of its tones is in the bass: 0 for the root, 1 for the third."""
    scale: tuple[int, ...]

    def steps(self) -> list[int]:
        """Its tones as steps above the tonic, from the root up."""
        return [self.root + 2 * third for third in range(self.size)]

    def has(self, step: int) -> bool:
        return any((step - tone) % 7 == 0 for tone in self.steps())


Bars = list[list[Chord]]
"""The chords of each bar, equally long but for the odd beat, which the first has."""


def chord(name: str, mode: str) -> Chord:
    """I, V7, II6, V7/V and so on; which third it has follows from the mode."""
    if name.endswith("/V"):
        return Chord(1, 4, 0, SCALES[f"{mode} applied"])
    degree = name.rstrip("67")
    is_dominant = degree == "V" and mode == "minor"
    return Chord(
        DEGREES.index(degree),
        4 if name.endswith("7") else 3,
        1 if name.endswith("6") else 0,
        SCALES["minor dominant" if is_dominant else mode],
    )


def bars(text: str, mode: str) -> Bars:
    return [[chord(name, mode) for name in bar.split()] for bar in text.split(" | ")]


class Plan(NamedTuple):
    """The progressions of the phrases A, A' and B."""

    beginning: str
    half: str
    full: str
    contrast: str

    @classmethod
    def drawn(cls, mode: str, dice: Random) -> "Plan":
        return cls(*(dice.choice(texts) for texts in (BEGINNINGS, HALF_CADENCES, FULL_CADENCES, CONTRASTS[mode])))

    def question(self, mode: str) -> Bars:
        return bars(f"{self.beginning} | {self.half}", mode)

    def answer(self, mode: str) -> Bars:
        return bars(f"{self.beginning} | {self.full}", mode)

    def middle(self, mode: str) -> Bars:
        return bars(self.contrast, mode)
