"""The only training loop: an iterator of events, so that showing, logging and sampling are the caller's `for`."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from gpt2kit.config import TrainConfig
from gpt2kit.data.batches import Batching, RowBatching, batches_from
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError
from gpt2kit.model.device import keep_memory, pick_device
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.threads import Threads
from gpt2kit.training import compilation, probe, speed, state
from gpt2kit.training.distributed import ProcessGroup
from gpt2kit.training.events import Ended, Event, Fitted, Planned, Shared, Start, StepDone, Stopped, Validation
from gpt2kit.training.kept import KeptWeights, SaveWeights
from gpt2kit.training.length import follow, rescheduled
from gpt2kit.training.plan import Plan
from gpt2kit.training.progress import Progress
from gpt2kit.training.schedule import Schedule
from gpt2kit.training.signals import StopRequest
from gpt2kit.training.step import Learner
from gpt2kit.training.validate import SplitLoss, ends_by, split_loss


class Loop:
    """One run: its data, the model to train, and its progress."""

    def __init__(
        self,
        model: GPT2,
        train: Store,
        validation: Store | None,
        config: TrainConfig,
        folder: Path,
        group: ProcessGroup | None = None,
        batching: Batching | None = None,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        """`folder` receives the state; rows are whole by default. Raises DataError if one does not fit into the model's
        window."""
        self.config, self.folder, self.clock, self.resumed = config, folder, clock, False
        self._planned_before: Plan | None = None  # of a resumed run whose length was changed
        self._has_moments = True
        self.group = group or ProcessGroup(pick_device(config.device))
        keep_memory(self.group.device)
        batching = batching or RowBatching()
        self.batches = batching.training(train, config.batch_tokens, config.seed)
        self.validation = None if validation is None else batching.validation(validation, config.batch_tokens)
        self.progress = Progress.first(config, len(self.batches), self.group.size)
        self.states = state.Saver(folder, self.group, max(1, config.keep_checkpoints))
        self.flop = compilation.expected_flop(config, model, self.batches, self.progress.steps, self.group.device)
        compiles = compilation.wants_compile(config, self.group.device, self.flop)
        self.learner = Learner(model, self.batches, config, self.group, compiles)
        alone = self.group.device.type == "cpu" and self.group.size == 1
        self.threads = Threads(alone, config.threads, compiles)

    def resume(self, length: dict[str, Any] | None = None) -> None:
        """Continue from the state in the folder, or from the first step if none has been saved.

        `length` has the knobs that the run was planned for, in case that an older state lacks them. Raises UserError if
        the run is past its new length.
        """
        self.resumed, path = True, state.newest(self.folder)
        if path is None:
            return
        saved = state.load(path, self.learner.model, self.learner.average, self.learner.optimizers)
        wanted = self.progress
        try:
            self.progress = Progress.from_json(saved)
        except ValueError as error:
            raise DataError(f"{path} does not say how far the run has come: {error}") from None
        if self.progress.processes != self.group.size:  # micro-batches differ in size from the ones that fitted
            self.progress.processes, self.progress.accumulate = self.group.size, None
        self._follow(wanted, self.progress.length or length)

    def restart(self, step: int, best: float, length: dict[str, Any], spent: float) -> None:
        """Continue a finished run without a state: the model has its weights, from a step; the moments start again."""
        wanted, self.resumed, self._has_moments = self.progress, True, False
        self.progress = replace(wanted, plan=Plan(step), step=step, best=best, spent=spent, length=length)
        self._follow(wanted, length)

    def _follow(self, wanted: Progress, length: dict[str, Any] | None) -> None:
        """Change the plan if the knobs that it was made for have changed."""
        if length is not None and length != wanted.length:
            self._planned_before = follow(self.progress, wanted, self.config)

    def save(self) -> None:
        """Save the state; a sharded one is complete when `self.states.wait()` returns, or the next one begins."""
        learner = self.learner
        self.states.save(learner.model, learner.average, learner.optimizers, self.progress.to_json())

    def run(self, save_weights: SaveWeights, outdated: bool = False) -> Iterator[Event]:
        """Train to the end, or to a signal. `save_weights` receives weights to save, on the main process; `outdated`
        says that those saved before are from steps which are repeated."""
        progress, learner, schedule = self.progress, self.learner, self.schedule()
        kept = KeptWeights(learner, self.config.keep, save_weights, outdated)
        learner.compile()
        yield self._start()
        with StopRequest() as stop, self.threads.used():
            if self.threads.busy:
                yield self._shared()
            yield from self.fit()
            before = self._planned_before
            if schedule.budget is not None and not (progress.step and progress.costs.step):
                measured = self.measure(seconds=probe.SHARE * schedule.budget, stopped=lambda: bool(stop.number))
                if signal := int(self.group.largest(stop.number)):  # the resumed run measures again
                    yield self._stop(kept, schedule, signal)
                    return
                schedule.plan_first(measured.step, measured.validation, measured.save, before is not None)
                yield Planned(progress.steps, progress.steps / len(self.batches), self.config.budget)
            elif schedule.budget is not None and (progress.step < progress.steps or before is not None):
                schedule.plan(before is not None)
            if before is not None and before.total != progress.steps:
                yield rescheduled(progress, before, self.config, self._has_moments)
            yield from schedule.extension()
            speedometer = speed.Speedometer(
                learner.model, self.batches, self.group.device, learner.dtype, self.group.size
            )
            remaining = batches_from(self.batches, progress.step)
            schedule.mark()
            while progress.step < progress.steps:
                self.threads.begin(progress.step + 1)
                started = self.clock()
                rows = next(remaining)
                loss, signal = learner.step(rows, progress, stop)
                progress.step += 1
                speedometer.add(rows, seconds := self.clock() - started)
                done = self._step_done(loss, speedometer, schedule)
                was_busy = self.threads.busy
                yield from self._share(seconds, self.batches.tokens(rows))
                if was_busy and not self.threads.busy:
                    speedometer.measure_again()
                yield done
                last = progress.step == progress.steps
                validates = self.validation is not None and (last or progress.step % progress.evaluate_every == 0)
                if validates:
                    # The averaged weights stay while the caller handles the event.
                    with schedule.validating() as computed, learner.averaged():
                        yield self._validate(kept, schedule.validation_ends(), computed)
                    if not last and 0 < self.config.patience <= progress.waited:
                        progress.end()
                        last = True
                        yield Ended(progress.step, progress.waited)
                schedule.plan_again(validates)
                yield from schedule.extension()
                if self.group.size == 1:
                    signal = stop.number  # also one that came while the caller handled the step
                if signal and not last:
                    yield self._stop(kept, schedule, signal)
                    return
                if last or progress.step % schedule.save_every == 0:
                    with schedule.saving():
                        self.save()
        self.states.wait()
        kept.finished(progress)

    def _share(self, seconds: float, tokens: int) -> Iterator[Shared]:
        """Choose the threads of the next step, after one of some tokens."""
        threads, before = self.threads, (self.threads.busy, self.threads.chosen)
        threads.add(seconds, tokens)
        if (threads.busy, threads.chosen) != before:
            yield self._shared()

    def _shared(self) -> Shared:
        return Shared(self.progress.step, self.threads.chosen, self.threads.most, self.threads.busy)

    def _stop(self, kept: KeptWeights, schedule: Schedule, signal: int) -> Stopped:
        """Save all that is needed to use and to continue the run."""
        kept.stopped(self.progress)
        with schedule.saving():
            self.save()
            self.states.wait()
        return Stopped(self.progress.step, signal)

    def schedule(self) -> Schedule:
        """The run's schedule, whose clock starts now."""
        return Schedule(self.config, self.progress, self.validation is not None, self.group, self.clock)

    def fit(self) -> Iterator[Event]:
        """Find the micro-batch that fits into memory, unless an earlier process has."""
        if self.progress.accumulate is None:
            self.progress.accumulate = probe.micro_batches(self.learner)
        if self.progress.accumulate != self.config.accumulate:
            yield Fitted(self.progress.accumulate)

    def measure(
        self,
        widths: int = probe.PROBES,
        times: int = probe.TIMES,
        seconds: float = math.inf,
        stopped: Callable[[], bool] = bool,
    ) -> probe.Measured:
        """Time steps and validations; weights and optimisers are unchanged afterwards."""
        validate = None if self.validation is None else self._validation_loss
        with self.threads.used():
            return probe.measure(self.learner, self.progress, validate, self.clock, widths, times, seconds, stopped)

    def _validation_loss(self, most: int = 0, ends: float | None = None) -> SplitLoss:
        """The loss on the validation split; on a part of it with `most`, or if more would not end before `ends`."""
        assert self.validation is not None
        learner, tokens = self.learner, self.config.validate_tokens
        enough = None if ends is None else ends_by(ends, self.clock)
        return split_loss(learner.module, self.validation, self.group, learner.dtype, tokens, most, enough)

    def _validate(self, kept: KeptWeights, ends: float | None, computed: Callable[[float], None]) -> Validation:
        found = self._validation_loss(ends=ends)
        computed(found.share)
        best = kept.validated(self.progress, found)
        return Validation(self.progress.step, found.loss, best, found.batches, found.of)

    def _start(self) -> Start:
        learner, progress = self.learner, self.progress
        return Start(
            step=progress.step,
            steps=0 if self.config.budget and not progress.step else progress.steps,
            steps_per_epoch=len(self.batches),
            parameters=learner.parameters,
            padding=self.batches.padding,
            device=str(self.group.device),
            dtype=learner.dtype,
            compiled=learner.compiles,
            resumed=self.resumed,
            processes=self.group.size,
            threads=self.config.threads,
            learning=None if learner.learning == learner.parameters else learner.learning,
            remarks=learner.model.remarks,
            doubts=learner.model.doubts,
        )

    def _step_done(self, loss: float, speedometer: speed.Speedometer, schedule: Schedule) -> StepDone:
        return StepDone(
            step=self.progress.step,
            steps=self.progress.steps,
            epoch=self.progress.step / len(self.batches),
            loss=loss,
            rate=self.learner.rate,
            tokens_per_second=speedometer.tokens_per_second,
            seconds_left=schedule.seconds_left(speedometer.step_seconds),
            of_peak=speedometer.of_peak,
            threads=self.threads.fewer,
        )
