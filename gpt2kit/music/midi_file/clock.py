"""The tempo map of a MIDI file: converts ticks to seconds and back."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gpt2kit.music.midi_file.smf import MidiError

DEFAULT_BEAT = 500_000
"""Microseconds per beat without a tempo: 120 beats a minute."""

Ticks = NDArray[np.int64]
Seconds = NDArray[np.float64]


class Clock:
    """Converts the ticks of a file to seconds, and seconds to ticks."""

    def __init__(self, tempos: Sequence[tuple[int, int]], ticks_a_beat: int, ticks_a_second: float) -> None:
        """`tempos`: the tick and the microseconds per beat of each tempo, in order of the ticks; those of a file whose
        ticks are parts of a second have no effect."""
        if ticks_a_second:
            self.ticks, self.scales = np.zeros(1, np.int64), np.array([1 / ticks_a_second])
        else:
            self.ticks, self.scales = _tempos(tempos, ticks_a_beat)
        # Counted from the last change and not from 0, as pretty_midi does: equal to the last bit.
        self.begins = np.concatenate(([0.0], np.cumsum(self.scales[:-1] * np.diff(self.ticks))))

    def seconds(self, ticks: ArrayLike) -> Seconds:
        ticks = np.asarray(ticks, np.int64)
        if len(self.ticks) == 1:  # most performances have one tempo
            return self.begins[0] + self.scales[0] * ticks
        tempo = np.searchsorted(self.ticks, ticks, "right") - 1
        return self.begins[tempo] + self.scales[tempo] * (ticks - self.ticks[tempo])

    def nearest(self, seconds: ArrayLike) -> Ticks:
        """The ticks nearest to times."""
        seconds = np.asarray(seconds, np.float64)
        tempo = np.searchsorted(self.begins, seconds, "right") - 1
        return self.ticks[tempo] + np.rint((seconds - self.begins[tempo]) / self.scales[tempo]).astype(np.int64)

    def first(self, seconds: float) -> int:
        """The first tick that is not before a time."""
        tick = max(0, int(self.nearest(seconds)) - 2)
        while self.seconds(tick) < seconds:
            tick += 1
        return tick


def _tempos(tempos: Sequence[tuple[int, int]], ticks_a_beat: int) -> tuple[Ticks, Seconds]:
    """When each tempo begins and its seconds per tick; the first begins at 0, and each differs from the previous
    one."""
    if any(beat <= 0 for _, beat in tempos):
        raise MidiError("damaged", "a tempo is 0")
    ticks, beats = np.array([(0, DEFAULT_BEAT), *tempos], np.int64).T
    in_force = np.append(np.diff(ticks) > 0, True)  # the last of several at one tick
    ticks, beats = ticks[in_force], beats[in_force]
    changes = np.diff(beats, prepend=0) != 0
    return ticks[changes], 60.0 / (6e7 / beats[changes] * ticks_a_beat)
