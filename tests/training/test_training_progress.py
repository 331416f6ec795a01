"""Where a run stands: planned from the knobs, and the same after it was saved and read."""

import json
import math
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from gpt2kit import tensor_files
from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training import state
from gpt2kit.training.loop import Loop
from gpt2kit.training.plan import Costs, Plan
from gpt2kit.training.progress import Progress

BASE = TrainConfig(steps=10, batch_tokens=96, dtype="fp32", compile="off", device="cpu", samples=0)

SAVED = {
    "step": 40,
    "best": 2.5,
    "waited": 3,
    "pace": {
        "plan": {"total": 120, "anchor": 30, "progress": 0.25},
        "costs": {"step": 0.5, "validation": 2.0, "save": 0.125},
        "evaluate_every": 12,
        "spent": 33.5,
    },
    "processes": 2,
    "accumulate": 4,
}
"""As a run of version 0.1 saved it."""

LENGTH = {"epochs": 9.0, "steps": 0, "least_steps": 0, "budget": "", "budget_steps": 0}


def loop_of(train: Store, folder: Path, **knobs: Any) -> Loop:
    torch.manual_seed(0)
    model = GPT2(ModelConfig(n_layer=1, n_head=2, n_embd=16, n_positions=32), 40)
    return Loop(model, train, None, replace(BASE, **knobs), folder)


@pytest.fixture
def train(store_of: Callable[..., Store]) -> Store:
    return store_of([([5, 1], [7, 8, 9, 0][n % 3 :]) for n in range(100)])


def test_what_was_saved_is_read() -> None:
    expected = Progress(Plan(120, 30, 0.25), 12, 2, 40, 2.5, 3, 4, Costs(0.5, 2.0, 0.125), 33.5)
    assert Progress.from_json(SAVED) == expected
    assert json.loads(json.dumps(expected.to_json())) == SAVED | {"length": None}
    planned_for = replace(expected, length=LENGTH)
    assert Progress.from_json(json.loads(json.dumps(planned_for.to_json()))) == planned_for


def test_before_the_first_validation() -> None:
    """JSON has no infinity, and nothing was tried yet."""
    first = Progress.first(BASE, 3, 1)
    saved = first.to_json()
    assert (saved["best"], saved["accumulate"]) == (None, None)
    assert Progress.from_json(json.loads(json.dumps(saved, allow_nan=False))) == first


def test_an_older_state_does_not_say_how_long_it_waited() -> None:
    older = {key: value for key, value in SAVED.items() if key != "waited"}
    assert Progress.from_json(older).waited == 0


@pytest.mark.parametrize(
    "change",
    [
        *({key: None} for key in ("step", "pace", "processes")),
        *({"step": -1}, {"step": 1.5}, {"step": True}, {"best": "low"}, {"waited": "long"}, {"accumulate": "2"}),
        *({"length": 9}, {"length": {"epochs": 9.0}}),
        *({"pace": {**SAVED["pace"], **change}} for change in ({"spent": math.nan}, {"evaluate_every": "often"})),  # type: ignore[dict-item]
        *({"pace": {**SAVED["pace"], **change}} for change in ({"plan": {"total": 9.5}}, {"costs": {"tea": 1.0}})),  # type: ignore[dict-item]
    ],
)
def test_what_is_not_a_progress_is_refused(train: Store, tmp_path: Path, change: dict[str, Any]) -> None:
    damaged = SAVED | change
    with pytest.raises(ValueError, match=r"."):
        Progress.from_json(damaged)
    loop = loop_of(train, tmp_path)
    loop.save()
    path = tmp_path / state.STATE_FILE
    tensors, metadata = tensor_files.read_tensors(path)
    tensor_files.write_tensors(path, tensors, metadata | {"progress": json.dumps(damaged)})
    with pytest.raises(DataError, match=rf"{state.STATE_FILE} does not say how far the run has come: .+"):
        loop_of(train, tmp_path).resume()


@pytest.mark.parametrize("key", SAVED)
def test_a_missing_key(key: str) -> None:
    rest = {name: value for name, value in SAVED.items() if name != key}
    if key == "waited":
        assert Progress.from_json(rest).step == 40
    else:
        with pytest.raises(ValueError, match=key):
            Progress.from_json(rest)


def test_other_processes_try_again_what_fits(train: Store, tmp_path: Path) -> None:
    """Two processes had micro-batches of another size than one has."""
    loop = loop_of(train, tmp_path)
    loop.progress.accumulate, loop.progress.processes = 4, 2
    loop.save()
    again = loop_of(train, tmp_path)
    again.resume()
    assert (again.progress.accumulate, again.progress.processes) == (None, 1)
    loop.progress.processes = 1
    loop.save()
    again.resume()
    assert again.progress.accumulate == 4


def test_validations_are_counted() -> None:
    progress, seen = Progress(Plan(9), 1), []
    for loss in (3.0, 3.0, 2.0, 2.5, math.nan, 2.5, 1.0):
        seen.append((progress.validated(loss), progress.best, progress.waited))
    assert seen == [
        *((True, 3.0, 0), (False, 3.0, 1), (True, 2.0, 0)),
        *((False, 2.0, 1), (False, 2.0, 2), (False, 2.0, 3), (True, 1.0, 0)),
    ]


@pytest.mark.parametrize(("epochs", "steps"), [(1.0, 1), (2.0, 2), (0.5, 0.5), (0.01, 0)])
def test_epochs_give_the_steps(train: Store, tmp_path: Path, epochs: float, steps: float) -> None:
    loop = loop_of(train, tmp_path, steps=0, epochs=epochs)
    assert loop.progress.steps == max(1, round(steps * len(loop.batches)))


@pytest.mark.parametrize(("given", "least", "steps"), [(0, 0, 1), (0, 5, 5), (3, 5, 3)])
def test_a_short_epoch_is_read_again(train: Store, tmp_path: Path, given: int, least: int, steps: int) -> None:
    loop = loop_of(train, tmp_path, steps=given, epochs=0.01, least_steps=least)
    assert loop.progress.steps == steps


def test_epochs_beyond_the_least_steps_count(train: Store, tmp_path: Path) -> None:
    loop = loop_of(train, tmp_path, steps=0, epochs=5.0, least_steps=1)
    assert loop.progress.steps == 5 * len(loop.batches) > 1
