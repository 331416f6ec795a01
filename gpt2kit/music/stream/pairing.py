"""Which note-off ends which note-on."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpt2kit.music.stream.events import NOTE_OFF

Positions = NDArray[np.intp]


def matched(events: NDArray[np.int64]) -> tuple[Positions, Positions]:
    """(ons, offs): positions of each NOTE_ON that has a NOTE_OFF, and of the latter; first in, first out.

    `events` (N,) are only NOTE_ONs and NOTE_OFFs.
    """
    return paired((events & 127).astype(np.uint8), events < NOTE_OFF)


def paired(keys: NDArray[Any], is_on: NDArray[np.bool_]) -> tuple[Positions, Positions]:
    """The same for note-ons and note-offs (N,) of any integer `keys`, within each key."""
    order = np.argsort(keys, kind="stable")
    grouped, on = keys[order], is_on[order]
    if _alternate(grouped, on):
        return order[::2], order[1::2]
    first = np.flatnonzero(np.append(True, grouped[1:] != grouped[:-1]))
    lengths = np.diff(np.append(first, len(grouped)))
    ends_one = _ends_one(on, first, lengths)
    # Ranks within their key, of the ons and of the offs that end one.
    group = np.repeat(np.arange(len(first)) * (len(grouped) + 1), lengths)
    ons, offs = np.flatnonzero(on), np.flatnonzero(ends_one)
    on_rank, off_rank = (group + _ranks(chosen, first, lengths) for chosen in (on, ends_one))
    return order[ons[np.searchsorted(on_rank[ons], off_rank[offs])]], order[offs]


def _alternate(keys: NDArray[Any], is_on: NDArray[np.bool_]) -> bool:
    """Whether each on is followed by its off, as nearly everywhere in performances."""
    if len(keys) % 2 or not is_on[::2].all() or is_on[1::2].any():
        return False
    return bool((keys[::2] == keys[1::2]).all())


def _ends_one(is_on: NDArray[np.bool_], first: Positions, lengths: Positions) -> NDArray[np.bool_]:
    """The offs that end a note. For each key, count +1 for an on and -1 for an off: an off that takes the count to a
    new minimum below 0 has no note; of all others the k-th ends the k-th on."""
    count = np.cumsum(np.where(is_on, 1, -1))
    before = np.concatenate(([0], count))[first]
    # The count restarts at 0 with every key, below all earlier ones, so that one running minimum suffices.
    floor = -np.arange(len(first)) * (2 * len(is_on) + 2)
    level = count + np.repeat(floor - before, lengths)
    lowest = np.minimum(np.minimum.accumulate(level), np.repeat(floor, lengths))
    previous = np.concatenate(([0], lowest[:-1]))
    previous[first] = floor
    return ~is_on & (lowest == previous)


def _ranks(chosen: NDArray[np.bool_], first: Positions, lengths: Positions) -> NDArray[np.int64]:
    """The number of chosen items up to each place of its group; groups begin at `first`."""
    count = np.cumsum(chosen)
    return count - np.repeat(np.concatenate(([0], count))[first], lengths)
