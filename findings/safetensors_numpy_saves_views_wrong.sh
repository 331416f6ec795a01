#!/usr/bin/env bash
# safetensors 0.8.0, NumPy: arrays that are not contiguous in C order are saved with the values of another order, and
# nothing is said. A transposed matrix, every second column and a Fortran-ordered copy come back changed; 0.7.0 saved
# them right. `np.ascontiguousarray` before saving is a way around. The PyTorch functions refuse such tensors.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
cat > "$folder/look.py" <<'PY'
import sys
from importlib.metadata import version

import numpy as np
from safetensors.numpy import load_file, save_file

matrix = np.arange(6, dtype=np.float32).reshape(2, 3)
arrays = {
    "as it is": matrix,
    "transposed": matrix.T,
    "every second column": matrix[:, ::2],
    "Fortran order": np.asfortranarray(matrix),
}
save_file(arrays, f"{sys.argv[1]}/arrays.safetensors")
found = load_file(f"{sys.argv[1]}/arrays.safetensors")
same = {name: bool(np.array_equal(found[name], array)) for name, array in arrays.items()}
print("safetensors", version("safetensors"), "numpy", np.__version__)
for name in arrays:
    print(f"{name}: {'same' if same[name] else f'{arrays[name].tolist()} became {found[name].tolist()}'}")
changed = [name for name in same if not same[name]]
raise SystemExit(changed != (sys.argv[2].split(",") if sys.argv[2] else []))
PY
echo "Views of NumPy arrays are saved with other values."
for expected in "0.7.0:" "0.8.0:transposed,every second column,Fortran order"; do
    "$folder/venv/bin/pip" install --quiet numpy==2.4.6 "safetensors==${expected%%:*}"
    "$folder/venv/bin/python" "$folder/look.py" "$folder" "${expected#*:}"
done
