"""What the tests of faults share: a small recipe, and what a folder holds."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit import recipe
from gpt2kit.recipe import Recipe

SETTINGS = ["train.steps=8", "train.save_every=2", "train.evaluate_every=4", "model.dropout=0.2", "train.ema=0.9"]


@pytest.fixture
def tiny(examples: Callable[[str], Any], tmp_path: Path) -> Recipe:
    """A recipe of eight steps, each of which depends on the last; `data` is prepared for it."""
    translate = examples("translate")
    found = recipe.load("translate", [*translate.TINY, *SETTINGS])
    corpus = translate.write_corpus(tmp_path)
    gpt2kit.prepare(found, {"train": corpus, "val": corpus}, tmp_path / "data")
    return found


@pytest.fixture
def contents() -> Callable[[Path], dict[str, bytes]]:
    """`contents(folder)`: its files, the hidden ones too, by their paths inside."""
    return lambda folder: {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
