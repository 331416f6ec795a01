"""Training on a machine that other programs keep busy; the clocks and the number of threads are scripted."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest
import torch

import gpt2kit
from gpt2kit import system
from gpt2kit.model import threads
from gpt2kit.model.threads import Meter, Reading, Sleepers, Threads
from gpt2kit.pipeline.train import Event
from gpt2kit.training import loop
from gpt2kit.training.events import Shared, StepDone
from gpt2kit.training.step import Learner

Prepared = Callable[..., Any]

SECONDS = {1: 0.5, 2: 0.8}
"""Of a step, by the number of threads, while the machine is busy."""


class Machine:
    """Two cores; other programs keep one of them busy until `others` is 0. Each step lasts `SECONDS`."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.others, self.count, self.now = 1.0, 2, Reading(0.0, 0.0, 0.0)
        self.steps: list[int] = []
        take = Learner.step

        def step(learner: Learner, *arguments: Any) -> Any:
            self.steps.append(self.count)
            self.pass_time(SECONDS[self.count] if self.others else 0.4)
            return take(learner, *arguments)

        patch.setattr(Learner, "step", step)
        patch.setattr(torch, "get_num_threads", lambda: self.count)
        patch.setattr(torch, "set_num_threads", lambda count: setattr(self, "count", count))
        patch.setattr(Sleepers, "set", lambda sleepers, sleeping: False)
        patch.setattr(system, "cores", lambda: 2)
        patch.setattr(threads, "_LOADED", Reading(0.0, 0.0, None))
        patch.setattr(loop, "Threads", self.threads)
        clock = loop.Loop.__init__.__defaults__
        assert clock is not None
        patch.setattr(loop.Loop.__init__, "__defaults__", (*clock[:-1], lambda: self.now.clock))

    def threads(self, computes: bool, count: int = 0, compiled: bool = False) -> Threads:
        return Threads(computes, count, compiled, {}, Meter(lambda: self.now))

    def pass_time(self, seconds: float) -> None:
        idle = max(0.0, 2 - self.others - self.count)
        assert self.now.idle is not None
        cpu = min(self.count, 2 - self.others) * seconds
        self.now = Reading(self.now.clock + seconds, self.now.cpu + cpu, self.now.idle + idle * seconds)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


@pytest.fixture
def tiny(prepared: Prepared, tmp_path: Path) -> Any:
    return prepared("translate", tmp_path, "train.steps=60", "train.evaluate_every=60", "train.samples=0")


def lines(run: Path) -> list[dict[str, Any]]:
    text = (run / "metrics.jsonl").read_text(encoding="utf-8")
    return [line for line in map(json.loads, text.splitlines()) if "loss" in line]


def until(step: int, events: Iterator[Event]) -> list[Event]:
    """The events before a step, after which the run is killed."""
    return list(takewhile(lambda event: not (isinstance(event, StepDone) and event.step > step), events))


def test_a_run_tells_what_it_does_about_a_busy_machine(machine: Machine, tiny: Any, tmp_path: Path) -> None:
    told = []
    for event in gpt2kit.train(tiny, tmp_path / "data", tmp_path / "run"):
        told += [event] if isinstance(event, Shared) else []
        if isinstance(event, StepDone) and event.step == 40:
            machine.others = 0.0
    assert [(event.threads, event.of, event.busy) for event in told] == [(2, 2, True), (1, 2, True), (2, 2, False)]
    assert told[1].step < 40 < told[2].step < 46, "what is tried in between is not told"
    assert [line.get("threads") for line in lines(tmp_path / "run")] == [
        None if count == 2 else count for count in machine.steps
    ]
    assert machine.count == 2


def test_a_run_that_starts_on_a_busy_machine_says_so_before_its_first_step(
    machine: Machine, tiny: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(threads, "_LOADED", Reading(-1.0, -1.0, 0.0))  # one core was used, and none was idle
    begun = until(0, gpt2kit.train(tiny, tmp_path / "data", tmp_path / "run"))
    assert [event for event in begun if isinstance(event, Shared)] == [Shared(0, 2, 2, True)]


def test_a_killed_run_repeats_its_steps_with_the_threads_that_they_had(
    machine: Machine, tiny: Any, tmp_path: Path
) -> None:
    """As their number changes the rounding of sums."""
    data, run = tmp_path / "data", tmp_path / "run"
    saving = replace(tiny, train=replace(tiny.train, save_every=6))
    until(29, gpt2kit.train(saving, data, run))
    before, first = machine.steps[:29], lines(run)[:29]
    assert {1, 2} == set(before[24:29]) | set(before[:24])
    machine.steps.clear()
    machine.others = 0.0
    until(40, gpt2kit.train(saving, data, run, resume=True))
    again = lines(run)
    assert machine.steps[:5] == before[24:], "steps 25 to 29"
    assert [line["loss"] for line in again[:29]] == [line["loss"] for line in first]
    assert set(machine.steps[8:]) == {2}


def test_a_fixed_number_of_threads_stays(machine: Machine, tiny: Any, tmp_path: Path) -> None:
    fixed = replace(tiny, train=replace(tiny.train, threads=2))
    told = list(gpt2kit.train(fixed, tmp_path / "data", tmp_path / "run"))
    assert set(machine.steps) == {2}
    assert [(event.threads, event.busy) for event in told if isinstance(event, Shared)] == [(2, True)]
    assert all("threads" not in line for line in lines(tmp_path / "run"))


def test_a_resumed_run_may_have_another_number_of_threads(machine: Machine, tiny: Any, tmp_path: Path) -> None:
    data, run = tmp_path / "data", tmp_path / "run"
    machine.others = 0.0
    saving = replace(tiny, train=replace(tiny.train, save_every=3))
    until(4, gpt2kit.train(saving, data, run))
    fixed = replace(saving, train=replace(saving.train, threads=1))
    machine.steps.clear()
    until(8, gpt2kit.train(fixed, data, run, resume=True))
    assert set(machine.steps) == {1}
