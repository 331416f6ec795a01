#!/usr/bin/env bash
# CTranslate2: its converter accepts a folder with a GPT2ForSequenceClassification, drops the classifier's head and writes
# a language model, which loads and generates text. Nothing in the converter's output says so; only transformers, which
# it loads the folder with, reports an unexpected weight in its own log.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet torch==2.13.0 transformers==5.24.0 ctranslate2==4.8.5
cat > "$folder/look.py" <<'PY'
import logging
import sys
from pathlib import Path

import ctranslate2
import transformers
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import GPT2Config, GPT2ForSequenceClassification, PreTrainedTokenizerFast

transformers.utils.logging.disable_progress_bar()
logging.getLogger("transformers").setLevel(logging.ERROR)
folder, end = Path(sys.argv[1]), "<|endoftext|>"
tokenizer = Tokenizer(models.BPE({chr(ord("a") + n): n for n in range(20)} | {end: 20}, []))
tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
ends = {"bos_token": end, "eos_token": end, "unk_token": end}
PreTrainedTokenizerFast(tokenizer_object=tokenizer, **ends).save_pretrained(folder / "hf")
ids = {"bos_token_id": 20, "eos_token_id": 20, "pad_token_id": 20}
shape = GPT2Config(n_layer=1, n_head=2, n_embd=16, vocab_size=21, n_positions=16, num_labels=3, **ids)
GPT2ForSequenceClassification(shape).save_pretrained(folder / "hf")

print("A classifier is converted as a language model, and its head is left out.")
print("transformers", transformers.__version__, "ctranslate2", ctranslate2.__version__)
ctranslate2.converters.TransformersConverter(str(folder / "hf")).convert(str(folder / "converted"))
generator = ctranslate2.Generator(str(folder / "converted"))
shape = generator.forward_batch([["a", "b"]]).shape
print("the classifier has 3 labels and 21 tokens; the converted model gives logits of shape", shape)
raise SystemExit(shape != [1, 2, 21])
PY
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" "$folder/look.py" "$folder"
