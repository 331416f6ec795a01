"""The events of a training run."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Start:
    """Before the first step; `step` is above 0 when a run continues from a saved state."""

    step: int
    steps: int
    """0 if a time budget decides: a `Planned` follows."""
    steps_per_epoch: int
    parameters: int
    padding: float
    device: str
    dtype: str
    compiled: bool
    resumed: bool = False
    processes: int = 1
    threads: int = 0
    """The number of threads on a CPU, if the recipe fixes it."""
    learning: int | None = None
    """The number of parameters that are trained; None means all."""
    remarks: tuple[str, ...] = ()
    """What was unusual about the pretrained model, as sentences for the user."""
    doubts: tuple[str, ...] = ()
    """What makes it doubtful that its files belong together."""


@dataclass(frozen=True)
class Fitted:
    """A whole batch does not fit into memory: each process computes it in `accumulate` parts, with the same numbers."""

    accumulate: int


@dataclass(frozen=True)
class Planned:
    """The number of steps that fit into the time budget, as estimated before the first step."""

    steps: int
    epochs: float
    budget: str


@dataclass(frozen=True)
class Extended:
    """The budget has time for fewer steps than it was chosen for (`train.budget_steps`): the run continues past it."""

    step: int
    steps: int
    """Steps of the whole run, as now planned."""
    allowed: int
    """Steps of the whole run for which the budget has time."""
    seconds: float
    """Estimated seconds to the end."""
    budget: str


@dataclass(frozen=True)
class Rescheduled:
    """A run was resumed with another number of steps than it was planned for."""

    step: int
    before: int
    """Steps of the whole run, as planned before."""
    steps: int
    rate_before: float
    """Learning rate of the next step, as planned before; at the end of the schedule if that was reached."""
    rate: float
    moments: bool = True
    """Whether the optimizer continues with its moments; False if the finished run kept no state."""


@dataclass(frozen=True)
class StepDone:
    """After each optimiser step. Losses are nats per target token."""

    step: int
    steps: int
    epoch: float
    loss: float
    rate: float
    tokens_per_second: float
    seconds_left: float
    of_peak: float = 0.0
    """Model FLOP per second, as a share of what the devices reach in a large matrix product; 0 if not known."""
    threads: int | None = None
    """The number of threads on a CPU, if it was lower than usual."""


@dataclass(frozen=True)
class Shared:
    """Other programs keep the cores busy, or no longer do: from the next step on, threads are used differently."""

    step: int
    threads: int
    of: int
    """The usual number of threads."""
    busy: bool


@dataclass(frozen=True)
class Validation:
    """Loss on the validation split with the weights that would be saved now; `best` if it is the lowest so far."""

    step: int
    loss: float
    best: bool
    batches: int = 1
    """The number of batches that were computed."""
    of: int = 1
    """The number of batches of the whole validation: more if a time budget left no time for all of them."""


@dataclass(frozen=True)
class Ended:
    """The last N validations did not lower the loss, with N = `train.patience`: the run ends."""

    step: int
    validations: int


@dataclass(frozen=True)
class Stopped:
    """A signal was received; the state is saved, and the run folder has weights that can be used."""

    step: int
    signal: int


Event = Start | Fitted | Planned | Extended | Rescheduled | StepDone | Shared | Validation | Ended | Stopped
