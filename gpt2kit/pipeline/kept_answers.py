"""Answers that are kept in a file as they are made, so that a killed command goes on with those that are missing."""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from gpt2kit import recipe
from gpt2kit.decoding.seeds import reproducible
from gpt2kit.pipeline.engine import Engine

PART = 256
"""Inputs for each process that are answered together, after which they are kept."""

WITHOUT_EFFECT = ("device", "batch_rows")
"""Knobs of [generate] that do not change answers."""


def digest(engine: Engine, details: Iterable[Any], sources: Iterable[Any] = ()) -> str:
    """The digest of all that a run's answers depend on: weights, settings, `details` and `sources`."""
    assert engine.run is not None, "only a run is asked"
    found = hashlib.blake2b(digest_size=8)
    for run in (engine.run, *engine.others):
        with (run.path / run.weights).open("rb") as file:
            found.update(hashlib.file_digest(file, "blake2b").digest())
    settings = recipe.values(reproducible(engine.config))
    decisive = {key: value for key, value in settings.items() if key not in WITHOUT_EFFECT}
    found.update(json.dumps([engine.task.vocabulary.fingerprint(), decisive, *details]).encode())
    for source in sources:
        found.update(f"\n{source!r}".encode("utf-8", "backslashreplace"))
    return found.hexdigest()


def part_size(engine: Engine, inputs: int) -> int:
    """The number of inputs that are answered together, if `inputs` are for each process."""
    return inputs * (engine.dealer.processes if engine.dealer else 1)


def whole_lines(path: Path) -> Iterator[bytes]:
    """The lines of a file, if it exists, without their ends; a last line that was not completed is cut off."""
    if not path.is_file():
        return
    end = 0
    with path.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                os.truncate(path, end)
                return
            end += len(line)
            yield line[:-1]
