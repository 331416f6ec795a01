#!/usr/bin/env bash
# CTranslate2: ModelSpec.optimize(quantization="int8") multiplies the weights by their scales in place. A spec holds the
# arrays that it was given, not copies: the model that it was filled from computes something else afterwards. Other
# types do not do that. Giving the spec copies avoids it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 ctranslate2==4.8.5
cat > "$folder/look.py" <<'PY'
import sys

import ctranslate2
import numpy as np
from ctranslate2.specs import transformer_spec


def decoder():
    """A GPT-2 of one layer with random weights; NumPy arrays are drawn from one seed."""
    draw = np.random.default_rng(0)
    spec = transformer_spec.TransformerDecoderModelSpec.from_config(1, 2)
    body, layer = spec.decoder, spec.decoder.layer[0]
    body.scale_embeddings = False
    body.embeddings.weight = body.projection.weight = draw.standard_normal((24, 16), dtype=np.float32)
    body.position_encodings.encodings = draw.standard_normal((32, 16), dtype=np.float32)
    for norm in (body.layer_norm, layer.self_attention.layer_norm, layer.ffn.layer_norm):
        norm.gamma, norm.beta = np.ones(16, dtype=np.float32), np.zeros(16, dtype=np.float32)
    products = [*layer.self_attention.linear, layer.ffn.linear_0, layer.ffn.linear_1]
    for product, outputs, inputs in zip(products, (48, 16, 64, 16), (16, 16, 16, 64), strict=True):
        product.weight = draw.standard_normal((outputs, inputs), dtype=np.float32)
        product.bias = np.zeros(outputs, dtype=np.float32)
    spec.config.bos_token = spec.config.eos_token = spec.config.unk_token = "t0"
    spec.register_vocabulary([f"t{n}" for n in range(24)])
    spec.validate()
    return spec


print("optimize(quantization='int8') changes the arrays that the caller has given.")
print("ctranslate2", ctranslate2.__version__, "numpy", np.__version__)
changed = {}
for quantization in (None, "float16", "int8"):
    spec = decoder()
    weight = spec.decoder.layer[0].ffn.linear_0.weight
    given = weight.numpy() if hasattr(weight, "numpy") else weight
    before = given.copy()
    spec.optimize(quantization=quantization)
    changed[quantization] = not np.array_equal(given, before)
    print(f"{quantization}: changed {changed[quantization]}, first number {before[0, 0]:.4f} -> {given[0, 0]:.4f}")
raise SystemExit(changed != {None: False, "float16": False, "int8": True})
PY
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" "$folder/look.py" "$folder"
