"""Judges samples by more than their likelihood: how close they are to real music, and how much they copy."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from gpt2kit.music.analysis.copying import Copied, TrainingPieces
from gpt2kit.music.analysis.statistics import Figure, compare, excerpts
from gpt2kit.music.notes import Notes

EXCERPTS = 50
"""Excerpts of held-out music, each as long as a sample, which show how much occurs in the training pieces by chance."""


@dataclass(frozen=True)
class Judgement:
    """Samples compared with held-out performances and the training pieces."""

    figures: list[Figure]
    copied: Copied
    """The longest passage that any of the samples shares with a training piece."""
    held_out_copied: list[int]
    """The same for each excerpt of held-out music (N,), in notes, sorted."""

    def json(self) -> dict[str, Any]:
        return {
            "statistics": [figure.json() for figure in self.figures],
            "copied": self.copied.json(),
            "held_out_copied": self.held_out_copied,
        }

    def lines(self) -> list[str]:
        """One line per figure, for people."""
        usual = self.held_out_copied
        chance = f"held-out music: median {usual[len(usual) // 2]}, at most {usual[-1]}"
        return [*map(str, self.figures), f"longest passage also in training: {self.copied} ({chance})"]


def judge(samples: Sequence[Notes], held_out: Sequence[Notes], training: TrainingPieces, seed: int = 0) -> Judgement:
    """Raises DataError if the samples or the held-out music contain no notes."""
    figures = compare(samples, held_out, seed)
    length = float(np.mean([notes.duration for notes in samples if len(notes)]))
    parts = [part for notes in held_out if len(notes) for part in excerpts(notes, length)]
    drawn = np.random.default_rng(seed).permutation(len(parts))[:EXCERPTS]
    copied = [training.longest_copied(notes) for notes in samples]
    usual = sorted(training.longest_copied(parts[index]).notes for index in drawn)
    return Judgement(figures, max(copied, key=lambda one: one.notes), usual)
