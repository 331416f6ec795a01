#!/usr/bin/env bash
# transformers 5: a tokenizer.json of class GPT2Tokenizer or GPT2TokenizerFast, or in a folder of GPT-2 that names no
# class, is opened without its normalizer, and nothing is said; transformers 4 kept it. A tokenizer that lowercases or
# composes accents then gives a model ids that it was not trained with, "CAFÉ" as single bytes. The class
# PreTrainedTokenizerFast in tokenizer_config.json keeps the file as it is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cat > "$folder/look.py" <<'PY'
import json
import sys
from importlib.metadata import version
from pathlib import Path

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers
from transformers import AutoTokenizer

folder, expected = Path(sys.argv[1]), sys.argv[2]
alphabet = {letter: index for index, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
merges = [("c", "a"), ("f", "Ã"), ("fÃ", "©"), ("ca", "fÃ©")]
vocabulary = alphabet | {a + b: 256 + index for index, (a, b) in enumerate(merges)}
tokenizer = Tokenizer(models.BPE(vocabulary, merges))
tokenizer.normalizer = normalizers.Sequence([normalizers.Lowercase(), normalizers.NFC()])
tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
texts = ["café", "CAFÉ", "cafe\u0301"]
print("transformers", version("transformers"), "tokenizers", version("tokenizers"))
print("tokenizers:", *(tokenizer.encode(text).tokens for text in texts))
found = {}
for name in ("PreTrainedTokenizerFast", "GPT2TokenizerFast", "none"):
    path = folder / name
    path.mkdir(exist_ok=True)
    tokenizer.save(str(path / "tokenizer.json"))
    (path / "config.json").write_text(json.dumps({"model_type": "gpt2"}))
    named = {} if name == "none" else {"tokenizer_class": name}
    (path / "tokenizer_config.json").write_text(json.dumps(named))
    opened = AutoTokenizer.from_pretrained(path)
    tokens = [opened.convert_ids_to_tokens(opened(text)["input_ids"]) for text in texts]
    kept = tokens == [["cafÃ©"]] * len(texts)
    found[name] = "kept" if kept else "dropped"
    print(f"class {name}, opened as {type(opened).__name__}: normalizer {found[name]}:", *tokens)
raise SystemExit(",".join(found.values()) != expected)
PY
echo "The normalizer of a GPT-2 tokenizer is dropped."
export HF_HUB_OFFLINE=1
"$folder/venv/bin/pip" install --quiet transformers==4.57.6
"$folder/venv/bin/python" "$folder/look.py" "$folder" kept,kept,kept
"$folder/venv/bin/pip" install --quiet transformers==5.24.0
"$folder/venv/bin/python" "$folder/look.py" "$folder" kept,dropped,dropped
