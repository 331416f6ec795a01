"""One optimiser step: the gradient of a batch, clipped, the optimisers, and the average of the weights."""

import math
from contextlib import AbstractContextManager, nullcontext

from torch import Tensor, nn

from gpt2kit.config import TrainConfig
from gpt2kit.data.batches import Batches, BatchRows
from gpt2kit.errors import DataError, OutOfMemory
from gpt2kit.model.device import pick_dtype
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.loss import TargetLoss
from gpt2kit.training import distributed, memory, optim, rng
from gpt2kit.training.checkpointing import checkpoint_blocks
from gpt2kit.training.distributed import ProcessGroup
from gpt2kit.training.gradient import Gradient, shard
from gpt2kit.training.objective import objective_of
from gpt2kit.training.progress import Progress
from gpt2kit.training.signals import NUMBERS, StopRequest


class Learner:
    """A model with everything that changes its weights."""

    def __init__(
        self, model: GPT2, batches: Batches, config: TrainConfig, group: ProcessGroup, compiles: bool = False
    ) -> None:
        """The model moves to the group's device, and is sharded with FSDP. Raises DataError if a row does not fit into
        its window."""
        _check_window(batches, model.config.n_positions)
        self.batches, self.config, self.group, self.compiles = batches, config, group, compiles
        self.dtype = pick_dtype(config.dtype, group.device)
        if model.labels and not config.lm_weight and model.lm_head is not None:
            model.lm_head.requires_grad_(False)  # nothing is computed with it
        self.parameters = model.parameter_count()
        self.learning = sum(each.numel() for each in model.parameters() if each.requires_grad)
        self.model = model.to(group.device)
        memory.leave_file(self.model)
        if config.checkpointing:
            checkpoint_blocks(self.model)
        loss = TargetLoss(config.label_smoothing, compiles)
        objective = objective_of(self.model, loss, config.lm_weight, config.token_dropout)
        self.module = distributed.parallelize(objective, config.parallel, group)
        self.gradient = Gradient(self.module, batches, group, self.dtype)
        self.optimizers = optim.build(self.model, config)
        self.average = optim.Average(self.model, config.ema) if config.ema else None

    def compile(self) -> None:
        """Compile the blocks when they are first computed, if requested."""
        for block in self.model.transformer.blocks() if self.compiles else ():
            block.compile(dynamic=True)

    @property
    def rate(self) -> float:
        """The learning rate of the last step."""
        rate: float = self.optimizers[0].param_groups[0]["lr"]
        return rate

    def step(self, rows: BatchRows, progress: Progress, stop: StopRequest | None = None) -> tuple[float, int]:
        """Take step `progress.step` on a global batch; returns the mean loss over all of its targets, and any signal
        received."""
        step, accumulate = progress.step, progress.accumulate or 1
        targets = self.batches.targets(rows)
        if targets == 0:
            epoch, index = divmod(step, len(self.batches))
            raise DataError(f"batch {index} of epoch {epoch} has no target tokens: nothing could be learned from it")
        optim.set_rate(self.optimizers, optim.rate(progress.plan.position(step), progress.steps, self.config))
        rng.seed_step(self.config.seed, step, self.group.rank)
        self.module.train()
        plain = self._gradient(rows, accumulate, targets)
        norm = self._gradient_norm()  # before the host waits for the loss, so that a GPU has work
        asked = stop.number if stop else 0
        # One message per step: the losses, and the signals that some of the processes may have received.
        total, *counts = self.group.sum([float(plain), *(float(asked == number) for number in NUMBERS)])
        signal = next((int(number) for number, count in zip(NUMBERS, counts, strict=True) if count), 0)
        loss = total / targets
        self._clip(norm, loss, step)
        for optimizer in self.optimizers:
            optimizer.step()
            optimizer.zero_grad()
        if self.average is not None:
            self.average.update(self.model, step)
        return loss, signal

    def _gradient(self, rows: BatchRows, accumulate: int, targets: int) -> Tensor:
        """Compute this process's gradient; returns its summed cross-entropy."""
        micro_batches = shard(rows, accumulate, self.group)
        try:
            return self.gradient(micro_batches, targets)
        except Exception as error:
            if not memory.is_out_of_memory(error):
                raise
            longest = int(self.batches.lengths(rows).max())
            raise OutOfMemory(
                f"out of memory on {self.group.device} with {len(micro_batches[0].rows)} rows of up to {longest} "
                f"tokens; --set train.accumulate={2 * accumulate} halves what is held at a time and gives the same "
                f"numbers"
            ) from error

    def _gradient_norm(self) -> Tensor:
        gradients = [parameter.grad for parameter in self.model.parameters() if parameter.grad is not None]
        return distributed.full_tensor(nn.utils.get_total_norm(gradients))

    def _clip(self, norm: Tensor, loss: float, step: int) -> None:
        """Clip the gradients. Raises DataError before a loss or gradient that is not finite reaches the weights."""
        for what, value in (("loss", loss), ("gradients' norm", float(norm))):
            if not math.isfinite(value):
                raise DataError(
                    f"the {what} is {value} at step {step + 1}: lower train.lr (now {self.config.lr}); "
                    f"the state of the last save is untouched"
                )
        if self.config.clip:
            nn.utils.clip_grads_with_norm_(self.model.parameters(), self.config.clip, norm)

    def averaged(self) -> AbstractContextManager[None]:
        """A block in which the model has the averaged weights, if there are any."""
        return nullcontext() if self.average is None else self.average.applied(self.model)

    def full_model(self) -> GPT2:
        """The whole model as it is now, on the main process; every process must call this."""
        return distributed.full_model(self.model, self.group)


def _check_window(batches: Batches, window: int) -> None:
    if batches.width > window:
        longest = int(batches.lengths(batches.longest()).max())
        raise DataError(
            f"a row has {longest} tokens, the model's window {window}: prepare again with --set "
            f"model.n_positions={window}"
        )
