"""What becomes of PyTorch's threads; the clocks are scripted."""

import os
import sys
import threading
from collections.abc import Iterator

import pytest
import torch

from gpt2kit import system
from gpt2kit.model import threads
from gpt2kit.model.sharing import Setting
from gpt2kit.model.threads import Meter, Reading, Sleepers, Threads

NOTHING: dict[str, str] = {}


@pytest.fixture(autouse=True)
def two() -> Iterator[None]:
    """PyTorch says two threads; nothing is computed on them here."""
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(1)


class Machine:
    """Clocks of two cores; other programs use some of them."""

    def __init__(self, others: float = 0.0) -> None:
        self.others, self.now = others, Reading(0.0, 0.0, 0.0)

    def read(self) -> Reading:
        return self.now

    def passes(self, seconds: float) -> None:
        ran = min(1.5, 2 - self.others)
        idle = (2 - self.others - ran) * seconds
        now = self.now
        assert now.idle is not None
        self.now = Reading(now.clock + seconds, now.cpu + ran * seconds, now.idle + idle)


def threads_on(machine: Machine, **settings: object) -> Threads:
    found = Threads(True, meter=Meter(machine.read), environment=NOTHING, **settings)  # type: ignore[arg-type]
    found._looked = True  # the test's own start says nothing
    return found


def steps(found: Threads, machine: Machine, seconds: float, step: float = 0.5) -> list[int]:
    """The number of threads of each step of some seconds, of 1,000 tokens."""
    used = []
    for _ in range(int(seconds / step)):
        used.append(torch.get_num_threads())
        machine.passes(step)
        found.add(step, 1000)
    return used


@pytest.fixture
def cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system, "cores", lambda: 2)


def test_on_a_free_machine_nothing_is_touched(cores: None, monkeypatch: pytest.MonkeyPatch) -> None:
    machine = Machine()
    found = threads_on(machine)
    monkeypatch.setattr(torch, "set_num_threads", lambda count: pytest.fail("the number of threads was set"))
    with found.used():
        steps(found, machine, 60)
    assert not found.busy
    monkeypatch.undo()


def test_beside_others_there_are_fewer_and_afterwards_as_many_as_before(cores: None) -> None:
    machine = Machine(others=1.0)
    found = threads_on(machine)
    with found.used():
        used = steps(found, machine, 5)
        assert found.busy
        assert used == [2] * 10
        for _ in range(12):  # one thread does a step in half the time
            step = 0.3 if torch.get_num_threads() == 1 else 0.6
            steps(found, machine, step, step)
        assert (found.chosen, found.fewer, torch.get_num_threads()) == (1, 1, 1)
    assert (torch.get_num_threads(), found.fewer) == (2, None)
    with found.used():
        assert torch.get_num_threads() == 1, "what was found holds for the next call"


@pytest.mark.parametrize(
    ("environment", "may_shrink", "may_sleep"),
    [
        ({}, True, True),
        ({"OMP_NUM_THREADS": "2"}, False, True),
        ({"MKL_NUM_THREADS": "2"}, False, True),
        ({"OMP_WAIT_POLICY": "ACTIVE"}, True, False),
        ({"GOMP_SPINCOUNT": "1"}, True, False),
        ({"OMP_NUM_THREADS": "2", "OMP_WAIT_POLICY": "PASSIVE"}, None, None),
    ],
)
def test_what_the_user_has_set_stays(
    environment: dict[str, str], may_shrink: bool | None, may_sleep: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    found = Threads(True, environment=environment, meter=Meter(Machine().read)).sharing
    assert (found and found.may_shrink, found and found.may_sleep) == (may_shrink, may_sleep)


def test_a_fixed_number_and_compiled_code_keep_it_and_a_gpu_or_one_thread_need_nothing(cores: None) -> None:
    for found in (threads_on(Machine(), count=2), threads_on(Machine(), compiled=True)):
        assert found.sharing is not None
        assert not found.sharing.may_shrink
    assert Threads(False, environment=NOTHING).sharing is None
    silent = Meter(lambda: Reading(0.0, 0.0, None))
    assert Threads(True, environment=NOTHING, meter=silent).sharing is None, "not Linux"
    torch.set_num_threads(1)
    assert Threads(True, environment=NOTHING).sharing is None


def test_a_fixed_number_is_used_and_given_back() -> None:
    torch.set_num_threads(1)
    found = threads_on(Machine(), count=2)
    with found.used():
        assert torch.get_num_threads() == 2
    assert torch.get_num_threads() == 1


def test_a_number_that_the_caller_sets_later_stays(cores: None) -> None:
    machine = Machine(others=1.0)
    found = threads_on(machine)
    torch.set_num_threads(1)
    with found.used():
        assert set(steps(found, machine, 20)) == {1}


def test_within_a_run_decoding_changes_nothing(cores: None) -> None:
    machine = Machine(others=1.0)
    run, decoding = threads_on(machine), threads_on(machine)
    with run.used(), decoding.used():
        steps(decoding, machine, 30)
        assert not decoding.busy


def test_time_that_passes_between_steps_says_nothing(cores: None) -> None:
    """A caller that decodes samples, or waits for its user, while others compute."""
    machine = Machine(others=1.0)
    found = threads_on(machine)
    with found.used():
        for _ in range(50):
            machine.passes(5)
            found.add(0.5, 1000)
    assert not found.busy


def test_steps_are_repeated_with_the_threads_that_they_had(cores: None) -> None:
    found = threads_on(Machine())
    found.repeat({5: 0, 6: 1, 7: 1, 8: 0})
    seen = []
    with found.used():
        for step in range(5, 11):
            found.begin(step)
            seen.append(torch.get_num_threads())
    assert seen == [2, 1, 1, 2, 2, 2]
    fixed = threads_on(Machine(), count=2)
    fixed.repeat({5: 1})
    with fixed.used():
        fixed.begin(5)
        assert torch.get_num_threads() == 2


def test_the_first_look_is_at_the_time_since_the_program_began(cores: None, monkeypatch: pytest.MonkeyPatch) -> None:
    for others, seconds, sleeping in ((1.0, 2.0, True), (0.0, 2.0, False), (1.0, 0.1, False), (1.0, 99.0, False)):
        machine = Machine(others)
        monkeypatch.setattr(threads, "_LOADED", machine.read())
        found = threads_on(machine)
        found._looked = False
        machine.passes(seconds)
        with found.used():
            assert found.sharing is not None
            assert found.sharing.setting == Setting(2, sleeping)


@pytest.mark.skipif(not threads.Meter().works, reason="not Linux")
def test_threads_sleep_and_spin_again_at_run_time() -> None:
    """OpenMP lets them sleep while there are more threads than cores; the numbers are the same."""
    sleepers, values, found = Sleepers(), torch.linspace(0, 1, threads.PARALLEL), []

    def work() -> None:
        for sleeping in (True, False):
            changed = sleepers.set(sleeping), sleepers.set(sleeping)
            torch.set_num_threads(2)
            found.append((*changed, float(values.square().sum())))
            if sleeping:
                assert len(os.listdir("/proc/self/task")) > system.cores() + 1

    thread = threading.Thread(target=work)  # OpenMP's threads end with it, and later tests may fork
    thread.start()
    thread.join()
    total = found[0][2]
    assert found == [(True, False, total), (True, False, total)]
    for holder in [each for each in threading.enumerate() if each.name == "gpt2kit-sleepers"]:
        holder.join(60)
        assert not holder.is_alive()
