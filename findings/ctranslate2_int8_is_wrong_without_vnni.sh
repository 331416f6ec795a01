#!/usr/bin/env bash
# CTranslate2 4.8.5: on an x86 CPU without VNNI instructions, as many laptops and older servers have, computing in int8
# gives logits that are off by a standard deviation, and nothing is said. Products of 8-bit numbers are added two at a
# time in 16 bits there, which overflow (oneDNN's guide describes it). The proof: with every second weight 0 no sum of two can
# overflow, and the error is that of rounding alone. Models converted with --quantization int8 compute in int8 by
# default; compute_type="float32" avoids it. To be seen on any x86 CPU, oneDNN is told here to use AVX2 only.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 ctranslate2==4.8.5
cat > "$folder/look.py" <<'PY'
import os
import sys

import ctranslate2
import numpy as np
from ctranslate2.specs import common_spec, transformer_spec

WIDTH, TOKENS = 64, 100
random = np.random.default_rng(0)


def decoder_of(every_second_is_0, path):
    """A GPT-2 of one layer with random weights, stored in 8 bits."""

    def matrix(rows, columns):
        found = random.normal(0, 0.2, (rows, columns)).astype(np.float32)
        if every_second_is_0:
            found[:, 1::2] = 0
        return found

    def norm(spec):
        spec.gamma, spec.beta = np.ones(WIDTH, np.float32), np.zeros(WIDTH, np.float32)

    spec = transformer_spec.TransformerDecoderModelSpec.from_config(1, 4, activation=common_spec.Activation.GELUTanh)
    decoder = spec.decoder
    decoder.scale_embeddings = False
    decoder.embeddings.weight = random.normal(0, 1, (TOKENS, WIDTH)).astype(np.float32)
    decoder.position_encodings.encodings = random.normal(0, 0.1, (32, WIDTH)).astype(np.float32)
    decoder.projection.weight = matrix(TOKENS, WIDTH)
    layer = decoder.layer[0]
    for each in (decoder.layer_norm, layer.self_attention.layer_norm, layer.ffn.layer_norm):
        norm(each)
    for linear, rows, columns in (
        (layer.self_attention.linear[0], 3 * WIDTH, WIDTH),
        (layer.self_attention.linear[1], WIDTH, WIDTH),
        (layer.ffn.linear_0, 4 * WIDTH, WIDTH),
        (layer.ffn.linear_1, WIDTH, 4 * WIDTH),
    ):
        linear.weight, linear.bias = matrix(rows, columns), np.zeros(rows, np.float32)
    spec.register_vocabulary([f"token{number}" for number in range(TOKENS)])
    spec.config.bos_token = spec.config.eos_token = spec.config.unk_token = "token0"
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(path)


print("CTranslate2", ctranslate2.__version__, "numpy", np.__version__)
errors = {}
for every_second_is_0 in (False, True):
    path = f"{sys.argv[1]}/{every_second_is_0}"
    os.mkdir(path)
    decoder_of(every_second_is_0, path)
    exact, rounded = (
        np.array(ctranslate2.Generator(path, device="cpu", compute_type=kind).forward_batch([list(range(1, 30))]))
        for kind in ("float32", "int8")
    )
    errors[every_second_is_0] = float(np.abs(exact - rounded).max() / exact.std())
print(f"largest error of a logit in int8: {errors[False]:.2f} standard deviations")
print(f"the same where no sum of two products can overflow: {errors[True]:.2f}")
raise SystemExit(not errors[False] > 0.5 > 0.2 > errors[True])
PY
echo "Without VNNI instructions, CTranslate2's int8 products overflow."
CT2_USE_MKL=0 ONEDNN_MAX_CPU_ISA=AVX2 "$folder/venv/bin/python" "$folder/look.py" "$folder"
