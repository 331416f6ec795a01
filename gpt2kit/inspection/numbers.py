"""A trace as plain JSON, for other programs."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpt2kit.inspection.attribution import Attribution
from gpt2kit.inspection.neurons import pushed_by
from gpt2kit.inspection.outlook import path
from gpt2kit.inspection.pieces import piece_of
from gpt2kit.inspection.roles import roles_of_trace
from gpt2kit.inspection.trace import Trace
from gpt2kit.inspection.weights import totals, weights_of
from gpt2kit.inspection.wording import alignment, surprise

PARTS = ("token", "position", "biases", "norm", "heads", "mlps")
"""What a logit is the sum of."""

STRONGEST = 10
"""Most attended keys per token and head."""


def numbers_of(trace: Trace) -> dict[str, Any]:
    """Layers and heads count from 1, positions of tokens and keys from 0; probabilities and weights have six digits."""
    subject = trace.subject
    model, task = subject.engine.model, subject.engine.task
    config, weights = model.config, weights_of(model)

    def named(id: int) -> str:
        return piece_of(task, id).shown

    return {
        "model": {
            "name": subject.name,
            "task": subject.task,
            "layers": config.n_layer,
            "heads": config.n_head,
            "width": config.n_embd,
            "window": config.n_positions,
            "vocabulary": model.vocab_size,
            "attention": list(config.kinds),
            "weights": [each._asdict() for each in weights],
            "totals": totals(weights),
            "total": model.parameter_count(),
        },
        "tokens": [{"id": id, "text": named(id), "bytes": piece_of(task, id).content.hex()} for id in trace.ids],
        "prompt": subject.prompt,
        "followers": subject.followers,
        "remarks": list(subject.remarks),
        "labels": subject.labels,
        "lens": [
            {
                "layer": stage,
                "likeliest": [
                    [
                        {"id": int(id), "text": named(int(id)), "probability": _round(share)}
                        for id, share in zip(ids, shares, strict=True)
                    ]
                    for ids, shares in zip(trace.lens_ids[stage], trace.lens_chances[stage], strict=True)
                ],
                "rank": trace.ranks[stage].tolist(),
                "probability": _rounded(trace.chances[stage]),
            }
            for stage in range(len(trace.ranks))
        ],
        "settled": trace.settled.tolist(),
        "written": {
            "stream": _rounded(trace.stream),
            "attention": _rounded(trace.attention),
            "mlp": _rounded(trace.mlp),
            "heads": _rounded(trace.heads),
        },
        "attention": [
            {
                "layer": number + 1,
                "kind": looked.kind,
                "keys": looked.spans.tolist(),
                "heads": [
                    [
                        [[int(key), _round(share)] for key, share in zip(row, shares, strict=True) if key >= 0]
                        for row, shares in zip(columns[:, :STRONGEST], strongest[:, :STRONGEST], strict=True)
                    ]
                    for columns, strongest in zip(looked.columns, looked.weights, strict=True)
                ],
            }
            for number, looked in enumerate(trace.looked)
        ],
        "roles": [
            [role and role._asdict() | {"share": _round(role.share)} for role in roles]
            for roles in roles_of_trace(trace)
        ],
        "attribution": _attribution(trace, named),
        "label_attribution": _label_attribution(trace),
        "neurons": _neurons(trace, named),
        "path": [
            {
                "place": step.position,
                "id": step.chosen,
                "text": named(step.chosen) if step.chosen >= 0 else None,
                "probability": _round(step.chance),
                "rank": step.rank,
                "drawn": _round(step.drawn),
                "in_play": step.in_play,
                "alternatives": [
                    {"id": id, "text": named(id), "probability": _round(share), "drawn": _round(drawn)}
                    for id, share, drawn in step.alternatives
                ],
            }
            for step in path(trace, subject.engine.config)
        ],
        "surprise": [bits if bits is None else round(bits, 4) for bits in surprise(trace)],
        "alignment": _alignment(trace),
    }


def _attribution(trace: Trace, named: Callable[[int], str]) -> list[dict[str, Any]]:
    """What each part adds to logits, token by token at each step."""
    found = trace.attribution
    return [
        {
            "place": position,
            "logits": [
                {"id": id, "text": named(id), **_parts(found, step, place)}
                for place, id in enumerate(found.ids[step].tolist())
                if id >= 0
            ],
        }
        for step, position in enumerate(trace.steps)
    ]


def _label_attribution(trace: Trace) -> list[dict[str, Any]] | None:
    """What each part adds to the logit of each label."""
    if trace.labels is None:
        return None
    return [{"label": name, **_parts(trace.labels, 0, place)} for place, name in enumerate(trace.subject.answers)]


def _parts(found: Attribution, step: int, place: int) -> dict[str, Any]:
    """A logit, and what it is the sum of."""
    logit = _round(found.logits[step, place])
    return {"logit": logit} | {name: _rounded(getattr(found, name)[step, place]) for name in PARTS}


def _neurons(trace: Trace, named: Callable[[int], str]) -> list[list[dict[str, Any]]]:
    """The strongest neurons of each layer at each step, counted from 1."""
    found, tokens = trace.neurons, pushed_by(trace.subject.engine.model, trace.neurons)
    return [
        [
            {
                "place": position,
                "strongest": [
                    {
                        "neuron": neuron + 1,
                        "activation": _round(found.activations[layer, step, place]),
                        **dict(zip(("up", "down"), _texts(tokens[layer, neuron], named), strict=True)),
                    }
                    for place, neuron in enumerate(found.numbers[layer, step].tolist())
                ],
            }
            for step, position in enumerate(trace.steps)
        ]
        for layer in range(len(found.numbers))
    ]


def _texts(pushed: tuple[list[int], list[int]], named: Callable[[int], str]) -> list[list[str]]:
    return [[named(id) for id in ids] for ids in pushed]


def _alignment(trace: Trace) -> dict[str, Any] | None:
    if not trace.subject.engine.task.layout.has_answers or len(trace.ids) <= trace.subject.prompt:
        return None
    sources, answers, looks = alignment(trace)
    return {
        "source": [word._asdict() for word in sources],
        "answer": [word._asdict() for word in answers],
        "weights": _rounded(looks),
    }


def _round(value: float) -> float:
    return round(float(value), 6)


def _rounded(values: NDArray[np.float32]) -> Any:
    return np.round(values.astype(np.float64), 6).tolist()
