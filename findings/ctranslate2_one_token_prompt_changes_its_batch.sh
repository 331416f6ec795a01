#!/usr/bin/env bash
# CTranslate2: generate_batch(..., include_prompt_in_result=False) returns answers without their prompts, unless one prompt
# of the batch has a single token. Then the results of the others begin with their own prompts, less the first token.
# Language models that start from the end token alone are such prompts. Batches of equal kind avoid it.
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


spec = decoder()
spec.optimize()
spec.save(sys.argv[1])
generator = ctranslate2.Generator(sys.argv[1])


def answer(*prompts):
    """What generate_batch returns for the first of some prompts."""
    found = generator.generate_batch(list(prompts), max_length=4, include_prompt_in_result=False, end_token=[])
    return found[0].sequences[0]


print("A prompt of one token changes what is returned for the other prompts of its batch.")
print("ctranslate2", ctranslate2.__version__, "numpy", np.__version__)
prompt = ["t1", "t2", "t3"]
alone, with_two, with_one = answer(prompt), answer(prompt, ["t4", "t5"]), answer(prompt, ["t4"])
print("alone:                      ", alone)
print("with a prompt of two tokens:", with_two)
print("with a prompt of one token: ", with_one)
raise SystemExit(not (alone == with_two and with_one[:2] == prompt[1:] and with_one != alone))
PY
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" "$folder/look.py" "$folder"
