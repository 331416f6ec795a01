"""Which device and which arithmetic are taken, and what is refused."""

import platform
from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch

from gpt2kit.errors import MachineError
from gpt2kit.model.device import autocast, native_bf16, pick_device, pick_dtype


class Machine:
    """A pretended machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.monkeypatch = monkeypatch

    def has(self, cuda: int = 0, mps: bool = False, bf16: bool = False, vnni: bool = False) -> None:
        self.monkeypatch.setattr("torch.cuda.is_available", lambda: cuda > 0)
        self.monkeypatch.setattr("torch.cuda.device_count", lambda: cuda)
        self.monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation: bf16)
        self.monkeypatch.setattr("torch.backends.mps.is_available", lambda: mps)
        self.monkeypatch.setattr(
            "torch.cpu.get_capabilities", lambda: {"avx512_bf16": bf16, "avx512_vnni": vnni}, raising=False
        )


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    return Machine(monkeypatch)


def test_auto_takes_the_best_there_is(machine: Machine) -> None:
    machine.has()
    assert pick_device("auto") == torch.device("cpu")
    machine.has(mps=True)
    assert pick_device("auto") == torch.device("mps")
    machine.has(cuda=1, mps=True)
    assert pick_device("auto") == torch.device("cuda")


def test_a_named_device_is_taken(machine: Machine) -> None:
    machine.has(cuda=2)
    assert pick_device("cpu") == torch.device("cpu")
    assert pick_device("cuda:1") == torch.device("cuda", 1)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gpu", "expected auto, cpu, cuda, cuda:1 or mps"),
        ("", "expected auto, cpu"),
        ("mps", "torch finds no such device here"),
        ("meta", "torch finds no such device here"),
        ("cuda:2", "the last CUDA device of this machine is cuda:1"),
    ],
)
def test_a_device_that_is_not_there_is_refused(machine: Machine, name: str, message: str) -> None:
    machine.has(cuda=2)
    with pytest.raises(MachineError, match=message):
        pick_device(name)


def test_cuda_without_a_gpu_is_refused(machine: Machine) -> None:
    machine.has()
    with pytest.raises(MachineError, match="device = 'cuda': torch finds no such device here"):
        pick_device("cuda")


@pytest.mark.parametrize("device", ["cpu", "cuda"])
def test_bf16_where_it_is_native(machine: Machine, device: str) -> None:
    machine.has(cuda=1, bf16=True)
    assert pick_dtype("auto", torch.device(device)) == pick_dtype("bf16", torch.device(device)) == "bf16"
    assert pick_dtype("fp32", torch.device(device)) == "fp32"


@pytest.mark.parametrize("device", ["cpu", "cuda", "mps"])
def test_bf16_is_never_emulated(machine: Machine, device: str) -> None:
    machine.has(cuda=1, mps=True, bf16=False)
    assert not native_bf16(torch.device(device))
    assert pick_dtype("auto", torch.device(device)) == "fp32"
    with pytest.raises(MachineError, match="bf16"):
        pick_dtype("bf16", torch.device(device))


def test_int8_is_for_cpus_that_multiply_8_bit_numbers(machine: Machine) -> None:
    machine.has(cuda=1, vnni=True)
    assert pick_dtype("int8", torch.device("cpu")) == "int8"
    with pytest.raises(MachineError, match=r"dtype = int8: cuda .* for CPUs; accepted here: auto and fp32"):
        pick_dtype("int8", torch.device("cuda"))
    machine.has(bf16=True)
    with pytest.raises(MachineError, match=r"dtype = int8: .* AVX512-VNNI .*; accepted here: auto, bf16 and fp32"):
        pick_dtype("int8", torch.device("cpu"))


def test_int8_needs_the_kernel_of_torch(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    machine.has(vnni=True)
    monkeypatch.setattr("torch.backends.quantized", SimpleNamespace(supported_engines=["qnnpack"]))
    with pytest.raises(MachineError, match=r"dtype = int8: torch .* has no kernel for 8-bit weights"):
        pick_dtype("int8", torch.device("cpu"))


def test_an_old_torch_that_cannot_tell_takes_fp32(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("torch.cpu.get_capabilities", raising=False)
    assert pick_dtype("auto", torch.device("cpu")) == "fp32"


def test_autocast_computes_products_in_what_was_picked() -> None:
    x = torch.randn(2, 2)
    for dtype, expected in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        with autocast(torch.device("cpu"), dtype):
            assert (x @ x).dtype == expected


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this is about glibc")
def test_freed_memory_is_kept(fresh: Callable[..., str]) -> None:
    """In a process of its own: the setting is the whole process's. 256 MB stay resident after they are freed."""
    code = """
import pathlib, sys, torch
from gpt2kit.model.device import keep_memory
if sys.argv[1] == "kept":
    keep_memory(torch.device("cpu"))
resident = lambda: int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096
before = resident()
torch.ones(1 << 26)
print(resident() - before)
"""
    grown = {mode: int(fresh(code, mode)) for mode in ("kept", "returned")}
    assert grown["kept"] > 250e6
    assert grown["returned"] < 50e6


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="this is about glibc")
def test_kept_memory_is_released(fresh: Callable[..., str]) -> None:
    code = """
import pathlib, torch
from gpt2kit.model.device import keep_memory, release_memory
keep_memory(torch.device("cpu"))
resident = lambda: int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * 4096
before = resident()
torch.ones(1 << 26)
kept = resident()
release_memory(torch.device("cpu"))
print(kept - before, resident() - before)
"""
    kept, left = map(int, fresh(code).split())
    assert kept > 250e6
    assert left < 50e6
