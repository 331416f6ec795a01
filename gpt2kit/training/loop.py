"""The only training loop: an iterator of events, so that showing, logging and sampling are the caller's `for`."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import nn

from gpt2kit.config import TrainConfig
from gpt2kit.data.batches import Batching, RowBatching, Rows
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError, OutOfMemory
from gpt2kit.model.device import keep_memory, pick_device, pick_dtype
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.loss import TargetLoss
from gpt2kit.training import compiler, distributed, memory, optim, rng, speed, state
from gpt2kit.training.checkpointing import checkpoint_blocks
from gpt2kit.training.distributed import ProcessGroup
from gpt2kit.training.events import Ended, Event, Fitted, Planned, Start, StepDone, Stopped, Validation
from gpt2kit.training.gradient import Gradient, shard
from gpt2kit.training.objective import objective_of
from gpt2kit.training.schedule import Pace, check_count
from gpt2kit.training.signals import NUMBERS, StopRequest
from gpt2kit.training.validate import evenly_spaced, split_loss

COMPILE_PAYS_BACK = 2e14
"""Training FLOP from which torch.compile's half minute is won back on two cores; a GPU gets there at once."""


def wants_compile(config: TrainConfig, device: torch.device, flop: float) -> bool:
    if config.compile != "auto":
        return config.compile == "on"
    if device.type == "cpu":
        return flop > COMPILE_PAYS_BACK and compiler.lacking() is None
    return device.type == "cuda" and flop > COMPILE_PAYS_BACK


REACHED = 0.4
"""About the share of the machine's peak that training reaches, where it must be known before the first step."""

DISK = 2e8
"""Bytes a second that a save is taken to write at until one was measured."""

PROBES = 5
"""Widths at which steps are measured before a run with a budget of time is planned."""


@dataclass(frozen=True)
class Measured:
    """Seconds that the parts of a run take."""

    steps: list[float]
    """Means over batches of several widths, one measurement after the other; the first one prepares kernels."""
    validation: float
    save: float


class Loop:
    """One run: model, data, optimisers and where they stand."""

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
        """`folder` receives the state; rows are whole by default. Raises DataError when one does not fit into the
        model's window."""
        self.config, self.folder = config, folder
        self.group = group or ProcessGroup(pick_device(config.device))
        keep_memory(self.group.device)
        self.dtype = pick_dtype(config.dtype, self.group.device)
        batching = batching or RowBatching()
        self.batches = batching.training(train, config.batch_tokens, config.seed)
        self.validation = None if validation is None else batching.validation(validation, config.batch_tokens)
        if self.batches.width > model.config.n_positions:
            longest = int(self.batches.lengths(self.batches.longest()).max())
            window = model.config.n_positions
            raise DataError(
                f"a row has {longest} tokens, the model's window {window}: prepare again with --set "
                f"model.n_positions={window}"
            )
        steps = config.steps or max(1, config.least_steps, round(config.epochs * len(self.batches)))
        self.pace = Pace(config, steps, validation is not None, self.group, clock)
        self.flop = 6 * model.parameter_count() * self.batches.epoch_tokens / len(self.batches) * steps
        if self.pace.budget is not None:
            self.flop = REACHED * speed.peak(self.group.device, self.dtype) * self.pace.budget
        self.compiled = wants_compile(config, self.group.device, self.flop)
        self.parameters = model.parameter_count()
        self.model = model.to(self.group.device)
        if config.checkpointing:
            checkpoint_blocks(self.model)
        loss = TargetLoss(config.label_smoothing, self.compiled)
        objective = objective_of(self.model, loss, config.lm_weight, config.token_dropout)
        self.module = distributed.spread(objective, config.parallel, self.group)
        self.gradient = Gradient(self.module, self.batches, self.group, self.dtype)
        self.optimizers = optim.build(self.model, config)
        self.average = optim.Average(self.model, config.ema) if config.ema else None
        self.step = 0
        self.best: float = math.inf
        self.waited = 0
        self.accumulate: int | None = None  # unknown until it was tried
        self.resumed = False

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run, as far as is known now."""
        return self.pace.plan.total

    def resume(self) -> None:
        """Go on from the state in the folder; from the first step where none was saved yet."""
        self.resumed = True
        if not (self.folder / state.STATE_FILE).is_file():
            return
        path = self.folder / state.STATE_FILE
        progress = state.load(path, self.model, self.average, self.optimizers)
        try:
            self.step = check_count(progress["step"])
            self.best = math.inf if progress["best"] is None else float(progress["best"])
            self.waited = int(progress.get("waited", 0))  # older states do not say
            self.pace.restore(progress["pace"])
            accumulate = progress["accumulate"]
            if progress["processes"] == self.group.size:  # else a micro-batch has another size than the one that fitted
                self.accumulate = None if accumulate is None else max(1, check_count(accumulate))
        except (KeyError, TypeError, ValueError, AttributeError, OverflowError) as error:
            raise DataError(f"{path} does not say how far the run has come: {error!r}") from None

    def save(self) -> None:
        progress = {
            "step": self.step,
            "best": None if math.isinf(self.best) else self.best,  # JSON has no infinity
            "waited": self.waited,
            "pace": self.pace.state(),
            "processes": self.group.size,
            "accumulate": self.accumulate,
        }
        path = self.folder / state.STATE_FILE
        with self.pace.saving():
            state.save(path, self.model, self.average, self.optimizers, progress, self.group.is_main)

    def run(self, save_weights: Callable[[GPT2], None]) -> Iterator[Event]:
        """Train to the end, or to a signal. `save_weights` gets the weights worth keeping, on the main process."""
        self.pace.start()
        if self.compiled:
            for block in self.model.transformer.blocks():
                block.compile(dynamic=True)
        yield Start(
            self.step,
            self.steps if self.pace.budget is None or self.step else 0,
            len(self.batches),
            self.parameters,
            self.batches.padding,
            str(self.group.device),
            self.dtype,
            self.compiled,
            self.resumed,
            self.group.size,
        )
        yield from self.fit()
        if self.pace.budget is not None and not self.step:
            measured = self.measure()
            self.pace.plan_first(measured.steps[-1], measured.validation, measured.save)
            yield Planned(self.steps, self.steps / len(self.batches), self.config.budget)
        peak = speed.peak(self.group.device, self.dtype) * self.group.size
        self.pace.mark(self.step)
        with StopRequest() as stop:
            while self.step < self.steps:
                started = self.pace.clock()
                rows = self._rows(self.step)
                loss, signal = self._learn(rows, stop)
                self.step += 1
                yield self._stepped(rows, loss, self.pace.clock() - started, peak)
                last = self.step == self.steps
                validates = self.validation is not None and (last or self.step % self.pace.evaluate_every == 0)
                if validates:
                    with self.pace.validating():
                        yield from self._validate(save_weights)
                    if not last and 0 < self.config.patience <= self.waited:
                        self.pace.end(self.step)
                        last = True
                        yield Ended(self.step, self.waited)
                self.pace.plan_again(self.step, validates)
                if self.group.size == 1:
                    signal = stop.number  # also one that came while the caller looked at the step
                if last or signal or self.step % self.pace.save_every == 0:
                    self.save()
                if signal and not last:
                    yield Stopped(self.step, signal)
                    return
        if self.config.keep == "last" or self.validation is None:
            self._swap()
            self._save_weights(save_weights)
            self._swap()

    def _stepped(self, rows: Rows, loss: float, seconds: float, peak: float) -> StepDone:
        """What there is to say of a step that was just done."""
        lengths, targets = self.batches.lengths(rows), self.batches.targets(rows)
        flop = speed.model_flop(self.model.config, self.model.vocab_size, lengths, targets)
        tokens_per_second, flop_per_second = self.pace.stepped(seconds, self.batches.tokens(rows), flop)
        each = self.batches.epoch_tokens / len(self.batches)
        step_seconds = each / tokens_per_second if tokens_per_second else 0.0
        return StepDone(
            self.step,
            self.steps,
            self.step / len(self.batches),
            loss,
            self.optimizers[0].param_groups[0]["lr"],
            tokens_per_second,
            self.pace.left(self.step, step_seconds),
            flop_per_second / peak,
        )

    def measure(self, widths: int = PROBES, times: int = 2) -> Measured:
        """Real steps on batches of so many widths, and validation batches, so many times.

        Weights and optimisers are put back as they were.
        """
        clock = self.pace.clock
        kept = [parameter.detach().clone() for parameter in self.model.parameters()]
        averaged = {name: weight.clone() for name, weight in self.average.weights.items()} if self.average else {}
        by_width = sorted(self.batches.epoch(0), key=lambda rows: int(self.batches.lengths(rows).max()))
        probes, steps, validation = evenly_spaced(by_width, widths), list[float](), 0.0
        for _ in range(times):  # the first time kernels are compiled and memory is found
            started = clock()
            for rows in probes:
                self._learn(rows)
            steps.append((clock() - started) / len(probes))
            if self.validation is not None:
                started = clock()
                _, share = self._split_loss(widths)
                validation = (clock() - started) / share
        with torch.no_grad():
            for parameter, before in zip(self.model.parameters(), kept, strict=True):
                parameter.copy_(before)
        if self.average is not None:
            self.average.weights = averaged
        for optimizer in self.optimizers:
            optimizer.state.clear()  # as before its first step
        return Measured(steps, validation, 4 * 4 * self.parameters / DISK)

    def _split_loss(self, probes: int = 0) -> tuple[float, float]:
        assert self.validation is not None
        return split_loss(self.module, self.validation, self.group, self.dtype, self.config.validate_tokens, probes)

    def fit(self) -> Iterator[Event]:
        """Find the micro-batch that fits, by the batch that needs the most memory; its gradient is thrown away."""
        if self.accumulate is None and self.config.parallel == "fsdp" and self.group.size > 1:
            # Its forward pass sends: a process that runs out of memory would leave the others waiting in it.
            self.accumulate = self.config.accumulate
        if self.accumulate is None:
            rows = self.batches.longest()
            targets = max(1, self.batches.targets(rows))

            def attempt(accumulate: int) -> None:
                self.module.train()
                with distributed.quiet(self.module):
                    for part in shard(rows, accumulate, self.group) * 2:  # the second time finds memory in pieces
                        self.gradient.backward(part, targets)

            self.accumulate = memory.fit(attempt, len(rows), self.config.accumulate, self.optimizers, self.group)
        if self.accumulate != self.config.accumulate:
            yield Fitted(self.accumulate)

    def _rows(self, step: int) -> Rows:
        """The global batch of a step."""
        epoch, index = divmod(step, len(self.batches))
        if index == 0 or not hasattr(self, "order"):
            self.order = self.batches.epoch(epoch)
        return self.order[index]

    def _learn(self, rows: Rows, stop: StopRequest | None = None) -> tuple[float, int]:
        """One optimiser step on a global batch: mean loss over all of its targets, and a signal that has come."""
        targets = self.batches.targets(rows)
        if targets == 0:
            epoch, index = divmod(self.step, len(self.batches))
            raise DataError(f"batch {index} of epoch {epoch} has no target tokens: nothing could be learned from it")
        optim.set_rate(self.optimizers, optim.rate(self.pace.plan.position(self.step), self.steps, self.config))
        rng.seed_step(self.config.seed, self.step, self.group.rank)
        self.module.train()
        parts = shard(rows, self.accumulate or 1, self.group)
        try:
            plain = float(self.gradient(parts, targets))
        except Exception as error:
            if not memory.is_out_of_memory(error):
                raise
            longest, more = int(self.batches.lengths(rows).max()), 2 * (self.accumulate or 1)
            raise OutOfMemory(
                f"out of memory on {self.group.device} with {len(parts[0].rows)} rows of up to {longest} tokens; "
                f"--set train.accumulate={more} halves what is held at a time and gives the same numbers"
            ) from error
        asked = stop.number if stop else 0
        # One message a step: the losses, and the signals that some of the processes may have got.
        total, *counts = self.group.sum([plain, *(float(asked == number) for number in NUMBERS)])
        signal = next((int(number) for number, count in zip(NUMBERS, counts, strict=True) if count), 0)
        mean = total / targets
        self._clip(mean)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if self.average is not None:
            self.average.update(self.model, self.step)
        return mean, signal

    def _clip(self, loss: float) -> None:
        """Clip the gradients. Raises DataError before a loss or gradient that is no number reaches the weights."""
        parameters = list(self.model.parameters())
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        norm = distributed.whole(nn.utils.get_total_norm(gradients))
        for what, value in (("loss", loss), ("gradients' norm", float(norm))):
            if not math.isfinite(value):
                raise DataError(
                    f"the {what} is {value} at step {self.step + 1}: lower train.lr (now {self.config.lr}); "
                    f"the state of the last save is untouched"
                )
        if self.config.clip:
            nn.utils.clip_grads_with_norm_(parameters, self.config.clip, norm)

    def _swap(self) -> None:
        """The averaged weights in the place of the last ones, and back."""
        if self.average is not None:
            self.average.swap(self.model)

    def complete(self) -> GPT2:
        """The whole model as it is now, on the main process; every process must call this."""
        return distributed.gathered(self.model, self.group)

    def _save_weights(self, save_weights: Callable[[GPT2], None]) -> None:
        model = self.complete()
        if self.group.is_main:
            save_weights(model)

    def _validate(self, save_weights: Callable[[GPT2], None]) -> Iterator[Event]:
        """Measured with the averaged weights, which stay in place while the caller looks at the event."""
        assert self.validation is not None
        self._swap()
        loss, _ = self._split_loss()
        best = loss < self.best
        self.waited = 0 if best else self.waited + 1
        if best:
            self.best = loss
            if self.config.keep == "best":
                self._save_weights(save_weights)
        yield Validation(self.step, loss, best)
        self._swap()
