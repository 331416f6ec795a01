"""What a page contains of a run, as JSON: the configuration and the weights of its model, how it is asked, and what a
picture of the model lists.

A tensor is little-endian numbers in base64, row-major. Vectors are in fp32 whatever the number type: they are few, and
layer norms are sensitive to rounding.
"""

import base64
from dataclasses import asdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpt2kit.inspection.view import shape_view
from gpt2kit.live.asking import asking
from gpt2kit.live.performing import performing
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.selftest.run_under_test import RunUnderTest

DTYPES = ("f16", "int8", "f32")
"""Number types of the matrices; the first is the default."""
LARGEST = 127
"""An int8 row has numbers from -127 to 127."""


def content(subject: RunUnderTest, dtype: str) -> dict[str, Any]:
    """The run, as the engine's `Model`, `TextRun`, `PerformanceRun` and `viewOf` take it."""
    generate = subject.recipe.generate.fitted(subject.run.max_ratio)
    shape = shape_view(subject.model, str(subject.run.path), subject.run.task_name)
    plays = performing(subject.task)
    return weights(subject.model, dtype) | asking(subject.task, generate) | {"shape": shape, "performance": plays}


def weights(model: GPT2, dtype: str) -> dict[str, Any]:
    """The configuration, and each tensor under its name in the model: matrices are [out, in]."""
    config = model.config
    described = asdict(config) | {
        "n_inner": config.inner,
        "kinds": list(config.kinds),
        "vocab_size": model.vocab_size,
        "labels": list(model.labels),
    }
    named = {name: parameter.detach().float().cpu().numpy() for name, parameter in model.named_parameters()}
    return {"config": described, "tensors": {name: packed_tensor(values, dtype) for name, values in named.items()}}


def packed_tensor(values: NDArray[np.float32], dtype: str) -> dict[str, Any]:
    """A tensor for the engine's `unpackTensor`; one with two or more axes in `dtype`."""
    kind = dtype if values.ndim > 1 else "f32"
    packed = {"shape": list(values.shape), "kind": kind}
    if kind == "int8":
        steps, scales = int8_rows(values)
        return packed | {"data": _base64(steps), "scales": _base64(scales)}
    with np.errstate(over="ignore"):  # the proof of an export finds what f16 cannot hold
        return packed | {"data": _base64(values.astype("<f2" if kind == "f16" else "<f4"))}


def int8_rows(values: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Whole numbers and, for each row, their scale: a value is their product. The last axis counts the numbers of a
    row."""
    largest = np.abs(values).max(-1, keepdims=True)
    scales = (largest / LARGEST).astype("<f4")
    scales[scales == 0] = 1  # also of a row whose numbers are too small for any scale
    with np.errstate(invalid="ignore"):  # the proof of an export finds weights that are no numbers
        return np.rint(values / scales).astype(np.int8), scales[..., 0]


def _base64(values: NDArray[Any]) -> str:
    return base64.b64encode(np.ascontiguousarray(values).tobytes()).decode("ascii")
