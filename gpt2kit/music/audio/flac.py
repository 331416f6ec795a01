"""FLAC files: the only import of soundfile, an optional package that includes libsndfile."""

import importlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpt2kit.errors import MachineError
from gpt2kit.overwriting import GENERATOR


def require() -> Any:
    """The module; raises MachineError if it cannot be imported."""
    try:
        return importlib.import_module("soundfile")
    except (ImportError, OSError) as error:  # OSError: the package is there, but not the system's libsndfile
        raise MachineError("FLAC files need the package soundfile: pip install 'gpt2kit[flac]'") from error


def write(path: Path, sample_rate: int, frames: int, blocks: Iterable[NDArray[np.int16]]) -> None:
    """Write blocks of 16-bit stereo samples, left and right in turn, `frames` of each in all. Raises OSError."""
    soundfile = require()
    try:
        with soundfile.SoundFile(
            str(path), "w", samplerate=sample_rate, channels=2, format="FLAC", subtype="PCM_16"
        ) as file:
            file.software = GENERATOR
            for block in blocks:
                file.write(block.reshape(-1, 2))
        # A disk that is full when the file is closed gives no error (soundfile 0.14.0), but no length either.
        written = soundfile.info(str(path)).frames
    except soundfile.SoundFileError as error:
        raise OSError(str(error)) from error
    if written != frames:
        raise OSError("the disk may be full")
