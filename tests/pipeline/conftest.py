"""Small translation runs that start from a pretrained model."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import gpt2kit
from gpt2kit import recipe
from gpt2kit.recipe import Recipe


@pytest.fixture(scope="module")
def translation_from(examples: Callable[[str], Any]) -> Callable[..., Recipe]:
    """`translation_from(tokenizer, *settings)`: a recipe whose settings do not name the shape of the model."""

    def make(tokenizer: Path, *settings: str) -> Recipe:
        small = [each for each in examples("translate").TINY if not each.startswith("model.")]
        small += [f'task.tokenizer="{tokenizer}"', "train.lr=1e-2", "train.evaluate_every=1", "train.save_every=1"]
        return recipe.load("translate", [*small, *settings])

    return make


@pytest.fixture(scope="module")
def prepare_for(
    examples: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory
) -> Callable[[Recipe, int], Path]:
    """`prepare_for(recipe, window)`: the folder of data prepared for a window."""

    def make(asked: Recipe, window: int) -> Path:
        folder = tmp_path_factory.mktemp("corpus")
        corpus = examples("translate").write_corpus(folder)
        sized = recipe.with_settings("translate", asked.table(), [f"model.n_positions={window}"])
        gpt2kit.prepare(sized, {"train": corpus, "val": corpus}, folder / "data")
        return folder / "data"

    return make
