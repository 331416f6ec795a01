"""The largest micro-batch that fits into memory: tried, not guessed."""

import gc
import sys
from collections.abc import Callable

import torch
from torch import Tensor
from torch.optim import AdamW, Optimizer

from gpt2kit.errors import OutOfMemory
from gpt2kit.training.distributed import ProcessGroup


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out; a CPU's allocator says so in words alone."""
    words = ("DefaultCPUAllocator", "not enough memory", "bad allocation", "std::bad_alloc")
    spoken = isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    return spoken or isinstance(error, torch.OutOfMemoryError | MemoryError)


def peak(device: torch.device) -> int | None:
    """Bytes that were held at most: of a GPU's memory by tensors, else of the machine's by this process, libraries
    included. None where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def fit(
    attempt: Callable[[int], object], rows: int, accumulate: int, optimizers: list[Optimizer], group: ProcessGroup
) -> int:
    """The first of `accumulate` and its doubles with which an attempt fits into memory, the same on all processes.

    `attempt(n)` computes the gradient of the largest micro-batch when the largest batch, of `rows` rows, is cut into n
    for each process; it must not send. Raises OutOfMemory when a single row does not fit.
    """
    while True:
        failure = _failure(attempt, accumulate, optimizers)
        if not group.largest(failure is not None):
            return accumulate
        if accumulate * group.size >= rows:
            raise OutOfMemory(
                f"out of memory on {group.device}, one row at a time ({failure or 'on another rank'}); a row is never "
                f"cut, so train.accumulate (now {accumulate}) and train.batch_tokens cannot help: "
                f"--set train.checkpointing=true recomputes instead of keeping; or take a smaller model "
                f"(model.size, model.n_layer, model.n_embd) or a shorter window (model.n_positions, prepared anew)"
            )
        accumulate *= 2


def _failure(attempt: Callable[[int], object], accumulate: int, optimizers: list[Optimizer]) -> str | None:
    """What was said when the attempt did not fit; None when it did. Leaves nothing behind."""
    param_groups = [param_group for optimizer in optimizers for param_group in optimizer.param_groups]
    weights = [parameter for param_group in param_groups for parameter in param_group["params"]]
    failure, held = None, []
    try:
        held = reserve_moments(optimizers)
        for weight in weights:
            weight.grad = torch.zeros_like(weight)
        attempt(accumulate)
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        failure = str(error).split("\n")[0] or type(error).__name__
    # Outside of the except clause: the error keeps the tensors of every frame that it passed.
    del held
    for weight in weights:
        weight.grad = None
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    return failure


def reserve_moments(optimizers: list[Optimizer]) -> list[Tensor]:
    """As much memory as the moments that the optimisers will make at their first step, written to, so that it is taken.

    Their own moments are not made here: what an optimiser does at its first step is its own affair.
    """
    return [
        torch.ones_like(parameter)
        for optimizer in optimizers
        for param_group in optimizer.param_groups
        for parameter in param_group["params"]
        if parameter not in optimizer.state
        for _ in range(2 if isinstance(optimizer, AdamW) else 1)
    ]
