"""Arrays within a page: little-endian bytes in base64, which its script decodes when needed."""

import base64
from typing import Any

import numpy as np
from numpy.typing import NDArray

Packed = dict[str, Any]


def packed(array: NDArray[Any], kind: str) -> Packed:
    """An array as `kind`: u1, u2, u4 or f2, f4."""
    stored = np.ascontiguousarray(array).astype(f"<{kind}")
    return {"kind": kind, "shape": list(stored.shape), "data": base64.b64encode(stored.tobytes()).decode("ascii")}


def packed_ids(ids: NDArray[np.int64], most: int) -> Packed:
    """Numbers from -1 to `most`: two bytes each if that is enough; all bits set means -1."""
    kind = "u2" if most < 0xFFFF else "u4"
    return packed(np.where(ids < 0, np.iinfo(f"<{kind}").max, ids), kind)


def packed_picture(values: NDArray[Any]) -> Packed:
    """One byte each, from the smallest to the largest value, which are in `low` and `high`: for colors only."""
    low, high = float(values.min()), float(values.max())
    steps = (values - low) * (255 / (high - low or 1.0))
    return packed(np.rint(steps), "u1") | {"low": low, "high": high}


def packed_scores(scores: NDArray[Any]) -> Packed:
    """Two bytes each, from the smallest to the largest, `low` and `high`; all bits set means NaN."""
    known = scores[np.isfinite(scores)]
    low, high = float(known.min(initial=0)), float(known.max(initial=0))
    steps = np.rint((scores - low) * (65534 / (high - low or 1.0)))
    return packed(np.where(np.isfinite(scores), steps, 65535), "u2") | {"kind": "score", "low": low, "high": high}


def packed_weights(weights: NDArray[Any]) -> Packed:
    """Shares from 0 to 1, two bytes each, as square roots: at most 0.00002 off, and small ones stay distinct from 0."""
    return packed(np.rint(np.sqrt(np.clip(weights, 0, 1)) * 65535), "u2") | {"kind": "share"}
