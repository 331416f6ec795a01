"""A trace as plain JSON, for other programs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpt2kit.inspection.outlook import path
from gpt2kit.inspection.pieces import piece_of
from gpt2kit.inspection.trace import Trace
from gpt2kit.inspection.weights import totals, weights_of
from gpt2kit.inspection.wording import alignment, surprise

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
