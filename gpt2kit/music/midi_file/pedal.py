"""The sustain and sostenuto pedals: when the notes end that a pedal holds.

Both functions return the ends of the notes (N,) of one instrument with the effect of one of its pedals. What a pedal
holds that never lifts ends at `last`. Times are ticks or seconds, as numbers of any kind.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

DOWN_FROM = 64
"""A pedal value of 64 or more is down, 0 to 63 is up."""

Pitches = NDArray[np.uint8]
Times = NDArray[np.float64]


class Pedal(NamedTuple):
    """The movements (M,) of a pedal, in order."""

    time: Times
    value: NDArray[np.uint8]
    """Its value after each movement."""


def sustained(pitch: Pitches, start: Times, end: Times, pedal: Pedal, last: float) -> Times:
    """The sustain pedal: a note that is released while it is down sounds until it lifts.

    A key struck while the pedal is down ends any sounding note of its pitch, even a held one; of two notes struck
    simultaneously, the first then ends where it starts. At one instant, pedal movements count before notes.

    This is `apply_sustain_control_changes` of note-seq (sequences_lib.py), except that two movements at one instant
    keep their order.
    """
    moved, down = pedal.time, pedal.value >= DOWN_FROM
    if not down.any():
        return end
    # By the number of movements before: whether the pedal is down, and when it lifts next.
    is_down = np.append(False, down)
    lifts = np.append(np.where(down, len(moved), np.arange(len(moved))), len(moved))
    lifts = np.append(moved, last)[np.minimum.accumulate(lifts[::-1])[::-1]]
    before = np.searchsorted(moved, end, "right")
    sounding = np.where(is_down[before], lifts[before], end)
    # The next note of the same pitch that is struck with the pedal down; one past the last for none.
    order = np.lexsort((start, pitch))
    places = np.where(is_down[np.searchsorted(moved, start, "right")][order], np.arange(len(order)), len(order))
    following = np.append(np.minimum.accumulate(places[::-1])[::-1], len(order))[1:]
    struck = np.append(start[order], np.inf)[following]
    struck[np.append(pitch[order], 255)[following] != pitch[order]] = np.inf
    result = np.empty_like(end)
    result[order] = np.minimum(sounding[order], struck)
    return result


def caught(pitch: Pitches, start: Times, end: Times, pedal: Pedal, last: float) -> Times:
    """The sostenuto pedal: it catches the keys that are down when it is pressed, and holds their notes until it lifts.

    A key that is struck again ends a note that is held after its release.
    """
    down = pedal.value >= DOWN_FROM
    was_down = np.append(False, down)[:-1]
    pressed = down & ~was_down
    if not pressed.any():
        return end
    presses, lifts = pedal.time[pressed], np.append(pedal.time[~down & was_down], last)
    latest = np.searchsorted(presses, end, "left") - 1  # the last press before the release: earlier ones have lifted
    held = (latest >= 0) & (presses[latest] >= start)
    until = np.where(held, np.maximum(end, lifts[latest]), end)
    return np.where(held, np.minimum(until, np.maximum(end, _struck_again(pitch, start, end))), end)


def _struck_again(pitch: Pitches, start: Times, end: Times) -> Times:
    """When each pitch is struck the next time from the end of each note on; infinity for never."""
    times = np.unique(start)
    row = pitch.astype(np.int64) * (len(times) + 1)  # pitches first, then times, in one order
    order = np.lexsort((start, pitch))
    strikes = (row + np.searchsorted(times, start))[order]
    following = np.searchsorted(strikes, row + np.searchsorted(times, end))
    same = np.append(pitch[order], 255)[following] == pitch
    return np.where(same, np.append(start[order], np.inf)[following], np.inf)
