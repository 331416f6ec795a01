"""Which NOTE_OFF ends which NOTE_ON of a stream."""

import numpy as np
from numpy.typing import NDArray

from gpt2kit.music.events import NOTE_OFF


def matched(events: NDArray[np.int64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """(ons, offs): positions of each NOTE_ON that has a NOTE_OFF, and of the latter; first in, first out.

    `events` (N,) are only NOTE_ONs and NOTE_OFFs. For each pitch, count +1 for an on and -1 for an off: an off that
    takes the count to a new minimum below 0 has no note; of all others the k-th ends the k-th on.
    """
    pitch = events & 127
    order = np.argsort(pitch.astype(np.uint8), kind="stable")
    pitches, is_on = pitch[order], events[order] < NOTE_OFF
    count = np.cumsum(np.where(is_on, 1, -1))
    first = np.flatnonzero(np.diff(pitches, prepend=-1))
    before = np.concatenate(([0], count))[first]
    lengths = np.diff(np.append(first, len(pitches)))
    # The count restarts at 0 with every pitch, below all earlier ones, so that one running minimum suffices.
    floor = -np.arange(len(first)) * (2 * len(pitches) + 2)
    level = count + np.repeat(floor - before, lengths)
    lowest = np.minimum(np.minimum.accumulate(level), np.repeat(floor, lengths))
    previous = np.concatenate(([0], lowest[:-1]))
    previous[first] = floor
    ends_one = ~is_on & (lowest == previous)
    # Ranks within their pitch, of the ons and of the offs that end one.
    on_rank, off_rank = _ranks(is_on, first, lengths), _ranks(ends_one, first, lengths)
    offs = np.flatnonzero(ends_one)
    ons = np.flatnonzero(is_on)
    width = len(pitches) + 1
    at = np.searchsorted(pitches[ons] * width + on_rank[ons], pitches[offs] * width + off_rank[offs])
    return order[ons[at]], order[offs]


def _ranks(chosen: NDArray[np.bool_], first: NDArray[np.intp], lengths: NDArray[np.intp]) -> NDArray[np.int64]:
    """The number of chosen items up to each place of its group; groups begin at `first`."""
    count = np.cumsum(chosen)
    return count - np.repeat(np.concatenate(([0], count))[first], lengths)
