#!/usr/bin/env bash
# transformers: a GenerationConfig that is passed to generate() does not replace that of the model. Every value that is
# None in it, as most are by default, is filled in from the folder's generation_config.json: suppressed tokens or a
# repetition penalty of the folder still apply. Setting `model.generation_config` replaces it as a whole.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.24.0
cat > "$folder/look.py" <<'PY'
import sys
import warnings

import torch
import transformers
from transformers import GenerationConfig, GPT2Config, GPT2LMHeadModel

transformers.utils.logging.disable_progress_bar()
warnings.simplefilter("ignore")
torch.manual_seed(0)
shape = {"n_layer": 2, "n_head": 2, "n_embd": 16, "vocab_size": 20, "n_positions": 32, "initializer_range": 1.0}
model = GPT2LMHeadModel(GPT2Config(**shape, bos_token_id=0, eos_token_id=None)).eval()
prompt = torch.tensor([[3, 4, 5]])
settings = {"do_sample": False, "max_new_tokens": 12, "pad_token_id": 0}
plain = model.generate(prompt, generation_config=GenerationConfig(**settings))[0].tolist()
never = sorted(set(plain[3:]))
model.generation_config = GenerationConfig(suppress_tokens=never)
model.save_pretrained(sys.argv[1])
model = GPT2LMHeadModel.from_pretrained(sys.argv[1])
given = GenerationConfig(**settings)
again = model.generate(prompt, generation_config=given)[0].tolist()
model.generation_config = given
replaced = model.generate(prompt)[0].tolist()
print("A GenerationConfig that is given to generate() is completed from the folder's.")
print("torch", torch.__version__, "transformers", transformers.__version__)
print("the given one says suppress_tokens =", given.suppress_tokens)
print("without settings in the folder:  ", plain)
print("the folder suppresses", never, ":", again)
print("model.generation_config replaced:", replaced)
raise SystemExit(not (again != plain and not set(again[3:]) & set(never) and replaced == plain))
PY
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" "$folder/look.py" "$folder"
