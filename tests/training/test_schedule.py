"""A budget of time, with a clock that only the work moves: the run ends within it, its schedule complete."""

import json
import signal
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from gpt2kit import tensor_files
from gpt2kit.config import ModelConfig, TrainConfig
from gpt2kit.data.store import Store
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.training import optim, probe, state, validate
from gpt2kit.training.events import Extended, Planned, StepDone, Stopped, Validation
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
        self.pauses: list[float] = []
        """Seconds that the next steps, measured ones included, take in addition."""
        split_loss, write = validate.split_loss, state.save

        def learned(this: Learner, rows: Any, progress: Progress, stop: Any = None) -> tuple[float, int]:
            self.now += self.step * len(rows) + (self.pauses.pop(0) if self.pauses else 0.0)
            return learn(this, rows, progress, stop)

        def validated(
            module: Any, batches: Any, group: Any, dtype: str, tokens: int, most: int, enough: Any
        ) -> validate.SplitLoss:
            ticks = 0

            def ticking() -> bool:
                nonlocal ticks
                ticks += 1
                self.now += self.validation / len(batches)
                return enough is not None and enough()

            found = split_loss(module, batches, group, dtype, tokens, most, ticking)
            self.now += self.validation / len(batches) * (found.batches - ticks)
            return found

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

    return tensor_files.read_tensors(folder / state.STATE_FILE)[1]


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


# a budget that is too short for the recipe


def test_a_run_goes_past_a_budget_that_is_too_short_to_learn(
    train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says so before the first step, and its schedule is complete nevertheless."""
    machine = Machine(monkeypatch, 1.0)
    events, work = run(machine, train, val, tmp_path, budget_steps=90)
    steps = [event for event in events if isinstance(event, StepDone)]
    assert len(steps) == work.progress.steps == 90
    (extended,) = (event for event in events if isinstance(event, Extended))
    place = events.index(extended)
    assert isinstance(events[place - 1], Planned)
    assert (extended.step, extended.steps, extended.budget) == (0, 90, "5m")
    assert 25 < extended.allowed < 50, "a step takes some seven seconds"
    assert extended.seconds == pytest.approx(machine.now - 1000, rel=0.1)
    assert 0 < steps[-2].seconds_left < 20
    assert steps[44].seconds_left == pytest.approx(extended.seconds / 2, rel=0.2)
    assert steps[-1].rate < 0.01 * BASE.lr
    assert len(validations(events)) == 10, "not after each of the few steps that the budget allows"


def test_a_budget_that_is_long_enough_is_kept(
    train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine = Machine(monkeypatch, 0.3)
    events, _ = run(machine, train, val, tmp_path, budget_steps=60)
    assert len(complete(events, 1000.0, machine, 300)) > 100
    assert not [event for event in events if isinstance(event, Extended)]


def test_a_machine_that_becomes_too_slow_for_the_recipe(
    train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is said once, when it is noticed."""
    machine, events = Machine(monkeypatch, 0.2), []
    work = Loop(model_of(), train, val, replace(BASE, budget_steps=150), tmp_path, clock=machine)
    for event in work.run(lambda model: None):
        events.append(event)
        if isinstance(event, StepDone) and event.step == 40:
            machine.step = 1.0
    assert sum(isinstance(event, StepDone) for event in events) == 150
    (extended,) = (event for event in events if isinstance(event, Extended))
    assert 40 < extended.step < extended.allowed < extended.steps == 150


@pytest.mark.parametrize("seconds", [5.0, 20.0])
def test_the_validations_of_a_run_past_its_budget_are_whole(
    train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: float
) -> None:
    """Also the last one, and also in the process that resumes it just before the last step."""
    machine = Machine(monkeypatch, seconds, validation=8.0)
    config = replace(BASE, batch_tokens=24, budget_steps=60, save_every=59)
    events = list(Loop(model_of(), train, val, config, tmp_path, clock=machine).run(lambda model: None))
    again = Loop(model_of(), train, val, config, tmp_path / "again", clock=machine)
    again.folder.mkdir()
    for event in again.run(lambda model: None):
        if isinstance(event, StepDone) and event.step == 60:
            break
    resumed = Loop(model_of(), train, val, config, again.folder, clock=machine)
    resumed.resume()
    assert resumed.progress.step == 59
    events += resumed.run(lambda model: None)
    found = validations(events)
    assert [event.step for event in found] == [*range(6, 61, 6), 60]
    assert all(event.batches == event.of for event in found)


@pytest.mark.parametrize("least", [112, 120, 130])
def test_a_budget_that_may_be_long_enough_is_not_said_to_be_exceeded(
    train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, least: int
) -> None:
    """The first plan has a little less time than is needed; the run ends within its budget."""
    machine = Machine(monkeypatch, 1.0)
    measure = Loop.measure

    def pessimistic(this: Loop, *given: Any, **named: Any) -> probe.Measured:
        found = measure(this, *given, **named)
        return replace(found, passes=[[1.3 * seconds for seconds in taken] for taken in found.passes])

    monkeypatch.setattr(Loop, "measure", pessimistic)
    events, _ = run(machine, train, val, tmp_path, batch_tokens=24, budget_steps=least)
    assert next(event.steps for event in events if isinstance(event, Planned)) == least
    assert len(complete(events, 1000.0, machine, 300)) >= least
    assert not [event for event in events if isinstance(event, Extended)]


def test_a_budget_that_is_over_is_said_to_be_exceeded(
    train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine becomes slow with a few steps to go, too late for the plan to be clearly too long."""
    machine, events = Machine(monkeypatch, 1.0), []
    config = replace(BASE, batch_tokens=24, budget_steps=120)
    for event in Loop(model_of(), train, val, config, tmp_path, clock=machine).run(lambda model: None):
        events.append(event)
        if isinstance(event, StepDone) and event.step == 112:
            machine.step = 10.0
        if isinstance(event, Extended):
            assert machine.now - 1000 >= 300
    (extended,) = (event for event in events if isinstance(event, Extended))
    assert extended.step == extended.allowed < extended.steps == 120
    assert all(event.batches == event.of for event in validations(events))


# outliers


def test_a_bad_measurement_is_not_the_plan(
    train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of each width the shortest of three steps counts."""
    machine = Machine(monkeypatch, 0.3)
    machine.pauses = [0.0] * 5 + [20.0] * 2
    events, _ = run(machine, train, val, tmp_path)
    planned = next(event.steps for event in events if isinstance(event, Planned))
    assert planned == pytest.approx(len(complete(events, 1000.0, machine, 300)), rel=0.2)


def test_on_a_slow_machine_less_is_measured(
    train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One width, twice: fifteen steps would take a third of the budget."""
    machine = Machine(monkeypatch, 1.0)
    events = iter(Loop(model_of(), train, val, BASE, tmp_path, clock=machine).run(lambda model: None))
    while not isinstance(next(events), Planned):
        pass
    assert 10 < machine.now - 1000 < 30


@pytest.mark.parametrize("what", ["step", "validation", "save"])
def test_an_outlier_does_not_end_a_run(
    train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """A machine that sleeps for forty seconds in the middle of a step, a validation or a save."""
    machine = Machine(monkeypatch, 0.2)
    kind, slept, usual = (Validation if what == "validation" else StepDone), 0.0, machine.save
    events = []
    for event in Loop(model_of(), train, val, BASE, tmp_path, clock=machine).run(lambda model: None):
        events.append(event)
        machine.save = usual
        if isinstance(event, kind) and machine.now > 1150 and not slept:
            slept = 40.0
            if what == "step":
                machine.pauses = [slept]
            elif what == "validation":
                machine.now += slept
            else:
                machine.save += slept
    steps = complete(events, 1000.0, machine, 300)
    planned = next(event.steps for event in events if isinstance(event, Planned))
    assert slept
    assert len(steps) > 0.7 * planned


# the end of a budget


def validations(events: list[Any]) -> list[Validation]:
    return [event for event in events if isinstance(event, Validation)]


def test_a_validation_that_a_budget_cannot_afford_is_the_last_and_on_a_part(
    train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would take longer than the whole budget: most of the time is for training all the same."""
    machine = Machine(monkeypatch, 0.5, validation=360.0)
    events, work = run(machine, train, val, tmp_path, batch_tokens=24)
    assert machine.now - 1000 <= 300
    (found,) = validations(events)
    assert found.step == work.progress.steps
    assert 1 <= found.batches < found.of / 5
    steps = [event for event in events if isinstance(event, StepDone)]
    assert len(steps) * 0.5 * 1.5 > 150, "half of the time; a batch has one row or two"


@pytest.mark.parametrize(("validation", "save", "samples"), [(2.0, 1.0, 10.0), (2.0, 10.0, 0.0), (20.0, 1.0, 0.0)])
def test_validations_before_the_end_are_whole(
    train: Store,
    val: Store,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    validation: float,
    save: float,
    samples: float,
) -> None:
    """Samples and saves that take long, of which nothing is known at first, make validations rarer, not shorter."""
    machine, events = Machine(monkeypatch, 0.5, validation, save), []
    config = replace(BASE, batch_tokens=24)
    for event in Loop(model_of(), train, val, config, tmp_path, clock=machine).run(lambda model: None):
        events.append(event)
        if isinstance(event, Validation):
            machine.now += samples
    complete(events, 1000.0, machine, 300)
    found = validations(events)
    assert 2 <= len(found) <= 6
    assert all(event.batches == event.of for event in found)


def test_the_last_validation_has_the_time_that_is_left(
    train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The machine becomes a hundred times slower just before it."""
    machine, events = Machine(monkeypatch, 0.3, validation=3.0), []
    for event in Loop(model_of(), train, val, BASE, tmp_path, clock=machine).run(lambda model: None):
        events.append(event)
        if isinstance(event, StepDone) and event.step == event.steps:
            machine.validation *= 100
    *before, last = validations(events)
    assert all(event.batches == event.of for event in before)
    assert last.batches == 1, "it is the least, and takes fifty seconds"
    assert machine.now - 1000 < 300 + 50


def test_without_a_budget_validations_are_whole(
    train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, _ = run(Machine(monkeypatch, 0.1, validation=1e6), train, val, tmp_path, budget="", steps=4)
    assert all(event.batches == event.of > 1 for event in validations(events))


def test_a_stop_while_it_is_measured(train: Store, val: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There are weights and a state, and the resumed run measures again: half of a measurement is no plan."""
    machine, saved = Machine(monkeypatch, 0.05), list[GPT2]()
    learn = Learner.step

    def interrupted(*given: Any) -> tuple[float, int]:
        if machine.now == 1000:
            signal.raise_signal(signal.SIGINT)
        return learn(*given)

    monkeypatch.setattr(Learner, "step", interrupted)
    events = list(Loop(model_of(), train, val, BASE, tmp_path, clock=machine).run(saved.append))
    assert events[-1] == Stopped(0, signal.SIGINT)
    assert len(saved) == 1
    spent = machine.now - 1000
    machine.now = 5000.0
    again = Loop(model_of(), train, val, BASE, tmp_path, clock=machine)
    again.resume()
    events = list(again.run(saved.append))
    assert any(isinstance(event, Planned) for event in events)
    assert 9 <= len(validations(events)) <= 12
    complete(events, 5000.0 - spent, machine, 300)
