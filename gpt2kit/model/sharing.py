"""Decides how many threads to use while other programs keep the cores busy, and how they wait for each other.

Threads that share a product wait for the slowest of them. By default they spin while they wait, which is fastest on
cores of their own; on shared cores they take the time that the slowest one needs, and everything becomes many times
slower. Threads that sleep while they wait are slower on free cores. How they wait changes no number; how many there are
changes the rounding of sums, so it is changed only if that gives clearly more tokens a second.
"""

from dataclasses import dataclass

TAKEN = 0.3
"""Other programs must use this many of the cores that the threads need, or a twentieth of them, before the machine
counts as busy."""

CERTAIN, MOST_CERTAIN, SOON = 1.0, 64.0, 10.0
"""Seconds in a row that must show that the machine is busy, or free again; if it is busy again soon after that, twice
as many the next time."""

UNDISTURBED = 0.03
"""A `lost` below this says that others do not disturb all threads: they have a lower priority, however busy they
are."""

SETTLE = 4.0
"""Seconds that the machine must have been busy before fewer threads are tried."""

STEPS = 2
"""Steps with each setting, twice in a comparison."""

BETTER = 1.05
"""Another setting must give this many times the tokens a second."""

SOONEST, LATEST, OFTEN = 20.0, 240.0, 10
"""Settings are compared again after ten times the duration of the last comparison, within these limits of seconds, and
each time that nothing changes twice as late."""


@dataclass(frozen=True)
class Setting:
    """How threads are used."""

    threads: int
    sleeping: bool
    """Whether threads that wait for others sleep instead of spinning."""


@dataclass(frozen=True)
class Window:
    """What was measured over some steps with one setting."""

    steps: int
    seconds: float
    work: float
    """What the steps did, in any unit."""
    room: float | None
    """Cores that this process used or could have used, as they were idle; None if not known."""
    lost: float | None = None
    """Share of the time for which the thread that leads the others was ready to run and others ran; None if not
    known."""


class Sharing:
    """The setting of a program, chosen again after each window."""

    def __init__(self, threads: int, cores: int, may_sleep: bool = True, may_shrink: bool = True) -> None:
        """Start with `threads` that spin; `cores` is how many this process may use."""
        self.full = Setting(threads, False)
        self.setting = self.chosen = self.full
        """The setting of the next window, and the one that was chosen last: others are tried in between."""
        self.may_sleep, self.may_shrink = may_sleep, may_shrink and threads > 1
        needed = min(threads, cores)
        self._enough = needed - max(TAKEN, needed / 20)
        self._clock = 0.0
        self._different = 0.0  # seconds in a row that speak against the setting
        self._room = float(cores)  # of the last window that told it
        self._rate = 0.0  # of the windows that showed that the machine is busy
        self._trials: list[Setting] = []  # the setting of each window that a comparison still needs
        self._steps = 0  # of the present trial
        self._tried: dict[Setting, list[float]] = {}  # seconds and work of each setting
        self._began = self._due = self._ignored_until = 0.0
        self._unchanged = 0
        self._certain, self._freed = CERTAIN, -SOON
        self._found: Setting | None = None  # in the last comparison since the machine became busy

    def look(self, room: float) -> None:
        """Before the first window: where other programs use the cores already, begin with threads that sleep."""
        if room < self._enough and self.setting == self.full and self.may_sleep:
            self._sleep()

    def add(self, window: Window) -> None:
        """Choose the next setting after a window with the present one."""
        self._clock += window.seconds
        if self._trials:
            self._compare(window)
            return
        if window.room is None:
            return
        self._room = window.room
        busy = window.room < self._enough
        if self.setting == Setting(self.full.threads, True) and window.lost is not None:
            busy = busy and window.lost >= UNDISTURBED
        if self.setting == self.full:
            if self._clock >= self._ignored_until:
                self._watch(window, busy)
        else:
            self._different = 0.0 if busy else self._different + window.seconds
            if self._different >= self._certain:
                self._choose(self.full)
                self._found, self._freed = None, self._clock
            elif self.may_shrink and self._clock >= self._due:
                self._start_comparison()

    def _watch(self, window: Window, busy: bool) -> None:
        """Of the full setting: is the machine busy?"""
        self._different = self._different + window.seconds if busy else 0.0
        self._rate = window.work / window.seconds
        if self._different < CERTAIN:
            return
        again = self._clock - self._freed < SOON
        self._certain = min(MOST_CERTAIN, 2 * self._certain) if again else CERTAIN
        if self.may_sleep:
            self._sleep()
        elif self.may_shrink:
            self._start_comparison()

    def _sleep(self) -> None:
        self._choose(Setting(self.full.threads, True))
        self._due = self._clock + SETTLE

    def _choose(self, setting: Setting) -> None:
        self.setting = self.chosen = setting
        self._different = 0.0

    def _start_comparison(self) -> None:
        most = self.full.threads
        fewer = Setting(max(1, min(most - 1, round(self._room))), self.may_sleep)
        all_of_them = Setting(most, self.may_sleep)
        now, other = (all_of_them, fewer) if self.chosen.threads == most else (self.chosen, all_of_them)
        others = [other] if fewer in (now, other) else [other, fewer]
        # There and back: whatever drifts meanwhile, such as the size of a batch, affects all of them alike.
        order = [now, *others]
        self._trials, self._tried, self._steps = [*order, *reversed(order)], {}, 0
        self._began, self.setting = self._clock, self._trials[0]

    def _compare(self, window: Window) -> None:
        tally = self._tried.setdefault(self._trials[0], [0.0, 0.0])
        tally[0] += window.seconds
        tally[1] += window.work
        self._steps += window.steps
        if self._steps < STEPS:
            return
        self._trials.pop(0)
        self._steps = 0
        if self._trials:
            self.setting = self._trials[0]
            return
        rates = {setting: work / seconds for setting, (seconds, work) in self._tried.items()}
        if self.chosen in (self.full, Setting(self.full.threads, True)) and self._rate:
            rates.setdefault(self.full, self._rate)
        best = _best(rates, self.chosen)
        lasted = self._clock - self._began
        self._unchanged = self._unchanged + 1 if best == self._found else 0
        self._found, self._rate = best, 0.0
        self._choose(best)
        pause = min(LATEST, max(SOONEST, OFTEN * lasted) * 2**self._unchanged)
        self._due = self._clock + pause
        if best == self.full:
            self._ignored_until = self._due


def _best(rates: dict[Setting, float], chosen: Setting) -> Setting:
    """The fastest setting, if it is clearly faster than the chosen one."""
    best = max(rates, key=rates.__getitem__)
    return best if chosen not in rates or rates[best] > BETTER * rates[chosen] else chosen
