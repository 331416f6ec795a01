"""Arrays in a page come back from it."""

import base64
from typing import Any

import numpy as np

from gpt2kit.inspection.packing import packed, packed_ids, packed_picture, packed_scores, packed_weights


def unpacked(stored: dict[str, Any]) -> Any:
    kind = {"share": "u2", "score": "u2"}.get(stored["kind"], stored["kind"])
    return np.frombuffer(base64.b64decode(stored["data"]), f"<{kind}").reshape(stored["shape"])


def test_arrays_come_back() -> None:
    values = np.array([[0.5, -2.25], [3.0, 1e-3]], np.float32)
    np.testing.assert_array_equal(unpacked(packed(values, "f4")), values)
    np.testing.assert_allclose(unpacked(packed(values, "f2")), values, rtol=1e-3)
    assert unpacked(packed_ids(np.array([-1, 0, 300]), 300)).tolist() == [0xFFFF, 0, 300]
    assert unpacked(packed_ids(np.array([-1, 70_000]), 70_000)).tolist() == [0xFFFFFFFF, 70_000]
    picture = packed_picture(values)
    back = picture["low"] + unpacked(picture) / 255 * (picture["high"] - picture["low"])
    np.testing.assert_allclose(back, values, atol=(3 + 2.25) / 510 + 1e-6)
    shares = np.linspace(0, 1, 300)
    np.testing.assert_allclose((unpacked(packed_weights(shares)) / 65535) ** 2, shares, atol=2e-5)
    scores = np.array([[-7.5, np.nan], [12.25, 3.125]], np.float32)
    stored = packed_scores(scores)
    assert (unpacked(stored) == 65535).tolist() == [[False, True], [False, False]]
    known = stored["low"] + unpacked(stored) / 65534 * (stored["high"] - stored["low"])
    np.testing.assert_allclose(known[~np.isnan(scores)], scores[~np.isnan(scores)], atol=2e-4)
    assert unpacked(packed_weights(np.array([1e-9])))[0] > 0


def test_a_picture_of_one_value() -> None:
    assert unpacked(packed_picture(np.zeros((2, 2)))).tolist() == [[0, 0], [0, 0]]
