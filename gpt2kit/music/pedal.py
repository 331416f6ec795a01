"""The sustain pedal: includes its effect in the lengths of the notes."""

import numpy as np
from numpy.typing import NDArray

SUSTAIN = 64
"""The number of the MIDI controller."""
DOWN_FROM = 64
"""A pedal value of 64 or more is down, 0 to 63 is up."""

Seconds = NDArray[np.float64]


def sustained(
    pitch: NDArray[np.uint8],
    start: Seconds,
    end: Seconds,
    moved: Seconds,
    value: NDArray[np.uint8],
    last: float,
) -> Seconds:
    """When notes (N,) of one instrument end if its pedal takes the `value`s (M,) at the times `moved`, in order.

    A note that is released while the pedal is down sounds until the pedal lifts, and to `last` if it never does. A key
    struck while the pedal is down ends any sounding note of its pitch, even a held one; of two notes struck
    simultaneously, the first then ends where it starts. At one instant, pedal movements count before notes.

    This is `apply_sustain_control_changes` of note-seq (sequences_lib.py), except that two movements at one instant
    keep their order.
    """
    down = value >= DOWN_FROM
    if not down.any():
        return end
    lifts = np.append(moved[~down], last)
    lift = lifts[np.searchsorted(lifts[:-1], end, "right")]
    sounding = np.where(_is_down(moved, down, end), lift, end)
    # The next note of the same pitch that is struck with the pedal down; one past the last for none.
    order = np.lexsort((start, pitch))
    places = np.where(_is_down(moved, down, start)[order], np.arange(len(order)), len(order))
    following = np.append(np.minimum.accumulate(places[::-1])[::-1], len(order))[1:]
    struck = np.append(start[order], np.inf)[following]
    struck[np.append(pitch[order], 255)[following] != pitch[order]] = np.inf
    result = np.empty_like(end)
    result[order] = np.minimum(sounding[order], struck)
    return result


def _is_down(moved: Seconds, down: NDArray[np.bool_], at: Seconds) -> NDArray[np.bool_]:
    """Whether the pedal is down at each time, after any movement at that time."""
    return np.append(down, False)[np.searchsorted(moved, at, "right") - 1]
