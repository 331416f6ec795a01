"""Turns attention between events into attention between notes: the earlier notes that each note attends to.

The picture of the Music Transformer paper (Huang et al., 2018, figures 5 to 8) draws one line per event; here the
events of one note are summed, so that a listener sees notes.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gpt2kit.music.stream import events, pairing

Weights = NDArray[np.float32]
Indices = NDArray[np.int64]


class Shares(NamedTuple):
    """What one note attends to, as means over layers and heads: all parts add up to 1."""

    keys: list[int]
    """Earlier notes, the one with the largest share first."""
    weights: Weights
    """(keys, heads)."""
    others: Weights
    """(heads,) of all other earlier notes."""
    rest: Weights
    """(heads,) the weight on everything else: on the note's own events, and on events that belong to no note."""


@dataclass(frozen=True, eq=False)
class Attention:
    """For every note, layer and head the notes with the largest weights, strongest first."""

    keys: NDArray[np.int32]
    """(notes, layers, heads, top) indices of notes struck earlier; -1 where there are fewer."""
    weights: Weights
    """(notes, layers, heads, top) shares from 0 to 1 of all attention; 0 where there is no key."""
    others: Weights = field(default=cast(Weights, None))  # __post_init__ sets zeros
    """(notes, layers, heads) shares of all earlier notes that are not among the keys; by default 0."""

    def __post_init__(self) -> None:
        if self.keys.ndim != 4 or self.keys.shape != self.weights.shape:
            raise ValueError(
                f"keys {self.keys.shape} and weights {self.weights.shape} must have one shape, (N, L, H, K)"
            )
        queries = np.arange(len(self.keys))[:, None, None, None]
        if not ((self.keys >= -1) & (self.keys < queries)).all():
            raise ValueError("a key must be the index of an earlier note, or -1")
        if self.others is None:
            object.__setattr__(self, "others", np.zeros(self.keys.shape[:3], np.float32))
        if self.others.shape != self.keys.shape[:3]:
            raise ValueError(f"others {self.others.shape} must have the shape {self.keys.shape[:3]}, (N, L, H)")
        if not ((self.weights >= 0) & (self.weights <= 1)).all():
            raise ValueError("a weight must be between 0 and 1")


def shares(attention: Attention, note: int) -> Shares:
    """The attention of one note."""
    keys, weights = attention.keys[note], attention.weights[note]
    layers, heads, _ = keys.shape
    owners = np.unique(keys[keys >= 0])
    found = np.stack(
        [np.where(keys == owner, weights, 0).sum(axis=(0, 2)) for owner in owners.tolist()] or [[0] * heads]
    )
    found, others = found[: len(owners)] / (layers * heads), attention.others[note].sum(axis=0) / (layers * heads)
    order = np.argsort(-found.sum(axis=1), kind="stable")
    rest = np.maximum(1 / heads - found.sum(axis=0) - others, 0)
    return Shares(owners[order].tolist(), found[order], others, rest)


def notes_of_events(ids: ArrayLike) -> NDArray[np.int64]:
    """The index in `encoding.decode(ids)` of the note that each event (T,) belongs to; -1 for none.

    NOTE_ON belongs to the note it strikes, NOTE_OFF to the one it ends, TIME_SHIFT and VELOCITY to the next one struck.
    These belong to no note: orphaned NOTE_OFFs, keys that do not decode to a note, BEGIN, END, PAD, and all after END.
    """
    stream = np.asarray(ids, np.int64).reshape(-1)
    ends = np.flatnonzero(stream == events.END)
    length = int(ends[0]) if len(ends) else len(stream)
    whole, stream = np.full(len(stream), -1, np.int64), stream[:length]
    is_shift = (stream >= events.TIME_SHIFT) & (stream < events.VELOCITY)
    clock = np.cumsum(np.where(is_shift, stream - events.TIME_SHIFT + 1, 0))
    places = np.flatnonzero((stream >= events.NOTE_ON) & (stream < events.TIME_SHIFT))
    struck = places[stream[places] < events.NOTE_OFF]
    ons, offs = (places[found] for found in pairing.matched(stream[places]))
    # As `decode` does: a note without an end is cut, those of no length are dropped, the others sorted.
    start = clock[struck]
    end = np.minimum(clock[-1] if length else 0, start + events.LONGEST_HANGING)
    end[np.searchsorted(struck, ons)] = clock[offs]
    order = np.lexsort((end, stream[struck], start))
    order = order[end[order] > start[order]]
    if not len(order):
        return whole
    rank = np.full(len(struck), -1, np.int64)
    rank[order] = np.arange(len(order))
    heard = np.flatnonzero(rank >= 0)
    following = np.searchsorted(struck[heard], np.arange(length))
    waits = (is_shift | ((stream >= events.VELOCITY) & (stream < events.BEGIN))) & (following < len(heard))
    note = whole[:length]
    note[waits] = rank[heard[following[waits]]]
    note[struck] = rank
    note[offs] = rank[np.searchsorted(struck, ons)]
    return whole


def grouped(ids: ArrayLike, spans: Iterable[tuple[int, Weights]], top: int = 6) -> Attention:
    """Sum attention between the events `ids` (T,) into attention between the notes that they decode to.

    `spans` gives (start, row) for each event in turn: its attention weights (layers, heads, K), of which the k-th
    belongs to event start + k. The caller chooses whether an event's row is the query that reads it or the previous
    one, which predicts it. An event after the last row attends to nothing.

    A note's weight for an earlier note is the mean over its own events of the sum over the other's. Weights for
    anything but earlier notes (the note itself, those struck while it sounds, events of no note) are left out, so that
    weights and `others` sum to less than 1. Time is that of the rows, memory that of the notes that sound
    simultaneously.
    """
    notes = notes_of_events(ids)
    count = int(notes.max(initial=-1)) + 1
    members = np.bincount(notes[notes >= 0], minlength=count)
    left, seen = members.copy(), dict[int, list[tuple[Indices, Weights]]]()
    keys, weights = np.zeros((count, 0, 0, top), np.int32), np.zeros((count, 0, 0, top), np.float32)
    others = np.zeros((count, 0, 0), np.float32)
    for note, (start, row) in zip(notes.tolist(), spans, strict=False):
        if keys.size == 0 and count:
            keys = np.full((count, *row.shape[:2], top), -1, np.int32)
            weights, others = np.zeros(keys.shape, np.float32), np.zeros(keys.shape[:3], np.float32)
        if note < 0:
            continue
        seen.setdefault(note, []).append(_by_note(notes[start : start + row.shape[2]], row, note))
        left[note] -= 1
        if left[note] == 0:
            _keep(seen.pop(note), members[note], keys[note], weights[note], others[note])
    for note, parts in seen.items():
        _keep(parts, members[note], keys[note], weights[note], others[note])
    return Attention(keys, weights, others)


def _by_note(owners: Indices, row: Weights, note: int) -> tuple[Indices, Weights]:
    """The notes before `note` that own events (K,) of a row (layers, heads, K), and their sums (layers, heads,
    notes)."""
    order = np.argsort(owners, kind="stable")
    order = order[slice(*np.searchsorted(owners[order], [0, note]))]
    found, begins = np.unique(owners[order], return_index=True)
    return found, np.add.reduceat(row[..., order], begins, axis=-1) if len(found) else row[..., :0]


def _keep(
    parts: list[tuple[Indices, Weights]], members: int, keys: NDArray[np.int32], weights: Weights, others: Weights
) -> None:
    """Add up the sums of a note's `members`; the largest are written into `keys` and `weights` (.., top), the sum of
    all further ones into `others`."""
    owners = np.unique(np.concatenate([found for found, _ in parts]))
    shares = np.zeros((*keys.shape[:2], len(owners)), np.float32)
    for found, sums in parts:
        shares[..., np.searchsorted(owners, found)] += sums
    shares /= members
    kept = min(keys.shape[-1], len(owners))
    order = np.argsort(-shares, axis=-1, kind="stable")
    best = order[..., :kept]
    others[:] = np.clip(np.take_along_axis(shares, order[..., kept:], axis=-1).sum(axis=-1), 0, 1)
    largest = np.take_along_axis(shares, best, axis=-1)
    keys[..., :kept] = np.where(largest > 0, owners[best], -1)
    weights[..., :kept] = np.clip(largest, 0, 1)
