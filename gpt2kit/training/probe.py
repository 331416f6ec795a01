"""Measurements before the first step of a run: the micro-batch that fits into memory, and seconds. Weights and
optimisers are restored afterwards."""

import gc
import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.optim import AdamW, Optimizer

from gpt2kit.data.batches import BatchRows
from gpt2kit.errors import OutOfMemory
from gpt2kit.model.device import release_memory
from gpt2kit.training import distributed, memory
from gpt2kit.training.gradient import shard
from gpt2kit.training.progress import Progress
from gpt2kit.training.step import Learner
from gpt2kit.training.validate import SplitLoss, evenly_spaced, spread

PROBES, TIMES = 5, 3
"""Widths at which steps are measured before a run with a time budget is planned, and repetitions of that."""

SHARE = 0.05
"""Share of the budget that these measurements may take; on a slow machine they are fewer."""

DISK = 2e8
"""Bytes per second assumed for a save until one has been measured."""


@dataclass(frozen=True)
class Measured:
    """Seconds that the parts of a run take."""

    passes: list[list[float]]
    """A step on a batch of each of several widths, one pass after the other; the first one prepares kernels."""
    validation: float
    """The shortest of several estimates of a whole validation."""
    save: float

    @property
    def steps(self) -> list[float]:
        """The mean step of each pass."""
        return [sum(taken) / len(taken) for taken in self.passes]

    @property
    def step(self) -> float:
        """The mean step, of each width the shortest: other work on the machine only makes a step longer.

        A plan that hopes for too much is corrected while it is carried out; one that gives up too early is not.
        """
        shortest = [min(taken) for taken in zip(*self.passes, strict=True)]
        return sum(shortest) / len(shortest)


def measure(
    learner: Learner,
    progress: Progress,
    validate: Callable[[int, float], SplitLoss] | None,
    clock: Callable[[], float],
    widths: int = PROBES,
    times: int = 2,
    seconds: float = math.inf,
    stopped: Callable[[], bool] = bool,
) -> Measured:
    """Time real steps on batches of several widths, and `validate(widths, until)`, which computes so many batches of a
    validation while the clock allows; repeat all that.

    On a machine that needs more than `seconds` for it, fewer widths are measured, at least one and that twice; only
    once if the main process's `stopped` says so.
    """

    def late(share: float) -> bool:
        return bool(learner.group.from_main(float(stopped() or clock() - began > share * seconds)))

    by_width = sorted(learner.batches.epoch(0), key=lambda rows: int(learner.batches.lengths(rows).max()))
    probes, passes, validation, began = spread(evenly_spaced(by_width, widths)), list[list[float]](), math.inf, clock()
    with _restored(learner):
        for number in range(times):  # the first time includes compiling kernels and allocating memory
            taken = list[float]()
            for rows in probes:
                if taken and not number and late(0.5):
                    break
                started = clock()
                learner.step(rows, progress)
                taken.append(clock() - started)
            probes = probes[: len(taken)]
            passes.append(taken)
            if validate is not None:
                started = clock()
                share = validate(len(probes), began + (1 if number else 0.5) * seconds).share
                validation = min(validation, (clock() - started) / share)
            if learner.group.from_main(float(stopped())) or (number and late(1)):
                break
    return Measured(passes, 0.0 if validate is None else validation, 4 * 4 * learner.parameters / DISK)


def clone(value: Any) -> Any:
    return value.clone() if isinstance(value, Tensor) else value


@contextmanager
def _restored(learner: Learner) -> Iterator[None]:
    """After the block weights, their average and the optimisers' moments are restored."""
    moments = [
        {parameter: {name: clone(value) for name, value in of_one.items()} for parameter, of_one in each.state.items()}
        for each in learner.optimizers
    ]
    weights = [parameter.detach().clone() for parameter in learner.model.parameters()]
    averaged = {name: weight.clone() for name, weight in learner.average.weights.items()} if learner.average else {}
    try:
        yield
    finally:
        with torch.no_grad():
            for parameter, before in zip(learner.model.parameters(), weights, strict=True):
                parameter.copy_(before)
        if learner.average is not None:
            learner.average.weights = averaged
        for optimizer, state in zip(learner.optimizers, moments, strict=True):
            optimizer.state.clear()
            optimizer.state.update(state)


def micro_batches(learner: Learner) -> int:
    """The number of micro-batches into which each process must divide its share of a batch, the same on all processes.

    The first of train.accumulate and its doubles with which the batch that needs the most memory fits. Raises
    OutOfMemory if a single row does not fit.
    """
    config, group = learner.config, learner.group
    rows, accumulate = learner.batches.longest(), config.accumulate
    if config.parallel == "fsdp" and group.size > 1:
        # Its forward pass communicates: a process that runs out of memory would leave the others waiting in it.
        return accumulate
    while True:
        failure = _failure(learner, rows, accumulate)
        if not group.largest(failure is not None):
            return accumulate
        if accumulate * group.size >= len(rows):
            raise OutOfMemory(
                f"out of memory on {group.device}, one row at a time ({failure or 'on another rank'}); a row is never "
                f"cut, so train.accumulate (now {accumulate}) and train.batch_tokens cannot help: "
                f"--set train.checkpointing=true recomputes instead of keeping; or take a smaller model "
                f"(model.size, model.n_layer, model.n_embd) or a shorter window (model.n_positions, prepared again)"
            )
        accumulate *= 2


def _failure(learner: Learner, rows: BatchRows, accumulate: int) -> str | None:
    """The error message if the gradient of this process's share does not fit, else None. Nothing of it is kept."""
    param_groups = [param_group for optimizer in learner.optimizers for param_group in optimizer.param_groups]
    weights = [parameter for param_group in param_groups for parameter in param_group["params"]]
    failure, held = None, list[Tensor]()
    try:
        held = reserve_moments(learner.optimizers)
        _compute_gradient(learner, rows, accumulate, weights)
    except Exception as error:
        if not memory.is_out_of_memory(error):
            raise
        failure = str(error).split("\n")[0] or type(error).__name__
    # Outside the except clause: the error keeps the tensors of every frame that it passed.
    del held
    for weight in weights:
        weight.grad = None
    if failure is not None:  # reference cycles may keep tensors of the failed attempt; a full collection is slow
        gc.collect()
    release_memory(learner.group.device)  # in what stays, the next tensors would hardly find a place
    return failure


def _compute_gradient(learner: Learner, rows: BatchRows, accumulate: int, weights: list[Tensor]) -> None:
    """Nothing is sent, as another process may have no memory for its share."""
    targets = max(1, learner.batches.targets(rows))
    micro_batches = shard(rows, accumulate, learner.group)
    learner.module.train()
    with distributed.no_sync(learner.module):
        for micro_batch in micro_batches * 2:  # the second time, free memory is fragmented
            for weight in weights:  # the gradients of other micro-batches take memory, too
                weight.grad = torch.zeros_like(weight) if len(micro_batches) > 1 else None
            learner.gradient.backward(micro_batch, targets)


def reserve_moments(optimizers: list[Optimizer]) -> list[Tensor]:
    """Allocate as much memory as the moments of the optimisers' first step, and write to it, so that it is really used.

    Their actual moments are not created here: how an optimiser takes its first step is its internal matter.
    """
    return [
        torch.ones_like(parameter)
        for optimizer in optimizers
        for param_group in optimizer.param_groups
        for parameter in param_group["params"]
        if parameter not in optimizer.state
        for _ in range(2 if isinstance(optimizer, AdamW) else 1)
    ]
