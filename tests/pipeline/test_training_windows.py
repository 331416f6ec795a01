"""Training windows shorter than the model's, and position vectors that are not trained."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from gpt2kit.errors import UserError
from gpt2kit.model import hf

RELATIVE = ("model.attention=relative-local", "model.block=8")


def test_position_vectors_that_are_not_trained_stay_zero(run_of: Callable[..., Path]) -> None:
    kept, trained = (
        hf.load(run_of("music", *RELATIVE, f"train.position_vectors={value}")).transformer.wpe.weight
        for value in ("false", "true")
    )
    assert kept.count_nonzero() == 0
    assert trained.count_nonzero() > 0


def test_a_run_on_shorter_windows_has_the_whole_window(run_of: Callable[..., Path]) -> None:
    """Each position of the window that training has not seen keeps its vector of 0."""
    run = run_of("music", *RELATIVE, "train.window=8", "train.weight_decay=0")
    config = (model := hf.load(run)).config
    seen = model.transformer.wpe.weight.count_nonzero(1) > 0
    assert seen.tolist() == [position < 8 for position in range(config.n_positions)]


@pytest.mark.parametrize(
    ("task", "setting", "message"),
    [
        ("translate", 8, "train.window = 8: prompts and answers are not cut into windows; remove it from the recipe"),
        ("lm", 4096, "train.window = 4096, but the model's is"),
    ],
)
def test_windows_that_do_not_fit(run_of: Callable[..., Path], task: str, setting: int, message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        run_of(task, f"train.window={setting}")
