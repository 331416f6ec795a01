"""Training windows shorter than the model's, and position vectors that are not trained."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

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
    run = run_of("music", *RELATIVE, "train.window=8", "train.weight_decay=0", "train.position_vectors=true")
    config = (model := hf.load(run)).config
    seen = model.transformer.wpe.weight.count_nonzero(1) > 0
    assert seen.tolist() == [position < 8 for position in range(config.n_positions)]


def test_a_window_beyond_the_model_s_is_the_model_s(run_of: Callable[..., Path]) -> None:
    whole, beyond = (hf.load(run_of("music", *RELATIVE, f"train.window={window}")).state_dict() for window in (0, 4096))
    assert all(torch.equal(whole[name], beyond[name]) for name in whole)


def test_prompts_and_answers_have_no_windows(run_of: Callable[..., Path]) -> None:
    message = "train.window = 8: prompts and answers are not cut into windows; remove it from the recipe"
    with pytest.raises(UserError, match=re.escape(message)):
        run_of("translate", "train.window=8")
