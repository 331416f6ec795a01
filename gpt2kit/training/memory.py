"""Memory: how much was held, and whether an error says that it ran out."""

import sys

import torch


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out; a CPU's allocator says so in words alone."""
    words = ("DefaultCPUAllocator", "not enough memory", "bad allocation", "std::bad_alloc")
    spoken = isinstance(error, RuntimeError) and any(word in str(error) for word in words)
    return spoken or isinstance(error, torch.OutOfMemoryError | MemoryError)


def peak(device: torch.device) -> int | None:
    """The most bytes that were held: of a GPU's memory by tensors, else of the machine's by this process, libraries
    included. None where the system does not say."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device)
    if sys.platform == "win32":
        return None
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
