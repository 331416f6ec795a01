"""What torch finds on this machine to compute with."""

from typing import NamedTuple

import torch

from gpt2kit.model.device import native_bf16


class Found(NamedTuple):
    """One device."""

    device: torch.device
    name: str
    """What its maker calls it; of a CPU the vector instructions that torch uses."""
    memory: int
    """Bytes of its own; 0 where it shares those of the machine."""
    bf16: bool
    """Whether the hardware computes it."""


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
    """How many torch computes with on the CPU."""
    return torch.get_num_threads()
