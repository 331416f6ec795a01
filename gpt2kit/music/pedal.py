"""The sustain pedal: what a performance sounds like when it is folded into the lengths of the notes."""

import numpy as np
from numpy.typing import NDArray

SUSTAIN = 64
"""The number of the controller."""
DOWN_FROM = 64
"""A pedal of the value 64 or more is down, of 0 to 63 up."""

Seconds = NDArray[np.float64]


def sustained(
    pitch: NDArray[np.uint8],
    start: Seconds,
    end: Seconds,
    moved: Seconds,
    value: NDArray[np.uint8],
    last: float,
) -> Seconds:
    """How long notes (N,) of one instrument sound whose pedal takes the `value`s (M,) at the times `moved`, in order.

    A note that is released while the pedal is down sounds until the pedal lifts, and to `last` if it never does. A key
    struck while the pedal is down ends what sounds of its pitch, even if that is still held; of two notes struck at
    once, the first then ends where it starts. What the pedal does at an instant counts before notes at that instant.

    This is `apply_sustain_control_changes` of note-seq (sequences_lib.py), but for two movements at one instant, which
    stay in their order here.
    """
    down = value >= DOWN_FROM
    if not down.any():
        return end
    lifts = np.append(moved[~down], last)
    lift = lifts[np.searchsorted(lifts[:-1], end, "right")]
    sounding = np.where(_is_down(moved, down, end), lift, end)
    # The next of the same pitch that is struck with the pedal down; one past the last for none.
    order = np.lexsort((start, pitch))
    places = np.where(_is_down(moved, down, start)[order], np.arange(len(order)), len(order))
    following = np.append(np.minimum.accumulate(places[::-1])[::-1], len(order))[1:]
    struck = np.append(start[order], np.inf)[following]
    struck[np.append(pitch[order], 255)[following] != pitch[order]] = np.inf
    result = np.empty_like(end)
    result[order] = np.minimum(sounding[order], struck)
    return result


def _is_down(moved: Seconds, down: NDArray[np.bool_], at: Seconds) -> NDArray[np.bool_]:
    """Whether the pedal is down at each time, once it has moved there."""
    return np.append(down, False)[np.searchsorted(moved, at, "right") - 1]
