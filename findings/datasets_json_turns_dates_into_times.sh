#!/usr/bin/env bash
# datasets: a column of JSON lines whose strings are all ISO dates, as in a task that normalizes dates, is read as
# times: "2021-05-05" becomes a datetime, and "2021-05-05T12:00+02:00" is moved to UTC and loses its offset. Declaring
# the column as a string does not bring the file's text back: " 00:00:00" is added. A single row that is not a date
# keeps all of them strings, or raises an error if it comes after the first 10 MB. The same column of a CSV file stays
# as it is. `Dataset.from_list` of the lines that the json module reads keeps the strings.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet datasets==5.2.0 pyarrow==26.0.1 pandas==3.1.1
cat > "$folder/look.py" <<'PY'
import json
import sys
from datetime import datetime
from pathlib import Path

import datasets
import pyarrow
from datasets import Features, Value, load_dataset

datasets.disable_progress_bars()
folder = Path(sys.argv[1])


def column(name, rows, features=None):
    path = folder / name
    kind = path.suffix.strip(".").removesuffix("l")
    lines = ["when", *rows] if kind == "csv" else [json.dumps({"when": row}) for row in rows]
    path.write_text("\n".join(lines) + "\n")
    table = load_dataset(kind, data_files=str(path), split="train", cache_dir=str(folder / "cache"), features=features)
    return list(table["when"])


dates = ["2021-05-05", "1066-10-14", "2021-05-05T12:00+02:00"]
found = {
    "CSV": column("dates.csv", dates),
    "JSON": column("dates.jsonl", dates),
    "JSON, declared as a string": column("strings.jsonl", dates, Features({"when": Value("string")})),
    "JSON, with a row that is not a date": column("mixed.jsonl", [*dates, "unknown"]),
}
print("Strings that look like dates are changed, also if the column is declared as a string.")
print("datasets", datasets.__version__, "pyarrow", pyarrow.__version__)
print("written:", dates)
for name, values in found.items():
    print(f"{name}:", ", ".join(map(repr, values)))
changed = ["2021-05-05 00:00:00", "1066-10-14 00:00:00", "2021-05-05 10:00:00"]
times = [datetime.fromisoformat(each) for each in changed]
raise SystemExit(list(found.values()) != [dates, times, changed, [*dates, "unknown"]])
PY
HF_HUB_OFFLINE=1 "$folder/venv/bin/python" "$folder/look.py" "$folder"
