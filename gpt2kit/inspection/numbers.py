"""A record as plain JSON, for other programs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpt2kit.inspection.outlook import path
from gpt2kit.inspection.pieces import piece_of
from gpt2kit.inspection.record import Record
from gpt2kit.inspection.weights import totals, weights_of
from gpt2kit.inspection.wording import alignment, surprise

STRONGEST = 10
"""Of what a token looked at, by head."""


def numbers_of(record: Record) -> dict[str, Any]:
    """Layers and heads count from 1, places of tokens and keys from 0; probabilities and weights have six digits."""
    subject = record.subject
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
        "tokens": [{"id": id, "text": named(id), "bytes": piece_of(task, id).content.hex()} for id in record.ids],
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
                    for ids, shares in zip(record.lens_ids[stage], record.lens_chances[stage], strict=True)
                ],
                "rank": record.ranks[stage].tolist(),
                "probability": _rounded(record.chances[stage]),
            }
            for stage in range(len(record.ranks))
        ],
        "settled": record.settled.tolist(),
        "written": {
            "stream": _rounded(record.stream),
            "attention": _rounded(record.attention),
            "mlp": _rounded(record.mlp),
            "heads": _rounded(record.heads),
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
            for number, looked in enumerate(record.looked)
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
            for step in path(record, subject.engine.config)
        ],
        "surprise": [bits if bits is None else round(bits, 4) for bits in surprise(record)],
        "alignment": _alignment(record),
    }


def _alignment(record: Record) -> dict[str, Any] | None:
    if not record.subject.engine.task.layout.has_answers or len(record.ids) <= record.subject.prompt:
        return None
    sources, answers, looks = alignment(record)
    return {
        "source": [word._asdict() for word in sources],
        "answer": [word._asdict() for word in answers],
        "weights": _rounded(looks),
    }


def _round(value: float) -> float:
    return round(float(value), 6)


def _rounded(values: NDArray[np.float32]) -> Any:
    return np.round(values.astype(np.float64), 6).tolist()
