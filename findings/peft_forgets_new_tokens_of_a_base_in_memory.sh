#!/usr/bin/env bash
# peft: after resize_token_embeddings, save_pretrained stores the embedding with the adapter if the base was opened from a
# folder, with a warning, and leaves it out without a word if the same base was made in memory. The new tokens of the
# second adapter are lost. `save_pretrained(..., save_embedding_layers=True)` stores them in both cases.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.24.0 peft==0.21.2
cat > "$folder/look.py" <<'PY'
import sys
import warnings
from pathlib import Path

import peft
import torch
import transformers
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file
from transformers import GPT2Config, GPT2LMHeadModel

transformers.utils.logging.disable_progress_bar()
warnings.filterwarnings("ignore", category=FutureWarning)
folder = Path(sys.argv[1])


def base():
    torch.manual_seed(0)
    shape = GPT2Config(n_layer=1, n_head=1, n_embd=8, vocab_size=20, n_positions=16, bos_token_id=0, eos_token_id=0)
    return GPT2LMHeadModel(shape)


def saved(model, name):
    """The names of the tensors in the adapter after two tokens were added, and what was said on saving."""
    model.resize_token_embeddings(22, mean_resizing=False)
    adapted = get_peft_model(model, LoraConfig(task_type="CAUSAL_LM", r=2, fan_in_fan_out=True))
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always", UserWarning)
        adapted.save_pretrained(folder / name)
    return sorted(load_file(folder / name / "adapter_model.safetensors")), [str(w.message) for w in said]


base().save_pretrained(folder / "base")
print("An adapter has the resized embedding of its base only if the base was opened from a folder.")
print("torch", torch.__version__, "transformers", transformers.__version__, "peft", peft.__version__)
found = {}
for name, model in (("from memory", base()), ("from a folder", GPT2LMHeadModel.from_pretrained(folder / "base"))):
    names, said = saved(model, name)
    found[name] = [each for each in names if "wte" in each]
    print(f"{name}: embedding saved: {found[name]}; said: {said}")
raise SystemExit(not (found["from memory"] == [] and found["from a folder"]))
PY
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" "$folder/look.py" "$folder"
