#!/usr/bin/env bash
# torch.distributed.checkpoint: CheckpointException, which `save` and `load` raise for whatever goes wrong on any
# process, a tensor that cannot be written as well as a missing key, derives from BaseException. `except Exception`
# does not catch it: a loop that wants to log a failed save and train on, or to start over without a checkpoint, ends
# instead. Catch CheckpointException by its name.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 torch==2.13.0
cat > "$folder/look.py" <<'PY'
import sys
import warnings

import torch
from torch.distributed import checkpoint

warnings.filterwarnings("ignore", message="torch.distributed is disabled")


def caught_by(load):
    try:
        try:
            load()
        except Exception as error:
            return "except Exception", error
    except BaseException as error:
        return "except BaseException alone", error
    return "nothing", None


path = f"{sys.argv[1]}/state"
checkpoint.save({"weight": torch.ones(1)}, checkpoint_id=path)
found = caught_by(lambda: checkpoint.load({"bias": torch.ones(1)}, checkpoint_id=path))
plain = caught_by(lambda: torch.nn.Linear(1, 1).load_state_dict({"weight": torch.ones(1, 1)}))
print("A checkpoint that lacks a key raises an error that `except Exception` does not catch.")
print("torch", torch.__version__)
for name, (clause, error) in {"torch.distributed.checkpoint.load": found, "Module.load_state_dict": plain}.items():
    bases = " < ".join(kind.__name__ for kind in type(error).__mro__[:-1])
    print(f"{name}: caught by {clause} ({bases}): {str(error).strip().splitlines()[-1].strip()}")
raise SystemExit((found[0], plain[0]) != ("except BaseException alone", "except Exception"))
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder"
