"""Resumed twice in a row, from any points of any epochs: the same rows in the same order, and the same losses."""

import os
import random
import signal
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.data.batches import Batching, RowBatching
from gpt2kit.data.store import Store
from gpt2kit.data.streams import StreamBatching
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training.events import StepDone, Stopped, Validation
from gpt2kit.training.loop import Loop
from gpt2kit.training.step import Learner

VOCAB, WINDOW = 40, 16
CONFIG = TrainConfig(
    steps=20,
    batch_tokens=64,
    lr=1e-2,
    ema=0.9,
    dtype="fp32",
    compile="off",
    device="cpu",
    evaluate_every=6,
    save_every=4,
)
Seen = list[tuple[int, list[Any], float]]
"""Of each step its number, the rows of its batch in order, and its loss."""


def rows_of(count: int, seed: int) -> list[tuple[list[int], list[int]]]:
    rng = np.random.default_rng(seed)
    sources = [rng.integers(2, VOCAB, rng.integers(1, 8)).tolist() for _ in range(count)]
    return [([*source, 1], [*source[::-1][:6], 0]) for source in sources]


def varied(ids: Any, start: int, length: int, rng: np.random.Generator) -> Any:
    """A crop that draws its own noise, as that of music does."""
    return (ids[(start + np.arange(length)) % len(ids)] + rng.integers(2)) % VOCAB


BATCHING: dict[str, Batching] = {"rows": RowBatching(), "stream": StreamBatching(WINDOW, varied)}


@pytest.fixture
def stores(store_of: Callable[..., Store]) -> tuple[Store, Store]:
    return store_of(rows_of(32, 0), vocab=VOCAB), store_of(rows_of(9, 1), "val", vocab=VOCAB)


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[list[Any]]:
    """The rows of each batch that a step was taken on."""
    seen: list[list[Any]] = []
    step = Learner.step

    def noted(self: Learner, rows: Any, *rest: Any) -> Any:
        seen.append(rows.tolist())
        return step(self, rows, *rest)

    monkeypatch.setattr(Learner, "step", noted)
    return seen


def loop_in(folder: Path, stores: tuple[Store, Store], config: TrainConfig, kind: str, seed: int = 0) -> Loop:
    torch.manual_seed(seed)
    model = GPT2(ModelConfig(n_layer=1, n_head=2, n_embd=16, n_positions=WINDOW, dropout=0.2), VOCAB)
    folder.mkdir(exist_ok=True)
    return Loop(model, *stores, config, folder, batching=BATCHING[kind])


def until(events: Iterator[Any], trained: list[list[Any]], step: int, killed: bool = False) -> tuple[Seen, list[float]]:
    """Train up to a step, which a signal ends, or which is the last that a killed process took."""
    seen, losses = Seen(), list[float]()
    for event in events:
        if isinstance(event, StepDone):
            seen.append((event.step, trained[-1], event.loss))
            if event.step == step and killed:
                break
            if event.step == step < event.steps:
                os.kill(os.getpid(), signal.SIGTERM)
        elif isinstance(event, Validation):
            losses.append(event.loss)
        elif isinstance(event, Stopped):
            break
    return seen, losses


@pytest.mark.parametrize("accumulate", [1, 3])
@pytest.mark.parametrize("kind", ["rows", "stream"])
def test_two_resumes_change_neither_order_nor_losses(
    kind: str, accumulate: int, stores: tuple[Store, Store], trained: list[list[Any]], tmp_path: Path
) -> None:
    config = replace(CONFIG, accumulate=accumulate)
    whole = loop_in(tmp_path / "whole", stores, config, kind)
    expected = until(whole.run(lambda _: None), trained, config.steps)
    assert 2 * len(whole.batches) < config.steps, "of more than two epochs"
    assert len({str(rows) for _, rows, _ in expected[0]}) == config.steps, (
        "no two steps have the same rows in one order"
    )
    chance = random.Random(f"{kind} {accumulate}")
    for number in range(3):
        first, second = sorted(chance.sample(range(1, config.steps), 2))
        folder = tmp_path / f"run-{number}"
        seen, losses = until(loop_in(folder, stores, config, kind).run(lambda _: None), trained, first)
        for step in (second, config.steps):
            again = loop_in(folder, stores, config, kind, seed=number + 7)
            again.resume()
            found = until(again.run(lambda _: None), trained, step)
            seen, losses = seen + found[0], losses + found[1]
        assert (seen, losses) == expected, f"stopped after steps {first} and {second}"


@pytest.mark.parametrize("kind", ["rows", "stream"])
def test_two_kills_repeat_the_same_rows(
    kind: str, stores: tuple[Store, Store], trained: list[list[Any]], tmp_path: Path
) -> None:
    expected = until(loop_in(tmp_path / "whole", stores, CONFIG, kind).run(lambda _: None), trained, CONFIG.steps)[0]
    kills = sorted(random.Random(kind).sample(range(5, CONFIG.steps), 2))
    steps = dict[int, Any]()
    for number, step in enumerate((*kills, CONFIG.steps)):
        work = loop_in(tmp_path / "run", stores, CONFIG, kind, seed=number)
        if number:
            work.resume()
            assert work.progress.step == (kills[number - 1] - 1) // 4 * 4, "the last save before that step was done"
        steps |= {each[0]: each for each in until(work.run(lambda _: None), trained, step, step < CONFIG.steps)[0]}
    assert list(steps.values()) == expected
