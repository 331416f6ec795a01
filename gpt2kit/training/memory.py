"""Memory: its peak use, and whether an error means that it ran out."""

import sys

import torch
from torch import nn


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error means that memory ran out; a CPU's allocator says so only in words."""
    words = ("DefaultCPUAllocator", "not enough memory", "bad allocation", "std::bad_alloc")
    spoken = isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    return spoken or isinstance(error, torch.OutOfMemoryError | MemoryError)


def peak(device: torch.device) -> int | None:
    """Peak bytes in use: of a GPU by tensors, otherwise of the machine by this process, libraries included. None if the
    system does not say."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def leave_file(model: nn.Module) -> None:
    """Copy weights that are in memory which is not torch's: those that were read from a file are in a mapping of it,
    and as long as one of them is used, the whole file stays in memory."""
    for parameter in model.parameters():
        if not parameter.untyped_storage().resizable():
            parameter.data = parameter.data.clone()
