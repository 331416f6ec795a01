#!/usr/bin/env bash
# gguf: GGUFWriter leaves out a key whose value is an empty list or an empty text, and says nothing, although the format
# has arrays and strings of length 0. The tokenizer of single bytes has no merges: its file then lacks the list
# `tokenizer.ggml.merges`, as if it were incomplete. A reader cannot distinguish "none" from "not stated".
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 gguf==0.19.0
cat > "$folder/look.py" <<'PY'
import sys
from importlib.metadata import version

import gguf
import numpy as np

path = f"{sys.argv[1]}/empty.gguf"
writer = gguf.GGUFWriter(path, "gpt2")
writer.add_array("test.list", ["a b"])
writer.add_array("test.empty_list", [])
writer.add_string("test.text", "a")
writer.add_string("test.empty_text", "")
writer.add_tensor("weight", np.zeros(4, dtype=np.float32))
writer.write_header_to_file()
writer.write_kv_data_to_file()
writer.write_tensors_to_file()
writer.close()
keys = [key for key in gguf.GGUFReader(path).fields if key.startswith("test.")]
print("Empty lists and texts are not written, and nothing is said.")
print("gguf", version("gguf"), "numpy", np.__version__)
print("given: test.list, test.empty_list, test.text, test.empty_text; read:", ", ".join(keys))
raise SystemExit(keys != ["test.list", "test.text"])
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder"
