#!/usr/bin/env bash
# peft: a relative path of the base model in adapter_config.json is looked up from the current directory, not from the
# adapter's folder. The same adapter opens in one directory, fails in another, and in a third one it is put on a
# different base of the same shape without a word. `get_peft_model` writes such a path when the base was opened by one.
# Only an absolute path, or a fingerprint of the base's weights that the caller keeps and checks, protects from that.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.24.0 peft==0.21.2
cat > "$folder/look.py" <<'PY'
import logging
import os
import sys
import warnings
from pathlib import Path

import peft
import torch
import transformers
from peft import AutoPeftModelForCausalLM, LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, GPT2Config, GPT2LMHeadModel

transformers.utils.logging.disable_progress_bar()


def make_base(path, seed):
    torch.manual_seed(seed)
    shape = GPT2Config(n_layer=1, n_head=1, n_embd=8, vocab_size=20, n_positions=16, bos_token_id=0, eos_token_id=0)
    GPT2LMHeadModel(shape).save_pretrained(path)


def opened_in(directory, adapter):
    """The embedding of the base that the adapter is put on when it is opened from a directory; None if it fails."""
    os.chdir(directory)
    try:
        model = AutoPeftModelForCausalLM.from_pretrained(adapter)
    except (OSError, ValueError) as error:
        print(f"from {directory.name}: {type(error).__name__}")
        return None
    return model.get_base_model().transformer.wte.weight


project, empty, other = (Path(sys.argv[1]) / name for name in ("project", "empty", "other"))
for directory in (project, empty, other):
    directory.mkdir()
make_base(project / "base", seed=0)
make_base(other / "base", seed=1)
os.chdir(project)
settings = LoraConfig(task_type="CAUSAL_LM", r=2, fan_in_fan_out=True)
get_peft_model(AutoModelForCausalLM.from_pretrained("base"), settings).save_pretrained("adapter")
right = GPT2LMHeadModel.from_pretrained(project / "base").transformer.wte.weight

print("An adapter is put on whichever base the current directory has under the recorded relative path.")
print("torch", torch.__version__, "transformers", transformers.__version__, "peft", peft.__version__)
said = []
handler = logging.Handler()
handler.emit = lambda record: said.append(record.getMessage())
for library in ("peft", "transformers"):
    logging.getLogger(library).addHandler(handler)
with warnings.catch_warnings(record=True) as warned:
    warnings.simplefilter("always")
    found = {directory.name: opened_in(directory, project / "adapter") for directory in (project, empty, other)}
for name, weights in found.items():
    print(f"from {name}:", "fails" if weights is None else "right base" if torch.equal(weights, right) else "wrong base")
about_base = [str(line) for line in (*said, *(w.message for w in warned)) if "base" in str(line).lower()]
print("said about the base:", about_base)
same = torch.equal(found["project"], right) and found["empty"] is None and not torch.equal(found["other"], right)
raise SystemExit(not (same and not about_base))
PY
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" "$folder/look.py" "$folder"
