"""The model that adapters were trained on, and the fingerprint of its weights that their run keeps."""

import hashlib
from pathlib import Path

from gpt2kit import tensor_files
from gpt2kit.data.hub import fetch

KEY = "init_weights"
"""The key of the fingerprint in run.json."""


def folder_and_fingerprint(model: str, whole: bool) -> tuple[Path, str | None]:
    """The folder of a model, downloaded if it is of the Hub, and the digest in the header of its weights.

    For weights that another program has saved, it is that of the file's bytes, which are read only if `whole`; None if
    they are not read, or in several files.
    """
    from gpt2kit.model import hf  # it imports torch, which prepare does not need

    folder = fetch(model)
    path = folder / hf.WEIGHTS
    if not path.is_file():
        return folder, None
    if (known := tensor_files.read_metadata(path).get(tensor_files.DIGEST)) is not None or not whole:
        return folder, known
    with path.open("rb") as file:
        return folder, hashlib.file_digest(file, lambda: hashlib.blake2b(digest_size=16)).hexdigest()
