"""The record of one forward pass, as much as a person reads, in memory that does not grow with the input's square.

Shapes: L layers, T positions, D width, H heads, K = width of a head, S keys, W positions of the close view, V
vocabulary.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpt2kit.inspection.attribution import Attribution, Parts, of_answers
from gpt2kit.inspection.neurons import Neurons, strongest
from gpt2kit.inspection.subject import Subject
from gpt2kit.model.ablation import Off, without
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.trace import Layer, embedded, layers, lens

Floats = NDArray[np.float32]
Numbers = NDArray[np.int64]

LIKELIEST = 10
"""Likeliest tokens kept at each position of each layer."""

ENTRIES = 900_000
"""Weights kept of all heads in total: for a long input only the strongest of each row."""

CLOSE = 1_000_000
"""Numbers kept of the queries, keys, values and scores of the close view: for a long input only its end."""

DISTRIBUTIONS = 32
"""Positions whose whole distribution is kept."""

AT_ONCE = 32
"""Positions whose logits are in memory together."""


@dataclass(frozen=True)
class Close:
    """The computations of a layer's heads for the last W positions, number by number."""

    keys: Numbers
    """[S'], indices of the layer's keys that are shown."""
    query: Floats
    """[H, W, K]."""
    key: Floats
    """[H, S', K]."""
    value: Floats
    """[H, S', K]."""
    scores: Floats
    """[H, W, S'], scaled; NaN where a position has no score."""
    hidden: NDArray[np.bool_]
    """[W, S']."""
    weights: Floats
    """[H, W, S']."""


@dataclass(frozen=True)
class Looked:
    """The attention of a layer's heads."""

    kind: str
    spans: Numbers
    """[S, 2], the first and the last position of each key; -1 for a key without positions."""
    columns: Numbers
    """[H, T, top] keys of each position, the strongest first; -1 where there are fewer."""
    weights: Floats
    """[H, T, top], their weights; 0 where there are fewer."""
    visible: Numbers
    """[T, 2], the first and the last position that each position sees; -1 if it sees none."""
    close: Close

    def row(self, position: int, heads: Sequence[int] | None = None) -> Floats:
        """[T], attention weights of a position, the mean over heads; a key of several positions is spread over them."""
        chosen = list(range(len(self.columns)) if heads is None else heads)
        keys, weights = self.columns[chosen, position].ravel(), self.weights[chosen, position].ravel()
        first, last = self.spans[keys].T
        weights, first, last = (part[(keys >= 0) & (first >= 0)] for part in (weights, first, last))
        found = np.zeros(self.columns.shape[1], np.float32)
        for offset in range(int((last - first).max(initial=-1)) + 1):
            np.add.at(found, first + offset, weights / (last - first + 1))
        found /= len(chosen)
        return found


@dataclass(frozen=True)
class Trace:
    """A model's computation on a subject. Stage 0 of the lens is the first layer's input, stage l the output of layer
    l."""

    subject: Subject
    lens_ids: Numbers
    """[L + 1, T, 10], the likeliest tokens if the model stopped there."""
    lens_chances: Floats
    """[L + 1, T, 10], their probabilities."""
    ranks: Numbers
    """[L + 1, T], the rank of the actual next token, from 1 on; 0 without one."""
    chances: Floats
    """[L + 1, T], its probability."""
    settled: Numbers
    """[T], the first stage from which on it is the likeliest; -1 if it is not at the end."""
    stream: Floats
    """[L + 1, T], the length of the residual vector."""
    attention: Floats
    """[L, T], the length of attention's output."""
    mlp: Floats
    """[L, T], the length of the MLP's output."""
    heads: Floats
    """[L, H, T], the length of each head's output."""
    looked: tuple[Looked, ...]
    first: int
    """The first position of the close view."""
    tokens: Floats
    """[W, D], vectors of the tokens there."""
    positions: Floats
    """[W, D], vectors of their positions."""
    steps: tuple[int, ...]
    """Positions whose logits are kept,"""
    logits: Floats
    """[steps, V], these logits."""
    attribution: Attribution
    """What each part of the model adds at the steps to the logits of the likeliest tokens and the actual one."""
    labels: Attribution | None
    """The same for the answers of a classifier, its labels or the choices, at the last position, [1, answers]."""
    neurons: Neurons
    """The strongest neurons at the steps."""

    @property
    def ids(self) -> list[int]:
        return self.subject.ids


def trace_of(subject: Subject, off: Off | None = None) -> Trace:
    """Trace the pass of a subject's ids, with the given parts of the model switched off."""
    with without(subject.engine.model, off or Off()) as model:
        return _trace_of(subject, model, off or Off())


def _trace_of(subject: Subject, model: GPT2, off: Off) -> Trace:
    ids, config = subject.ids, model.config
    top = max(1, min(len(ids), ENTRIES // (config.n_layer * config.n_head * len(ids))))
    first = len(ids) - _close(len(ids), model)
    tokens, positions = embedded(model, ids)
    readings = [_reading(model, tokens + positions, subject.followers)]
    stream, wrote, looked, fired = [_lengths(tokens + positions)], [], [], []
    after, steps = tokens + positions, _steps(subject)
    parts = Parts(model, ids, steps, off)
    for layer in layers(model, ids, off):
        after = layer.after
        readings.append(_reading(model, after, subject.followers))
        stream.append(_lengths(after))
        wrote.append((_lengths(layer.attention), _lengths(layer.mlp), _lengths(layer.heads)))
        looked.append(_looked(layer, top, first))
        fired.append(strongest(layer.neurons, steps))
        parts.add(layer)
    lens_ids, lens_chances, ranks, chances = (np.stack(parts) for parts in zip(*readings, strict=True))
    attention, mlp, heads = (np.stack(parts) for parts in zip(*wrote, strict=True))
    return Trace(
        subject=subject,
        lens_ids=lens_ids,
        lens_chances=lens_chances,
        ranks=ranks,
        chances=chances,
        settled=settled_at(ranks),
        stream=np.stack(stream),
        attention=attention,
        mlp=mlp,
        heads=heads,
        looked=tuple(looked),
        first=first,
        tokens=_array(tokens[first:]),
        positions=_array(positions[first:]),
        steps=steps,
        logits=_array(lens(model, after[list(steps)])),
        attribution=parts.attribution(_explained(lens_ids[-1, list(steps)], [subject.followers[at] for at in steps])),
        labels=of_answers(model, subject.texts, off) if subject.texts else None,
        neurons=Neurons(*(np.stack(each) for each in zip(*fired, strict=True))),
    )


def _explained(likeliest: Numbers, followers: Sequence[int]) -> Numbers:
    """[steps, 11]: the likeliest tokens [steps, 10], and the actual next one if it is not among them, else -1."""
    actual = np.array(followers)[:, None]
    return np.concatenate([likeliest, np.where((likeliest == actual).any(1, keepdims=True), -1, actual)], 1)


def settled_at(ranks: Numbers) -> Numbers:
    """[T] from ranks [L + 1, T]: the first stage from which on the actual next token has rank 1 at every stage."""
    agreeing = (ranks[::-1] == 1).cumprod(0).sum(0)
    return np.where(agreeing > 0, len(ranks) - agreeing, -1)


def _steps(subject: Subject) -> tuple[int, ...]:
    """The positions from the prompt's last token on, which choose the answer; without an answer the prompt's last
    ones."""
    first = subject.prompt - 1 if len(subject.ids) > subject.prompt else max(0, subject.prompt - DISTRIBUTIONS)
    return tuple(range(first, min(len(subject.ids), first + DISTRIBUTIONS)))


def _close(count: int, model: GPT2) -> int:
    """Number of positions in the close view: all of a short input."""
    config = model.config
    most = count
    while most > 8 and config.n_layer * most * (3 * config.n_embd + 2 * config.n_head * most) > CLOSE:
        most -= 1
    return min(count, most)


def _reading(model: GPT2, residual: Any, followers: Sequence[int]) -> tuple[Numbers, Floats, Numbers, Floats]:
    """For one stage: the likeliest tokens, and the rank and the probability of the actual next token."""
    parts = []
    for start in range(0, len(residual), AT_ONCE):
        logits = lens(model, residual[start : start + AT_ONCE])
        logs = logits.log_softmax(-1)
        best = logs.topk(min(LIKELIEST, logs.size(-1)), -1)
        wanted = np.array(followers[start : start + AT_ONCE])
        came = logs.new_tensor(np.maximum(wanted, 0)).long()[:, None]
        own = logs.gather(-1, came)
        rank = np.where(wanted >= 0, 1 + _array((logs > own).sum(-1)).astype(np.int64), 0)
        chance = np.where(wanted >= 0, _array(own[:, 0].exp()), 0).astype(np.float32)
        parts.append((_array(best.indices).astype(np.int64), _array(best.values.exp()), rank, chance))
    ids, chances, ranks, own_chances = (np.concatenate(part) for part in zip(*parts, strict=True))
    return ids, chances, ranks, own_chances


def _looked(layer: Layer, top: int, first: int) -> Looked:
    trace = layer.trace
    weights = trace.weights
    keys = weights.size(-1)
    best = weights.topk(min(top, keys), -1)
    strongest = _array(best.values)
    columns = np.where(strongest > 0, _array(best.indices), -1).astype(np.int64)
    spans = _array(trace.spans)
    shown = np.flatnonzero((spans[:, 1] >= first) | (spans[:, 1] < 0))
    close = Close(
        shown,
        _array(trace.query[:, first:]),
        _array(trace.key[:, shown]),
        _array(trace.value[:, shown]),
        _array(trace.scores[:, first:, shown]),
        trace.hidden[first:, shown].cpu().numpy(),
        _array(weights[:, first:, shown]),
    )
    return Looked(layer.kind, spans, columns, strongest, visible_positions(trace.hidden.cpu().numpy(), spans), close)


def visible_positions(hidden: NDArray[np.bool_], spans: Numbers) -> Numbers:
    """[T, 2] from the mask [T, S] and the positions of the keys [S, 2]: what a position sees has no gaps."""
    seen = ~hidden & (spans[:, 0] >= 0)
    first = np.where(seen, spans[:, 0], np.iinfo(np.int64).max).min(1, initial=np.iinfo(np.int64).max)
    last = np.where(seen, spans[:, 1], -1).max(1, initial=-1)
    return np.stack([np.where(last < 0, -1, first), last], 1)


def _lengths(vectors: Any) -> Floats:
    """Norms over the last axis, in fp32."""
    return _array(vectors.norm(dim=-1))


def _array(tensor: Any) -> Any:
    return tensor.detach().cpu().numpy()
