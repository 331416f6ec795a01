"""The only training loop: an iterator of events, so that showing, logging and sampling are the caller's `for`."""

import math
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path

import torch
from torch import nn

from gpt2kit.config import TrainConfig
from gpt2kit.data.batches import RowBatches, collate, padded_width
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError, OutOfMemory
from gpt2kit.evaluate.loss import TargetLoss
from gpt2kit.model.device import autocast, keep_memory, pick_device, pick_dtype
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.train import distributed, memory, noise, optim, state
from gpt2kit.train.distributed import Team
from gpt2kit.train.events import Event, Fitted, Start, Step, Stopped, Validation
from gpt2kit.train.gradient import Gradient, Rows, count_targets, dealt, lengths_of
from gpt2kit.train.objective import Objective
from gpt2kit.train.plan import Plan
from gpt2kit.train.signals import NUMBERS, StopRequest

COMPILE_PAYS_BACK = 2e14
"""Training FLOP from which torch.compile's half minute is won back on two cores; a GPU gets there at once."""


def wants_compile(config: TrainConfig, device: torch.device, flop: float) -> bool:
    if config.compile != "auto":
        return config.compile == "on"
    if device.type == "cpu":
        return flop > COMPILE_PAYS_BACK and any(shutil.which(compiler) for compiler in ("g++", "clang++", "cl"))
    return device.type == "cuda" and flop > COMPILE_PAYS_BACK


class Loop:
    """One run: model, data, optimisers and where they stand."""

    def __init__(
        self,
        model: GPT2,
        train: Store,
        validation: Store | None,
        config: TrainConfig,
        folder: Path,
        team: Team | None = None,
    ) -> None:
        """`folder` receives the state. Raises DataError when a row does not fit into the model's window."""
        self.config, self.folder, self.validation_store = config, folder, validation
        self.team = team or Team(pick_device(config.device))
        keep_memory(self.team.device)
        self.dtype = pick_dtype(config.dtype, self.team.device)
        self.store = train
        self.batches = RowBatches(train, config.batch_tokens, config.seed)
        longest = int(self.batches.lengths.max())
        if padded_width(longest) > model.config.n_positions:
            raise DataError(f"a row has {longest} tokens, the model's window {model.config.n_positions}: prepare again")
        self.plan = Plan(config.steps or max(1, round(config.epochs * len(self.batches))))
        self.evaluate_every = config.evaluate_every or math.ceil(self.plan.total / 10)
        self.save_every = config.save_every or self.evaluate_every
        flop = 6 * model.parameter_count() * train.tokens / len(self.batches) * self.plan.total
        self.compiled = wants_compile(config, self.team.device, flop)
        self.parameters = model.parameter_count()
        self.model = model.to(self.team.device)
        objective = Objective(self.model, TargetLoss(config.label_smoothing, self.compiled))
        self.module = distributed.spread(objective, config.parallel, self.team)
        self.gradient = Gradient(self.module, train, self.team, self.dtype)
        self.optimizers = optim.build(self.model, config)
        self.average = optim.Average(self.model, config.ema) if config.ema else None
        self.step = 0
        self.best: float = math.inf
        self.accumulate: int | None = None  # unknown until it was tried
        self.resumed = False

    @property
    def steps(self) -> int:
        """Optimiser steps of the whole run, as far as is known now."""
        return self.plan.total

    def resume(self) -> None:
        """Go on from the state in the folder; from the first step where none was saved yet."""
        self.resumed = True
        if not (self.folder / state.STATE_FILE).is_file():
            return
        progress = state.load(self.folder / state.STATE_FILE, self.model, self.average, self.optimizers)
        self.step = progress["step"]
        self.best = math.inf if progress["best"] is None else progress["best"]
        self.plan = Plan(**progress["plan"])
        if progress["processes"] == self.team.size:  # else a micro-batch has another size than the one that fitted
            self.accumulate = progress["accumulate"]

    def save(self) -> None:
        progress = {
            "step": self.step,
            "best": None if math.isinf(self.best) else self.best,  # JSON has no infinity
            "plan": asdict(self.plan),
            "processes": self.team.size,
            "accumulate": self.accumulate,
        }
        path = self.folder / state.STATE_FILE
        state.save(path, self.model, self.average, self.optimizers, progress, self.team.chief)

    def run(self, save_weights: Callable[[GPT2], None]) -> Iterator[Event]:
        """Train to the end, or to a signal. `save_weights` is called with the weights worth keeping, on the chief."""
        if self.compiled:
            for block in self.model.transformer.blocks():
                block.compile(dynamic=True)
        yield Start(
            self.step,
            self.plan.total,
            len(self.batches),
            self.parameters,
            self.batches.padding,
            str(self.team.device),
            self.dtype,
            self.compiled,
            self.resumed,
            self.team.size,
        )
        yield from self._fit()
        seconds, tokens = 0.0, 0.0
        with StopRequest() as stop:
            while self.step < self.plan.total:
                started = time.perf_counter()
                loss, batch_tokens, signal = self._step(stop)
                self.step += 1
                seconds = 0.95 * seconds + time.perf_counter() - started
                tokens = 0.95 * tokens + batch_tokens
                speed = tokens / seconds
                epoch = self.step / len(self.batches)
                left = (self.plan.total - self.step) * self.store.tokens / len(self.batches) / speed
                rate = self.optimizers[0].param_groups[0]["lr"]
                yield Step(self.step, self.plan.total, epoch, loss, rate, speed, left)
                last = self.step == self.plan.total
                if self.validation_store is not None and (last or self.step % self.evaluate_every == 0):
                    yield from self._validate(save_weights)
                if self.team.size == 1:
                    signal = stop.number  # also one that came while the caller looked at the step
                if last or signal or self.step % self.save_every == 0:
                    self.save()
                if signal and not last:
                    yield Stopped(self.step, signal)
                    return
        if self.config.keep == "last" or self.validation_store is None:
            self._swap()
            self._save_weights(save_weights)
            self._swap()

    def _fit(self) -> Iterator[Event]:
        """Find the micro-batch that fits, by the batch that needs the most memory; its gradient is thrown away."""
        if self.accumulate is None and self.config.parallel == "fsdp" and self.team.size > 1:
            # Its forward pass sends: a process that runs out of memory would leave the others waiting in it.
            self.accumulate = self.config.accumulate
        if self.accumulate is None:
            rows = self.batches.longest()

            targets = max(1, count_targets(self.store, rows))

            def attempt(accumulate: int) -> None:
                self.module.train()
                with distributed.quiet(self.module):
                    for part in dealt(rows, accumulate, self.team) * 2:  # the second time finds memory in pieces
                        self.gradient.backward(part, targets)

            self.accumulate = memory.fit(attempt, len(rows), self.config.accumulate, self.optimizers, self.team)
        if self.accumulate != self.config.accumulate:
            yield Fitted(self.accumulate)

    def _rows(self, step: int) -> Rows:
        """The global batch of a step."""
        epoch, index = divmod(step, len(self.batches))
        if index == 0 or not hasattr(self, "order"):
            self.order = self.batches.epoch(epoch)
        return self.order[index]

    def _step(self, stop: StopRequest) -> tuple[float, int, int]:
        """One optimiser step: mean loss over all targets of the global batch, its tokens, and a signal that came."""
        rows = self._rows(self.step)
        targets = count_targets(self.store, rows)
        if targets == 0:
            epoch, index = divmod(self.step, len(self.batches))
            raise DataError(f"batch {index} of epoch {epoch} has no target tokens: nothing could be learned from it")
        optim.set_rate(self.optimizers, optim.rate(self.plan.position(self.step), self.plan.total, self.config))
        noise.seed_step(self.config.seed, self.step, self.team.rank)
        self.module.train()
        parts = dealt(rows, self.accumulate or 1, self.team)
        try:
            plain = float(self.gradient(parts, targets))
        except Exception as error:
            if not memory.is_out_of_memory(error):
                raise
            longest, more = int(lengths_of(self.store, rows).max()), 2 * (self.accumulate or 1)
            raise OutOfMemory(
                f"out of memory on {self.team.device} with {len(parts[0].rows)} rows of up to {longest} tokens; "
                f"--set train.accumulate={more} halves what is held at a time and gives the same numbers"
            ) from error
        # One message a step: the losses, and the signals that some of the processes may have got.
        total, *counts = self.team.sum([plain, *(float(stop.number == number) for number in NUMBERS)])
        signal = next((int(number) for number, count in zip(NUMBERS, counts, strict=True) if count), 0)
        mean = total / targets
        self._clip(mean)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if self.average is not None:
            self.average.update(self.model, self.step)
        return mean, int(lengths_of(self.store, rows).sum()), signal

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
        """The model in one piece as it is now, on the chief; all processes take part, and the others get no such."""
        return distributed.gathered(self.model, self.team)

    def _save_weights(self, save_weights: Callable[[GPT2], None]) -> None:
        model = self.complete()
        if self.team.chief:
            save_weights(model)

    def _validate(self, save_weights: Callable[[GPT2], None]) -> Iterator[Event]:
        """Measured with the averaged weights, which stay in place while the caller looks at the event."""
        assert self.validation_store is not None
        self._swap()
        loss = split_loss(self.module, self.validation_store, self.config.batch_tokens, self.team, self.dtype)
        best = loss < self.best
        if best:
            self.best = loss
            if self.config.keep == "best":
                self._save_weights(save_weights)
        yield Validation(self.step, loss, best)
        self._swap()


def validation_loss(model: GPT2, store: Store, batch_tokens: int, device: torch.device, dtype: str) -> float:
    """Nats per target token over a whole split."""
    return split_loss(Objective(model, TargetLoss()), store, batch_tokens, Team(device), dtype)


@torch.no_grad()
def split_loss(module: nn.Module, store: Store, batch_tokens: int, team: Team, dtype: str) -> float:
    """The same by an Objective that may be spread over a team, whose processes share the batches."""
    module.eval()
    batches = RowBatches(store, batch_tokens, seed=0).epoch(0)
    total, targets = 0.0, 0
    for start in range(0, len(batches), team.size):
        # Each process computes one of these at a time, and one that finds none left the first again, for nothing.
        mine = start + team.rank < len(batches)
        batch = collate(store, batches[start + team.rank if mine else 0]).to(team.device)
        with autocast(team.device, dtype):
            _, plain = module(batch.ids_BT, batch.positions_N, batch.labels_N)
        total += float(plain) * mine
        targets += batch.labels_N.numel() * mine
    total, all_targets = team.sum([total, float(targets)])
    if not all_targets:
        raise DataError("the validation split has no target tokens")
    return total / all_targets
