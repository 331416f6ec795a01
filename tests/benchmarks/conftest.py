"""The scripts in benchmarks/, which import one another by their bare names."""

import importlib
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


@contextmanager
def benchmark(name: str, **environment: str) -> Iterator[Any]:
    """A script as a module; it and what it imported of the folder are forgotten afterwards."""
    before = set(sys.modules)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(BENCHMARKS)
        for key, value in environment.items():
            patch.setenv(key, value)
        yield importlib.import_module(name)
    for found in set(sys.modules) - before:
        if (path := getattr(sys.modules[found], "__file__", None)) and BENCHMARKS in Path(path).parents:
            del sys.modules[found]
