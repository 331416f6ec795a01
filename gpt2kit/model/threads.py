"""Applies `sharing` to PyTorch's threads on a CPU, and measures what each setting gives."""

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from gpt2kit import system
from gpt2kit.model.sharing import Setting, Sharing, Window

COUNT = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
"""Variables of the environment with which a user fixes the number of threads."""

WAITING = ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
"""Variables of the environment with which a user says how threads wait."""

SECONDS = 0.5
"""A window lasts at least so long."""

PARALLEL = 1 << 20
"""Elements of a tensor on which PyTorch computes with all threads."""


class Sleepers:
    """Makes the threads that wait for others sleep instead of spinning, at run time, on Linux.

    How long threads spin is read once, when OpenMP is loaded. But GNU's OpenMP (that of PyTorch's packages) spins 3,000
    times less while there are more threads than cores (documented for GOMP_SPINCOUNT). The additional ones belong to a
    thread that has computed once, and waits for an event until spinning is wanted again.
    """

    def __init__(self) -> None:
        self._over: threading.Event | None = None

    def set(self, sleeping: bool) -> bool:
        """Returns whether anything was changed. Then the caller has to set the number of threads: it may be another."""
        if sleeping == (self._over is not None):
            return False
        if self._over is not None:
            self._over.set()  # nobody waits for the end of the thread: while Python ends, that would be for ever
            self._over = None
            return True
        over, ready = threading.Event(), threading.Event()

        def hold() -> None:
            torch.set_num_threads(system.cores() + 1)
            torch.ones(PARALLEL).add_(1)
            ready.set()
            over.wait()

        self._over = over
        threading.Thread(target=hold, name="gpt2kit-sleepers", daemon=True).start()
        ready.wait()
        return True


@dataclass(frozen=True)
class Reading:
    """Clocks, in seconds."""

    clock: float
    cpu: float
    """That this process has used."""
    idle: float | None
    """That its cores were idle."""
    waited: float | None = None
    """That this thread was ready while others had the core."""


def read() -> Reading:
    return Reading(time.perf_counter(), time.process_time(), system.idle_seconds(), system.waited_seconds())


_LOADED = read()

FIRST_LOOK = (0.2, 30.0)
"""The time since this file was loaded tells whether the machine is busy if it is neither too short nor too long ago."""


class Meter:
    """Cuts a series of steps into windows."""

    def __init__(self, read: Callable[[], Reading] = read) -> None:
        self.read = read
        self.begin()

    @property
    def works(self) -> bool:
        """Whether the system tells what is needed."""
        return self._from.idle is not None

    def begin(self) -> None:
        """Start a window."""
        self._steps, self._seconds, self._work = 0, 0.0, 0.0
        self._from = self.read()

    def room_since(self, before: Reading) -> float | None:
        """Cores that this process used or could have used."""
        now = self.read()
        if before.idle is None or now.idle is None or now.clock <= before.clock:
            return None
        return (now.cpu - before.cpu + now.idle - before.idle) / (now.clock - before.clock)

    def add(self, seconds: float, work: float) -> Window | None:
        """Count a step; returns the window that it completes. The next one is started with `begin`."""
        self._steps += 1
        self._seconds += seconds
        self._work += work
        if self._seconds < SECONDS:
            return None
        now, before, lost = self.read(), self._from, None
        if self._seconds < ALONE * (now.clock - before.clock):
            return Window(self._steps, self._seconds, self._work, None)
        if now.waited is not None and before.waited is not None:
            lost = (now.waited - before.waited) / (now.clock - before.clock)
        return Window(self._steps, self._seconds, self._work, self.room_since(before), lost)


ALONE = 0.7
"""Share of a window's time that its steps must take: what else happens, as when the caller waits, says nothing."""


class Threads:
    """The threads of a program that computes on the CPU, while it is in `used`."""

    def __init__(
        self,
        computes: bool,
        count: int = 0,
        compiled: bool = False,
        environment: Mapping[str, str] = os.environ,
        meter: Meter | None = None,
    ) -> None:
        """`computes` says whether the CPU does the work, in this process alone.

        `count` fixes the number of threads; with 0 there are at most as many as PyTorch uses. The number stays the same
        also where the environment has it, and in `compiled` code, which would have to be compiled for each number.
        """
        self.count, self.most = count, count or torch.get_num_threads()
        fixed = count or compiled or any(name in environment for name in COUNT)
        may_sleep = sys.platform == "linux" and not any(name in environment for name in WAITING)
        self.meter = meter or Meter()
        adapts = computes and self.most > 1 and (may_sleep or not fixed) and self.meter.works
        self.sharing = Sharing(self.most, system.cores(), may_sleep, not fixed) if adapts else None
        self._sleepers, self._running = Sleepers(), False
        self._again: dict[int, int] = {}  # the number of threads of each step that is repeated
        self._repeats = self._looked = False

    _python_ends = staticmethod(sys.is_finalizing)
    """A generator that nobody has closed is closed then, when modules have lost their names."""

    @property
    def busy(self) -> bool:
        """Whether the machine was found busy, so that another setting than usual was chosen."""
        return self.sharing is not None and self.sharing.chosen != self.sharing.full

    @property
    def chosen(self) -> int:
        """The number of threads that was chosen last; others may be tried."""
        return self.most if self.sharing is None else self.sharing.chosen.threads

    @property
    def fewer(self) -> int | None:
        """The number of threads in use, if it is lower than usual; None otherwise."""
        now = torch.get_num_threads()
        return now if self._running and now < self.most else None

    @contextmanager
    def used(self) -> Iterator[None]:
        """Within it the chosen setting is in use; only the outermost one of a process does anything."""
        global _in_use
        before = torch.get_num_threads()
        changed_by_the_caller = before != self.most and not self.count
        if _in_use or changed_by_the_caller or (self.sharing is None and self.most == before):
            yield
            return
        _in_use = self._running = True
        try:
            self._look()
            self._apply(self._setting)
            self.meter.begin()
            yield
        finally:
            _in_use = self._running = False
            if not self._python_ends():
                self._apply(Setting(before, False))

    def _look(self) -> None:
        """See whether the machine has been busy since this program began."""
        if self.sharing is None or self._looked:
            return
        self._looked = True
        since = self.meter.read().clock - _LOADED.clock
        if FIRST_LOOK[0] <= since <= FIRST_LOOK[1] and (room := self.meter.room_since(_LOADED)) is not None:
            self.sharing.look(room)

    @property
    def _setting(self) -> Setting:
        return Setting(self.most, False) if self.sharing is None else self.sharing.setting

    def repeat(self, counts: Mapping[int, int]) -> None:
        """Compute some steps with these numbers of threads, 0 for all: an earlier process had them, and its numbers
        must come out again."""
        if self.sharing is not None and self.sharing.may_shrink:
            self._again = {step: min(count or self.most, self.most) for step, count in counts.items()}

    def begin(self, step: int) -> None:
        """Before a step of a run."""
        if self._again and step in self._again:
            self._repeats = True
            sleeping = self.sharing is not None and self.sharing.may_sleep  # the machine was busy, and may be so again
            self._apply(Setting(self._again.pop(step), sleeping))
        elif self._repeats:
            self._repeats, self._again = False, {}
            self._apply(self._setting)
            self.meter.begin()

    def add(self, seconds: float, work: float) -> None:
        """Count a step that did some work, in any unit, and choose the setting of the next one."""
        if (
            self.sharing is None
            or not self._running
            or self._repeats
            or (window := self.meter.add(seconds, work)) is None
        ):
            return
        before = self.sharing.setting
        self.sharing.add(window)
        if self.sharing.setting != before:
            self._apply(self.sharing.setting)
        self.meter.begin()

    def _apply(self, setting: Setting) -> None:
        if self._sleepers.set(setting.sleeping) or setting.threads != torch.get_num_threads():
            torch.set_num_threads(setting.threads)


_in_use = False
