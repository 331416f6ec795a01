#!/usr/bin/env bash
# datasets: if a column of a JSON lines file has strings and a number, as answers often do, every string in it that
# can be parsed as JSON becomes that value: "007" is 7, "true" is True, "null" is missing, "[1, 2]" is a list. Such a
# column gets the type Json, which takes a string that parses for one that is encoded already. Declaring the column as
# a string does not help: some strings are then quoted and others are not. Writing the numbers as strings avoids it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet datasets==5.2.0 pyarrow==26.0.1 pandas==3.1.1
cat > "$folder/look.py" <<'PY'
import json
import sys
from pathlib import Path

import datasets
import pyarrow
from datasets import Features, Value, load_dataset

datasets.disable_progress_bars()
folder = Path(sys.argv[1])


def answers(name, rows, features=None):
    path = folder / f"{name}.jsonl"
    path.write_text("".join(json.dumps({"answer": row}) + "\n" for row in rows))
    table = load_dataset(
        "json", data_files=str(path), split="train", cache_dir=str(folder / "cache"), features=features
    )
    return list(table["answer"])


strings = ["Paris", "007", "true", "null", "[1, 2]"]
alone = answers("strings", strings)
mixed = answers("mixed", [*strings, 1958])
declared = answers("declared", [*strings, 1958], Features({"answer": Value("string")}))
print("One number in a column changes strings of other rows into numbers, lists and missing values.")
print("datasets", datasets.__version__, "pyarrow", pyarrow.__version__)
print("written:                   ", strings)
print("read:                      ", alone)
print("read, with the number 1958:", mixed)
print("the same, as strings:      ", declared)
changed = ["Paris", 7, True, None, [1, 2], 1958]
quoted = ['"Paris"', "007", "true", "null", "[1, 2]", "1958"]
raise SystemExit((alone, mixed, declared) != (strings, changed, quoted))
PY
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" "$folder/look.py" "$folder"
