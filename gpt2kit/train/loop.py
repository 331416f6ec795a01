"""The only training loop: an iterator of events, so that showing, logging and sampling are the caller's `for`."""

import math
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from gpt2kit.config import TrainConfig
from gpt2kit.data.batches import RowBatches, collate, padded_width
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError, OutOfMemory
from gpt2kit.evaluate.loss import TargetLoss
from gpt2kit.model.device import autocast, pick_device, pick_dtype
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.train import noise, optim, state
from gpt2kit.train.objective import Objective
from gpt2kit.train.signals import StopRequest


@dataclass(frozen=True)
class Start:
    """What is going to happen; `step` is above 0 when a run goes on from a saved state."""

    step: int
    steps: int
    steps_per_epoch: int
    parameters: int
    padding: float
    device: str
    dtype: str
    compiled: bool
    resumed: bool = False


@dataclass(frozen=True)
class Step:
    """After each optimiser step. Losses are nats per target token."""

    step: int
    steps: int
    epoch: float
    loss: float
    rate: float
    tokens_per_second: float
    seconds_left: float


@dataclass(frozen=True)
class Validation:
    """Loss on the validation split with the weights that would be saved now; `best` when it is the lowest yet."""

    step: int
    loss: float
    best: bool


@dataclass(frozen=True)
class Stopped:
    """A signal came; the state is saved."""

    step: int
    signal: int


Event = Start | Step | Validation | Stopped


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

    def __init__(self, model: GPT2, train: Store, validation: Store | None, config: TrainConfig, folder: Path) -> None:
        """`folder` receives the state. Raises DataError when a row does not fit into the model's window."""
        self.config, self.folder, self.validation_store = config, folder, validation
        self.device = pick_device(config.device)
        self.dtype = pick_dtype(config.dtype, self.device)
        self.model = model.to(self.device)
        self.store = train
        self.batches = RowBatches(train, config.batch_tokens, config.seed)
        longest = int(self.batches.lengths.max())
        if padded_width(longest) > model.config.n_positions:
            raise DataError(f"a row has {longest} tokens, the model's window {model.config.n_positions}: prepare again")
        self.steps = config.steps or max(1, round(config.epochs * len(self.batches)))
        self.evaluate_every = config.evaluate_every or math.ceil(self.steps / 10)
        self.save_every = config.save_every or self.evaluate_every
        flop = 6 * model.parameter_count() * train.tokens / len(self.batches) * self.steps
        self.compiled = wants_compile(config, self.device, flop)
        self.objective = Objective(self.model, TargetLoss(config.label_smoothing, self.compiled))
        self.optimizers = optim.build(model, config)
        self.average = optim.Average(model, config.ema) if config.ema else None
        self.step = 0
        self.best: float = math.inf
        self.resumed = False

    def resume(self) -> None:
        """Go on from the state in the folder; from the first step where none was saved yet."""
        self.resumed = True
        if not (self.folder / state.STATE_FILE).is_file():
            return
        progress = state.load(self.folder / state.STATE_FILE, self.model, self.average, self.optimizers)
        self.step = progress["step"]
        self.best = math.inf if progress["best"] is None else progress["best"]

    def save(self) -> None:
        best = None if math.isinf(self.best) else self.best  # JSON has no infinity
        progress = {"step": self.step, "best": best}
        state.save(self.folder / state.STATE_FILE, self.model, self.average, self.optimizers, progress)

    def run(self, save_weights: Callable[[GPT2], None]) -> Iterator[Event]:
        """Train to the end, or to a signal. `save_weights` is called with the weights worth keeping."""
        if self.compiled:
            for block in self.model.transformer.blocks():
                block.compile(dynamic=True)
        yield Start(
            self.step,
            self.steps,
            len(self.batches),
            self.model.parameter_count(),
            self.batches.padding,
            str(self.device),
            self.dtype,
            self.compiled,
            self.resumed,
        )
        seconds, tokens = 0.0, 0.0
        with StopRequest() as stop:
            while self.step < self.steps:
                started = time.perf_counter()
                loss, batch_tokens = self._step()
                self.step += 1
                seconds = 0.95 * seconds + time.perf_counter() - started
                tokens = 0.95 * tokens + batch_tokens
                speed = tokens / seconds
                epoch = self.step / len(self.batches)
                left = (self.steps - self.step) * self.store.tokens / len(self.batches) / speed
                yield Step(self.step, self.steps, epoch, loss, self.optimizers[0].param_groups[0]["lr"], speed, left)
                last = self.step == self.steps
                if self.validation_store is not None and (last or self.step % self.evaluate_every == 0):
                    yield from self._validate(save_weights)
                if last or stop.number or self.step % self.save_every == 0:
                    self.save()
                if stop.number and not last:
                    yield Stopped(self.step, stop.number)
                    return
        if self.config.keep == "last" or self.validation_store is None:
            self._with_average(save_weights)

    def _step(self) -> tuple[float, int]:
        """One optimiser step: mean loss over all targets of all micro-batches, and tokens seen."""
        epoch, index = divmod(self.step, len(self.batches))
        if index == 0 or not hasattr(self, "order"):
            self.order = self.batches.epoch(epoch)
        optim.set_rate(self.optimizers, optim.rate(self.step, self.steps, self.config))
        rows = self.order[index]
        parts = [collate(self.store, part) for part in np.array_split(rows, self.config.accumulate) if len(part)]
        targets = sum(part.labels_N.numel() for part in parts)
        if targets == 0:
            raise DataError(f"batch {index} of epoch {epoch} has no target tokens: nothing could be learned from it")
        noise.seed_step(self.config.seed, self.step, rank=0)
        self.objective.train()
        total = torch.zeros((), device=self.device)
        try:
            for part in parts:
                batch = part.to(self.device)
                with autocast(self.device, self.dtype):
                    loss, plain = self.objective(batch.ids_BT, batch.positions_N, batch.labels_N)
                (loss / targets).backward()
                total += plain
        except torch.OutOfMemoryError as error:
            fewer = self.config.accumulate * 2
            raise OutOfMemory(
                f"out of memory on {self.device} with {len(parts[0].ids_BT)} rows of {parts[0].ids_BT.size(1)} tokens; "
                f"--set train.accumulate={fewer} halves what is held at a time and gives the same numbers"
            ) from error
        mean = float(total) / targets
        self._clip(mean)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if self.average is not None:
            self.average.update(self.model, self.step)
        return mean, sum(part.tokens for part in parts)

    def _clip(self, loss: float) -> None:
        """Clip the gradients. Raises DataError before a loss or gradient that is no number reaches the weights."""
        parameters = list(self.model.parameters())
        norm = nn.utils.get_total_norm([parameter.grad for parameter in parameters if parameter.grad is not None])
        for what, value in (("loss", loss), ("gradients' norm", float(norm))):
            if not math.isfinite(value):
                raise DataError(
                    f"the {what} is {value} at step {self.step + 1}: lower train.lr (now {self.config.lr}); "
                    f"the state of the last save is untouched"
                )
        if self.config.clip:
            nn.utils.clip_grads_with_norm_(parameters, self.config.clip, norm)

    def _with_average(self, use: Callable[[GPT2], None]) -> None:
        if self.average is not None:
            self.average.swap(self.model)
        use(self.model)
        if self.average is not None:
            self.average.swap(self.model)

    def _validate(self, save_weights: Callable[[GPT2], None]) -> Iterator[Event]:
        """Measured with the averaged weights, which stay in place while the caller looks at the event."""
        assert self.validation_store is not None
        if self.average is not None:
            self.average.swap(self.model)
        loss = validation_loss(self.model, self.validation_store, self.config.batch_tokens, self.device, self.dtype)
        best = loss < self.best
        if best:
            self.best = loss
            if self.config.keep == "best":
                save_weights(self.model)
        yield Validation(self.step, loss, best)
        if self.average is not None:
            self.average.swap(self.model)


@torch.inference_mode()
def validation_loss(model: GPT2, store: Store, batch_tokens: int, device: torch.device, dtype: str) -> float:
    """Nats per target token over a whole split."""
    objective = Objective(model, TargetLoss()).eval()
    batches = RowBatches(store, batch_tokens, seed=0)
    total, targets = 0.0, 0
    for rows in batches.epoch(0):
        batch = collate(store, rows).to(device)
        with autocast(device, dtype):
            total += float(objective(batch.ids_BT, batch.positions_N, batch.labels_N)[1])
        targets += batch.labels_N.numel()
    if not targets:
        raise DataError("the validation split has no target tokens")
    return total / targets
