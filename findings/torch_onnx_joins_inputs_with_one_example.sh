#!/usr/bin/env bash
# torch.onnx: if one tensor is the example of two inputs of a model, the exported graph has both inputs and computes with
# the second one in both places. Nothing is said, and with equal inputs the result is right. An empty cache that is given
# to every layer as one tensor is such an example. Tensors of their own, even with equal values, give the right graph.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0
cat > "$folder/look.py" <<'PY'
import logging
import sys
import warnings
from importlib.metadata import version

import numpy as np
import onnxruntime
import torch

logging.getLogger("torch.onnx").setLevel(logging.ERROR)


class Sum(torch.nn.Module):
    def forward(self, a, b):
        return a + 10 * b


def exported(name, examples):
    """a + 10 b for a = 1 and b = 2 as onnxruntime computes it, and what was said about the inputs."""
    path = f"{sys.argv[1]}/{name}.onnx"
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        torch.onnx.export(Sum(), examples, path, dynamo=True, verbose=False, input_names=["a", "b"])
    session = onnxruntime.InferenceSession(path)
    inputs = {"a": np.float32([1]), "b": np.float32([2])}
    found = session.run(None, {each.name: inputs[each.name] for each in session.get_inputs()})[0].item()
    return found, [str(w.message) for w in said if "alias" in str(w.message) or "same tensor" in str(w.message)]


print("Two inputs that had one tensor as their example are one in the exported graph.")
print(*(f"{name} {version(name)}" for name in ("torch", "onnx", "onnxscript", "onnxruntime")))
one = torch.ones(1)
same, said = exported("same", (one, one))
own, _ = exported("own", (torch.ones(1), torch.ones(1)))
print("1 + 10 * 2, exported with one tensor for both:", same, "- said:", said)
print("1 + 10 * 2, exported with a tensor for each:", own)
raise SystemExit(not (same == 22 and own == 21 and said == []))
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder"
