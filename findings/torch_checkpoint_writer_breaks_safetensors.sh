#!/usr/bin/env bash
# torch.distributed.checkpoint: HuggingFaceStorageWriter, given a state that has a number or a text next to the
# tensors, such as the step, pickles it in front of the tensors, into model-00001-of-00001.safetensors. `save` reports
# nothing, and neither safetensors nor HuggingFaceStorageReader opens the file: the weights are lost. FileSystemWriter
# saves the same state. Give this writer tensors alone; `torch.tensor(7)` is one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet numpy==2.4.6 torch==2.13.0 safetensors==0.8.0
cat > "$folder/look.py" <<'PY'
import logging
import sys
import warnings
from importlib.metadata import version
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch.distributed import checkpoint
from torch.distributed.checkpoint import FileSystemReader, FileSystemWriter
from torch.distributed.checkpoint import HuggingFaceStorageReader, HuggingFaceStorageWriter

warnings.filterwarnings("ignore", message="torch.distributed is disabled")
logging.disable(logging.WARNING)
folder = Path(sys.argv[1])


def read_back(name, state, writer, reader):
    """What `load` fills zeros with, and what safetensors opens."""
    path = str(folder / name)
    checkpoint.save(state, storage_writer=writer(path))
    found = {key: torch.zeros_like(value) if isinstance(value, torch.Tensor) else 0 for key, value in state.items()}
    try:
        checkpoint.load(found, storage_reader=reader(path))
        result = str(found)
    except checkpoint.CheckpointException as error:
        result = str(error).strip().splitlines()[-1].split(": ", 1)[-1]
    for file in Path(path).glob("*.safetensors"):
        try:
            load_file(file)
        except Exception as error:
            result += f"; safetensors: {error}; it begins with {file.read_bytes()[:2]}"
    return result


weight, step = torch.tensor([1.5]), 7
hugging_face = (HuggingFaceStorageWriter, HuggingFaceStorageReader)
found = {
    "weight and number": read_back("a", {"weight": weight, "step": step}, *hugging_face),
    "weight and number, FileSystemWriter": read_back(
        "b", {"weight": weight, "step": step}, FileSystemWriter, FileSystemReader
    ),
    "weight and tensor": read_back("c", {"weight": weight, "step": torch.tensor(step)}, *hugging_face),
}
print("A number that is saved next to the weights makes a file that nothing opens.")
print("torch", torch.__version__, "safetensors", version("safetensors"))
for name, result in found.items():
    print(f"{name}: {result}")
broken, kept, tensor = found.values()
expected = "header too large" in broken and "PK" in broken
raise SystemExit(not expected or kept != "{'weight': tensor([1.5000]), 'step': 7}" or "tensor(7)" not in tensor)
PY
"$folder/venv/bin/python" "$folder/look.py" "$folder"
