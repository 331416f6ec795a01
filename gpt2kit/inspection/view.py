"""A trace as the JSON that the page reads: numbers as packed arrays, tokens by their ids."""

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import numpy as np

from gpt2kit.inspection.neurons import pushed_by
from gpt2kit.inspection.outlook import decoded_logits, path
from gpt2kit.inspection.packing import packed, packed_ids, packed_picture, packed_scores, packed_weights
from gpt2kit.inspection.pieces import piece_of
from gpt2kit.inspection.roles import roles_of_trace
from gpt2kit.inspection.subject import short_name
from gpt2kit.inspection.trace import Floats, Looked, Trace
from gpt2kit.inspection.weights import totals, weights_of
from gpt2kit.model.attention_kinds import KINDS
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.tasks.base import Task

EXACT = 1024
"""Number of a distribution's likeliest tokens that the page lists individually."""

RUNS = 256
"""Number of runs of about equal logits that summarize the others."""

PICTURE = 256
"""Most rows and columns of a picture."""


def view_of(trace: Trace, neurons: bool = True) -> dict[str, Any]:
    """All sections of the page. Without `neurons`, the page asks for what neurons push when it shows it."""
    subject, config = trace.subject, trace.subject.engine.model.config
    output = [_distribution(row) for row in decoded_logits(trace, subject.engine.config).numpy()]
    shown = {*trace.ids, *(id for id in subject.followers if id >= 0), *map(int, np.unique(trace.lens_ids))}
    shown |= {id for each in output for id in each.pop("named")}
    tokens = pushed_by(subject.engine.model, trace.neurons) if neurons else {}
    shown |= {id for pair in tokens.values() for ids in pair for id in ids}
    return {
        "model": model_view(trace),
        "pieces": pieces_view(subject.engine.task, shown),
        "tokens": trace.ids,
        "prompt": subject.prompt,
        "followers": subject.followers,
        "finished": subject.finished,
        "given": subject.given,
        "remarks": subject.remarks,
        "labels": subject.labels,
        "answers": subject.engine.task.layout.has_answers,
        "first": trace.first,
        "embeddings": {
            "tokens": packed(trace.tokens, "f4"),
            "positions": packed(trace.positions, "f4"),
        },
        "lens": {
            "ids": packed_ids(trace.lens_ids, subject.engine.model.vocab_size),
            "chances": packed_weights(trace.lens_chances),
            "ranks": packed_ids(trace.ranks, subject.engine.model.vocab_size),
            "chance": packed(trace.chances, "f4"),
            "settled": trace.settled.tolist(),
        },
        "written": {
            "stream": packed(trace.stream, "f4"),
            "attention": packed(trace.attention, "f4"),
            "mlp": packed(trace.mlp, "f4"),
            "heads": packed(trace.heads, "f4"),
        },
        "looked": [_looked(each, config.n_positions) for each in trace.looked],
        "roles": [[role and [*role] for role in roles] for roles in roles_of_trace(trace)],
        "steps": list(trace.steps),
        "output": output,
        "attribution": {
            "ids": packed_ids(trace.attribution.ids, subject.engine.model.vocab_size),
            "parts": packed(trace.attribution.flat, "f4"),
        },
        "labelled": None
        if trace.labels is None
        else {"names": list(subject.answers), "parts": packed(trace.labels.flat[0], "f4")},
        "neurons": {
            "numbers": packed_ids(trace.neurons.numbers, config.inner),
            "activations": packed(trace.neurons.activations, "f4"),
            "pushed": {f"{layer}.{neuron}": pair for (layer, neuron), pair in tokens.items()},
        },
        "generate": {
            "temperature": subject.engine.config.temperature,
            "top_k": subject.engine.config.top_k,
            "top_p": subject.engine.config.top_p,
            "beams": subject.engine.config.beams,
            "repetition_penalty": subject.engine.config.repetition_penalty,
        },
        "path": [[step.chance, step.rank, step.drawn, step.in_play] for step in path(trace, subject.engine.config)],
    }


def model_view(trace: Trace) -> dict[str, Any]:
    """The model's shape and its weights, with a picture of the position vectors."""
    subject, model = trace.subject, trace.subject.engine.model
    table = model.transformer.wpe.weight.detach().cpu().numpy()
    rows, columns = (-(-size // PICTURE) for size in table.shape)
    positions = packed_picture(table[::rows, ::columns]) | {"every": [rows, columns]}
    return shape_view(model, subject.name, subject.task) | {"positions": positions}


def shape_view(model: GPT2, name: str, task: str) -> dict[str, Any]:
    """The model's shape and the list of its weights: what does not depend on an input."""
    config, weights = model.config, weights_of(model)
    return {
        "name": short_name(name),
        "task": task,
        "layers": config.n_layer,
        "heads": config.n_head,
        "width": config.n_embd,
        "inner": config.inner,
        "vocabulary": model.vocab_size,
        "window": config.n_positions,
        "kinds": config.kinds,
        "attention": {
            kind: {"summary": KINDS[kind].summary.format(**asdict(config)), "distances": KINDS[kind].knows_distances}
            for kind in config.kinds
        },
        "scaled": {"by_width": config.scale_attn_weights, "by_layer": config.scale_attn_by_inverse_layer_idx},
        "activation": config.activation_function,
        "weights": [[*weight] for weight in weights],
        "totals": totals(weights),
        "total": model.parameter_count(),
        "labels": list(model.labels),
    }


def pieces_view(task: Task[Any, Any], ids: Iterable[int]) -> dict[int, list[str]]:
    """The form of each id: [text, kind, bytes in hexadecimal]."""
    found = {}
    for id in sorted(ids):
        piece = piece_of(task, id)
        found[id] = [piece.shown, piece.kind, piece.content.hex(" ")]
    return found


def _looked(looked: Looked, window: int) -> dict[str, Any]:
    close, most = looked.close, window
    given = (looked.columns >= 0).any(0)  # by every head: a row has no more keys than its position sees
    plain = np.array_equal(looked.spans, np.arange(len(looked.spans))[:, None].repeat(2, 1))
    return {
        "kind": looked.kind,
        "spans": None if plain else looked.spans.tolist(),
        "visible": packed_ids(looked.visible, most),
        "ends": packed(given.sum(1).cumsum(), "u4"),
        "heads": [
            {"columns": packed_ids(columns[given], most), "weights": packed_weights(weights[given])}
            for columns, weights in zip(looked.columns, looked.weights, strict=True)
        ],
        "close": {
            "keys": close.keys.tolist(),
            "query": packed(close.query, "f2"),
            "key": packed(close.key, "f2"),
            "value": packed(close.value, "f2"),
            "scores": packed_scores(close.scores),
            "hidden": packed(close.hidden, "u1"),
            "weights": packed_weights(close.weights),
        },
    }


def _distribution(logits: Floats) -> dict[str, Any]:
    """Logits relative to the largest, from the likeliest token on: the first ones exactly, the rest as runs of
    neighbours with (how many, mean logit). Sums over temperatures need no more."""
    order = np.argsort(-logits, kind="stable")
    order = order[np.isfinite(logits[order])]
    sorted_logits = logits[order] - logits[order[0]]
    runs = [run for run in np.array_split(sorted_logits[EXACT:], RUNS) if len(run)]
    return {
        "ids": packed(order[:EXACT], "u4"),
        "logits": packed(sorted_logits[:EXACT], "f4"),
        "counts": [len(run) for run in runs],
        "means": packed(np.array([run.mean() for run in runs], np.float32), "f4"),
        "named": order[:200].tolist(),
    }
