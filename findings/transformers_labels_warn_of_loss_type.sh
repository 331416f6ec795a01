#!/usr/bin/env bash
# transformers: GPT2LMHeadModel, given labels, warns that a `loss_type=None` was set in the config, though nobody set one.
# No kind of loss is inferred from a class name that ends in LMHeadModel, and the message blames the configuration. The
# loss itself is the usual one. A class whose name ends in ForCausalLM does not warn.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.24.0
cat > "$folder/look.py" <<'PY'
import logging

import torch
import transformers
from torch.nn import functional as F
from transformers import GPT2Config, GPT2LMHeadModel


class Said(logging.Handler):
    def __init__(self):
        super().__init__()
        self.lines = []

    def emit(self, record):
        self.lines.append(record.getMessage())


said = Said()
logging.getLogger("transformers").addHandler(said)
torch.manual_seed(0)
config = GPT2Config(n_layer=1, n_head=1, n_embd=8, vocab_size=20, bos_token_id=0, eos_token_id=0)
ids = torch.tensor([[1, 2, 3, 4]])
model = GPT2LMHeadModel(config).eval()
out = model(ids, labels=ids)
usual = F.cross_entropy(out.logits[0, :-1], ids[0, 1:])
print("A GPT2LMHeadModel that is given labels warns of a setting that its configuration does not have.")
print("torch", torch.__version__, "transformers", transformers.__version__)
print("in the configuration:", "loss_type" in config.to_diff_dict())
print("said:", said.lines)
print("the usual loss:", bool(torch.isclose(out.loss, usual)))
blamed = [line for line in said.lines if "loss_type=None" in line and "set in the config" in line]
raise SystemExit(not (blamed and "loss_type" not in config.to_diff_dict() and torch.isclose(out.loss, usual)))
PY
"$folder/venv/bin/python" "$folder/look.py"
