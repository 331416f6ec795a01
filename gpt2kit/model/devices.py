"""The devices of this machine that torch can compute with."""

from typing import NamedTuple

import torch

from gpt2kit.model.device import native_bf16


class Found(NamedTuple):
    """One device."""

    device: torch.device
    name: str
    """The maker's name of the device; for a CPU the vector instructions that torch uses."""
    memory: int
    """Bytes of its own memory; 0 if it shares that of the machine."""
    bf16: bool
    """Whether the hardware computes it natively."""


def inventory() -> list[Found]:
    """The CPU, and every GPU that torch sees."""
    cpu = torch.device("cpu")
    found = [Found(cpu, torch.backends.cpu.get_cpu_capability(), 0, native_bf16(cpu))]
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        device, properties = torch.device("cuda", index), torch.cuda.get_device_properties(index)
        with torch.cuda.device(device):
            found.append(Found(device, properties.name, properties.total_memory, native_bf16(device)))
    if torch.backends.mps.is_available():
        mps = torch.device("mps")
        found.append(Found(mps, "Apple GPU", 0, native_bf16(mps)))
    return found


def threads() -> int:
    """Number of threads that torch uses on the CPU."""
    return torch.get_num_threads()
