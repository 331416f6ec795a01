"""A budget of time, with a clock that only the work moves: the run ends within it, its schedule complete."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.data.store import Store
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training import optim, state, validate
from gpt2kit.training.events import Planned, StepDone, Validation
from gpt2kit.training.loop import Loop
from gpt2kit.training.progress import Progress
from gpt2kit.training.step import Learner

Write = Callable[..., Store]
VOCAB = 40
BASE = TrainConfig(
    budget="5m", batch_tokens=96, lr=1e-2, dtype="fp32", compile="off", device="cpu", ema=0.9, warmup=0.1
)


def only_set_the_rate(learner: Learner, rows: Any, progress: Progress, stop: Any = None) -> tuple[float, int]:
    """A step that learns nothing: of thousands of steps only the clock, the rate and their number are looked at."""
    optim.set_rate(
        learner.optimizers, optim.rate(progress.plan.position(progress.step), progress.steps, learner.config)
    )
    return 1.0, 0


class Machine:
    """A clock, and what the parts of a run take on it: a step `step` x its rows, and so on."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        step: float,
        validation: float = 2.0,
        save: float = 1.0,
        learn: Callable[..., tuple[float, int]] = only_set_the_rate,
    ) -> None:
        self.now, self.step, self.validation, self.save = 1000.0, step, validation, save
        split_loss, write = validate.split_loss, state.save

        def learned(this: Learner, rows: Any, progress: Progress, stop: Any = None) -> tuple[float, int]:
            self.now += self.step * len(rows)
            return learn(this, rows, progress, stop)

        def validated(*given: Any) -> tuple[float, float]:
            loss, share = split_loss(*given)
            self.now += self.validation * share
            return loss, share

        def written(*given: Any) -> None:
            self.now += self.save
            write(*given)

        monkeypatch.setattr(Learner, "step", learned)
        monkeypatch.setattr("gpt2kit.training.loop.split_loss", validated)
        monkeypatch.setattr(state, "save", written)

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def train(store_of: Write) -> Store:
    rng = np.random.default_rng(0)
    return store_of([([*rng.integers(2, VOCAB, n).tolist(), 1], [3, 4, 0]) for n in rng.integers(1, 13, 60)])


@pytest.fixture
def val(store_of: Write) -> Store:
    return store_of([([5, 6, 7, 1], [3, 4, 0])] * 90, "val")


def model_of(dropout: float = 0.1) -> GPT2:
    torch.manual_seed(0)
    return GPT2(ModelConfig(n_layer=1, n_head=2, n_embd=16, n_positions=32, dropout=dropout), VOCAB)


def run(machine: Machine, train: Store, val: Store | None, folder: Path, **knobs: Any) -> tuple[list[Any], Loop]:
    work = Loop(model_of(), train, val, replace(BASE, **knobs), folder, clock=machine)
    return list(work.run(lambda model: None)), work


def complete(events: list[Any], began: float, machine: Machine, budget: float) -> list[StepDone]:
    """The steps of a run that ended within its budget and not long before it, its schedule at its end."""
    steps = [event for event in events if isinstance(event, StepDone)]
    assert 0.9 * budget < machine.now - began <= budget
    assert [event.step for event in steps] == list(range(1, steps[-1].steps + 1))
    assert steps[-1].rate < 0.01 * BASE.lr, "the rate has come down to nothing"
    rates = [event.rate for event in steps]
    top = rates.index(max(rates))
    assert max(rates) == pytest.approx(BASE.lr, rel=0.05)
    assert rates[:top] == sorted(rates[:top])
    assert rates[top:] == sorted(rates[top:], reverse=True), "nor did it jump up on its way"
    return steps


@pytest.mark.parametrize("seconds", [0.02, 0.1])
def test_a_run_fills_its_budget(
    train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    machine = Machine(monkeypatch, seconds)
    events, work = run(machine, train, val, tmp_path)
    steps = complete(events, 1000.0, machine, 300)
    planned = next(event for event in events if isinstance(event, Planned))
    assert planned.steps == pytest.approx(len(steps), rel=0.2), "five widths stand for all of them"
    assert planned.epochs == pytest.approx(planned.steps / len(work.batches))
    assert planned.budget == "5m"
    assert 9 <= sum(isinstance(event, Validation) for event in events) <= 12
    assert all(250 > event.seconds_left > 0 for event in steps[len(steps) // 2 : -1])


@pytest.mark.parametrize("factor", [0.5, 1.5, 3.0])
def test_the_machine_drifts(
    train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, factor: float
) -> None:
    """It becomes faster or slower a third into the run, and so do its validations."""
    machine = Machine(monkeypatch, 0.05)
    work = Loop(model_of(), train, val, BASE, tmp_path, clock=machine)
    events = []
    for event in work.run(lambda model: None):
        events.append(event)
        if isinstance(event, StepDone) and machine.now > 1100 and machine.step == 0.05:
            machine.step *= factor
            machine.validation *= factor
        if isinstance(event, Validation):
            machine.now += 1.5  # samples, of which nothing was known before
    steps = complete(events, 1000.0, machine, 300)
    planned = next(event.steps for event in events if isinstance(event, Planned))
    assert (len(steps) > planned) == (factor < 1)


def test_a_machine_that_becomes_slow_at_the_end(
    train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Fifty times slower with 25 seconds to go: noticed by the time that passes, not after so many steps."""
    machine = Machine(monkeypatch, 0.02)
    work = Loop(model_of(), train, val, BASE, tmp_path, clock=machine)
    last = None
    for event in work.run(lambda model: None):
        if isinstance(event, StepDone):
            last = event.step
            machine.step = 1.0 if machine.now > 1275 else 0.02
    assert last == work.progress.steps
    assert machine.now - 1000 < 1.1 * 300


@pytest.mark.parametrize("knobs", [{"evaluate_every": 50}, {"save_every": 7}, {"evaluate_every": 9, "save_every": 4}])
def test_intervals_that_are_given_stay(
    train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, knobs: dict[str, int]
) -> None:
    machine = Machine(monkeypatch, 0.1, validation=0.5, save=0.2)
    events, work = run(machine, train, val, tmp_path, **knobs)
    last = complete(events, 1000.0, machine, 300)[-1].step
    every = work.progress.evaluate_every
    validated = [event.step for event in events if isinstance(event, Validation)]
    assert validated == sorted({*range(every, last + 1, every), last})
    assert every == knobs.get("evaluate_every", every)


def test_without_a_validation_split(train: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine(monkeypatch, 0.1)
    complete(run(machine, train, None, tmp_path)[0], 1000.0, machine, 300)


def test_a_budget_that_is_too_short_still_gives_a_step(
    train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, work = run(Machine(monkeypatch, 100.0), train, val, tmp_path)
    assert [event.step for event in events if isinstance(event, StepDone)] == [1]
    assert work.progress.step == work.progress.steps == 1


def test_measuring_changes_no_number(train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The steps of a budget of time are those of a run that was told their number, until it is planned anew."""
    machine = Machine(monkeypatch, 0.5, learn=Learner.step)
    work = Loop(model_of(), train, val, replace(BASE, optimizer="muon"), tmp_path, clock=machine)
    events = work.run(lambda model: None)
    planned = next(event.steps for event in events if isinstance(event, Planned))
    told = replace(BASE, budget="", steps=planned, optimizer="muon")
    expected = Loop(model_of(), train, None, told, tmp_path).run(lambda model: None)
    first = planned // 20
    assert first > 2
    losses = [
        list(islice((event.loss for event in each if isinstance(event, StepDone)), first))
        for each in (events, expected)
    ]
    assert losses[0] == losses[1]
    assert work.learner.average is not None


def test_a_resumed_run_has_what_is_left(
    train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The time between two processes is nobody's; that between the last save and the kill is spent again."""
    machine = Machine(monkeypatch, 0.05)
    before: list[Any] = []
    for event in Loop(model_of(), train, val, BASE, tmp_path, clock=machine).run(lambda model: None):
        before.append(event)
        if isinstance(event, StepDone) and machine.now > 1150:
            break
    saved = 1000 + json.loads(metadata(tmp_path)["progress"])["pace"]["spent"]
    assert 1100 < saved < machine.now
    machine.now += 5000
    again = Loop(model_of(), train, val, BASE, tmp_path, clock=machine)
    again.resume()
    began, step = machine.now, again.progress.step
    after = list(again.run(lambda model: None))
    assert not [event for event in after if isinstance(event, Planned)], "nothing is measured again"
    assert 0.9 * (1300 - saved) < machine.now - began <= 1300 - saved
    kept = [event for event in before if isinstance(event, StepDone) and event.step <= step]
    steps = kept + [event for event in after if isinstance(event, StepDone)]
    assert [event.step for event in steps] == list(range(1, again.progress.steps + 1))
    assert steps[-1].rate < 0.01 * BASE.lr


def metadata(folder: Path) -> dict[str, str]:
    from gpt2kit import files

    return files.read_tensors(folder / state.STATE_FILE)[1]


def test_time_left_without_a_budget_counts_validations(
    train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch, 0.1, validation=30.0)
    events, work = run(machine, train, val, tmp_path, budget="", steps=20, evaluate_every=5)
    steps = [event for event in events if isinstance(event, StepDone)]
    assert steps[3].seconds_left < 30, "nothing is known of a validation yet"
    assert 90 < steps[5].seconds_left < 120, "three are to come"
    assert 30 < steps[18].seconds_left < 35
    assert work.progress.costs.save == 1
