#!/usr/bin/env bash
# tokenizers: the decoder of byte-level tokenizers, such as GPT-2's, takes the letters of an added token for bytes of
# text if all of them are in GPT-2's alphabet of bytes. Accented Latin letters are: the separator "<français>" is
# decoded with U+FFFD for its ç, "<slovenčina>" with a carriage return for its č. Reported as issues 1392 and 1996,
# still so in 0.23.3. tiktoken decodes the same tokens right. Names in ASCII, or with a space, avoid it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet tokenizers==0.23.3 tiktoken==0.14.0
cat > "$folder/look.py" <<'PY'
from importlib.metadata import version

import tiktoken
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

names = ["<francais>", "<français>", "<slovenčina>", "<日本語>", "<en français>"]
alphabet = {letter: index for index, letter in enumerate(sorted(pre_tokenizers.ByteLevel.alphabet()))}
tokenizer = Tokenizer(models.BPE(alphabet, []))
tokenizer.pre_tokenizer, tokenizer.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
tokenizer.add_special_tokens([AddedToken(name, special=True, normalized=False) for name in names])
encoding = tiktoken.Encoding(
    "bytes",
    pat_str=r"\S+|\s+",
    mergeable_ranks={bytes([byte]): byte for byte in range(256)},
    special_tokens={name: 256 + index for index, name in enumerate(names)},
)
print("Added tokens with accented letters are decoded as if they were bytes.")
print(*(f"{name} {version(name)}" for name in ("tokenizers", "tiktoken")))
found, correct = {}, True
for name in names:
    ids = tokenizer.encode(name).ids
    found[name] = tokenizer.decode(ids, skip_special_tokens=False)
    other = encoding.decode(encoding.encode(name, allowed_special="all"))
    correct = correct and len(ids) == 1 and other == name
    print(f"{name}: one token, {tokenizer.id_to_token(ids[0])!r}; decoded {found[name]!r}, by tiktoken {other!r}")
expected = {name: name for name in names} | {"<français>": "<fran\ufffdais>", "<slovenčina>": "<sloven\rina>"}
raise SystemExit(not correct or found != expected)
PY
"$folder/venv/bin/python" "$folder/look.py"
