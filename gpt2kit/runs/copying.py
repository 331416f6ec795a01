"""Copies of a run without its weights, for a folder with other ones."""

import shutil
from collections.abc import Container
from pathlib import Path
from typing import Any

from gpt2kit import files
from gpt2kit.runs import places
from gpt2kit.runs.folder import RUN_FILE, Run
from gpt2kit.runs.kinds import RUN

TENSORS = ".safetensors"
"""The ending of weights, adapters and training states."""


def copy_files(run: Run, folder: Path, left_out: Container[str], **changed: Any) -> None:
    """Copy what gpt2kit wrote into a run, except for tensors and the names in `left_out`, into an existing folder.

    In run.json, paths are as seen from that folder, and `changed` replaces values.
    """
    foreign = set(RUN.foreign(run.path))
    for path in run.path.iterdir():
        ours = path.is_file() and not path.name.startswith(".") and path.name not in foreign
        if ours and path.suffix != TENSORS and path.name not in left_out:
            shutil.copyfile(path, folder / path.name)
    record = run.record | {"data": places.recorded(run.data_path, folder)}
    if record["init"] and not record.get("init_of_hub"):
        record["init"] = places.recorded(places.found(record["init"], run.path), folder)
    files.write_json(folder / RUN_FILE, record | changed)
