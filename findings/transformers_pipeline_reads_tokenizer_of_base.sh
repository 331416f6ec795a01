#!/usr/bin/env bash
# transformers: pipeline("text-generation", FOLDER) of a peft adapter takes the tokenizer of the base model, although the
# adapter's folder has one of its own. If a new token uses a spare row of a padded base, nothing fails: the pipeline
# splits the token's name into letters. `tokenizer=FOLDER` gives the right one.
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
from peft import LoraConfig, get_peft_model
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoModelForCausalLM, AutoTokenizer, GPT2Config, GPT2LMHeadModel, PreTrainedTokenizerFast, pipeline

transformers.utils.logging.disable_progress_bar()
transformers.utils.logging.set_verbosity_error()
warnings.simplefilter("ignore")
folder, end = Path(sys.argv[1]), "<|endoftext|>"
plain = Tokenizer(models.BPE({chr(ord("a") + n): n for n in range(20)} | {end: 20}, []))
plain.pre_tokenizer, plain.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
tokenizer = PreTrainedTokenizerFast(tokenizer_object=plain, bos_token=end, eos_token=end)
shape = GPT2Config(n_layer=1, n_head=1, n_embd=8, vocab_size=32, n_positions=16, bos_token_id=20, eos_token_id=20)
GPT2LMHeadModel(shape).save_pretrained(folder / "base")  # a padded vocabulary: 32 rows for 21 tokens
tokenizer.save_pretrained(folder / "base")
adapted = get_peft_model(AutoModelForCausalLM.from_pretrained(folder / "base"), LoraConfig(task_type="CAUSAL_LM", r=2))
adapted.save_pretrained(folder / "adapter")
tokenizer.add_tokens([AddedToken("<to-fr>", special=True)])
tokenizer.save_pretrained(folder / "adapter")

found = pipeline("text-generation", str(folder / "adapter")).tokenizer
own = AutoTokenizer.from_pretrained(folder / "adapter")
print("A pipeline of an adapter's folder reads the tokenizer of the base, although the folder has one.")
print("torch", torch.__version__, "transformers", transformers.__version__, "peft", peft.__version__)
print("the folder's:", own("a<to-fr>").input_ids)
print("the pipeline's:", found("a<to-fr>").input_ids)
raise SystemExit(not (21 in own("a<to-fr>").input_ids and 21 not in found("a<to-fr>").input_ids))
PY
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" "$folder/look.py" "$folder"
