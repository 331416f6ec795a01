"""Names for heads by what they measurably do on an input: where their attention goes.

A role has, for each token that looks, the tokens that it is about: its share is the mean of the attention weight on
these. A head has the name of the role with the largest share, if that is large, and clearly larger than for a head that
spreads its attention evenly. Induction: Olsson et al. 2022, "In-context Learning and Induction Heads".

Shapes: H heads, T positions, S keys; [T, T] is looking position x position looked at.
"""

from collections.abc import Collection, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gpt2kit.inspection.pieces import piece_of
from gpt2kit.inspection.trace import Floats, Looked, Numbers, Trace

LARGE = 0.2
"""The least share of the attention that gives a name."""

CLEARLY = 2.0
"""The least multiple of the share that even attention has."""

FEWEST = 2
"""The fewest looking positions that a role is measured on."""

Mask = NDArray[np.bool_]


class Role(NamedTuple):
    """What a head does."""

    name: str
    share: float
    """The mean attention weight of the role's tokens."""


def roles_of_trace(trace: Trace) -> list[list[Role | None]]:
    """The role of each head of each layer."""
    separators = separators_of(trace)
    return [roles_of(looked, trace.ids, separators) for looked in trace.looked]


def separators_of(trace: Trace) -> set[int]:
    """The ids among those of a text that are not text themselves, such as a separator or an end token. Music has none:
    all its ids are events."""
    task = trace.subject.engine.task
    if task.about.medium == "performance":
        return set()
    return {id for id in trace.ids if piece_of(task, id).kind == "name"}


def roles_of(looked: Looked, ids: Sequence[int], separators: Collection[int]) -> list[Role | None]:
    """The role of each head of a layer; None for a head without one. `separators` are ids that are not text."""
    even = _even(looked)
    measured = {
        name: found
        for name, mask in role_masks(ids, separators).items()
        if (found := _measured(_by_key(mask, looked.spans), even))
    }
    return [
        role_of(np.maximum(keys, 0), weights, measured)
        for keys, weights in zip(looked.columns, looked.weights, strict=True)
    ]


class Measured(NamedTuple):
    """What a role is about in a layer, the same for all heads."""

    parts: Floats
    """The part of each key that it is about, [T, S]."""
    looking: Mask
    """The positions that it is measured on, [T]."""
    by_chance: float
    """The share of even attention."""


def _measured(parts: Floats, even: Floats) -> Measured | None:
    """None for a role that too few positions can have; `even` is even attention, [T, S]."""
    shares = parts * even
    looking = shares.any(1) & ((even > 0).sum(1) > 1)
    if looking.sum() < FEWEST:
        return None
    return Measured(parts, looking, float(shares[looking].sum(1).mean()))


def role_of(keys: Numbers, weights: Floats, measured: dict[str, Measured]) -> Role | None:
    """The role of a head that gives `weights` to `keys`, [T, top] each."""
    best = None
    for name, (parts, looking, by_chance) in measured.items():
        share = float((np.take_along_axis(parts, keys, 1) * weights)[looking].sum(1).mean())
        if share >= max(LARGE, CLEARLY * by_chance) and (best is None or share > best.share):
            best = Role(name, share)
    return best


def _by_key(mask: Mask, spans: Numbers) -> Floats:
    """[T, S] from [T, T]: the part of each key's positions; 0 for a key without positions."""
    sums = np.pad(np.cumsum(mask, 1), ((0, 0), (1, 0)))
    first, last = spans.T
    parts = (sums[:, last + 1] - sums[:, np.maximum(first, 0)]) / (last - first + 1)
    return np.where(first >= 0, parts, 0).astype(np.float32)


def _even(looked: Looked) -> Floats:
    """[T, S]: the weights of a head that gives all keys that a position sees the same."""
    first, last = looked.spans.T
    begin, end = looked.visible[:, :1], looked.visible[:, 1:]
    seen = (first < 0) | ((first >= begin) & (last <= end) & (begin >= 0))
    return (seen / np.maximum(seen.sum(1, keepdims=True), 1)).astype(np.float32)


def role_masks(ids: Sequence[int], separators: Collection[int]) -> dict[str, Mask]:
    """The positions that each role is about, [T, T]; of equal shares the first role counts."""
    places, tokens = np.arange(len(ids)), np.array(ids)
    back = places[:, None] - places
    repeats = (tokens[:, None] == tokens) & (back > 0)
    after = np.zeros_like(repeats)
    after[:, 1:] = repeats[:, :-1] & (back[:, 1:] > 0)
    return {
        "previous": back == 1,
        "induction": after,
        "same": repeats,
        "first": (places == 0) & (back > 0),
        "separator": np.isin(tokens, list(separators)) & (back > 0),
        "itself": back == 0,
    }
