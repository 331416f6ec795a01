"""Speeds that are measured, and what training and generating would take on this machine and on others."""

from collections.abc import Callable

import pytest
import torch

from gpt2kit.doctor import devices
from gpt2kit.model.device import native_bf16
from gpt2kit.model.devices import Found
from gpt2kit.training import compiler

CPU, GPU = torch.device("cpu"), torch.device("cuda", 0)

Pretend = Callable[..., None]


@pytest.fixture
def pretend(monkeypatch: pytest.MonkeyPatch) -> Pretend:
    """`pretend(gpus=1, bf16=True, speed=1e12)`: the machine, to the module."""

    def machine(gpus: int = 0, bf16: bool = False, speed: float = 1e11, lacking: str | None = None) -> None:
        found = [Found(CPU, "AVX2", 0, bf16)]
        found += [Found(torch.device("cuda", n), "Card", 80 * 10**9, bf16) for n in range(gpus)]
        monkeypatch.setattr(devices, "inventory", lambda: found)
        monkeypatch.setattr(devices, "pick_device", lambda name: GPU if gpus else CPU)
        monkeypatch.setattr(devices, "pick_dtype", lambda name, device: "bf16" if bf16 else "fp32")
        monkeypatch.setattr(devices, "peak", lambda device, dtype: speed * (2 if dtype == "bf16" else 1))
        monkeypatch.setattr(compiler, "lacking", lambda: lacking)

    return machine


def test_this_machine_s_cpu_is_measured() -> None:
    found = devices.devices()[0]
    speeds = found.facts["flop_per_second"]
    assert found.name == "cpu"
    assert speeds.keys() == ({"fp32", "bf16"} if native_bf16(CPU) else {"fp32"})
    assert min(speeds.values()) > 1e8
    assert found.facts["threads"] == 1


def test_a_gpu_has_memory_and_the_cpu_threads(pretend: Pretend) -> None:
    pretend(gpus=1, bf16=True, speed=2e12)
    assert [each.found for each in devices.devices()] == [
        "AVX2, 1 thread, fp32 2.0 TFLOP/s, bf16 4.0 TFLOP/s",
        "Card, 80.0 GB, fp32 2.0 TFLOP/s, bf16 4.0 TFLOP/s",
    ]
    pretend(speed=5e10)
    assert devices.devices()[0].found == "AVX2, 1 thread, fp32 50 GFLOP/s; no native bf16"


def test_what_training_takes(pretend: Pretend) -> None:
    """134 tokens a second are 1e11 FLOP over 6 for each of 124,439,808 weights, 83 minutes 2e14 at two fifths of it."""
    pretend()
    assert devices.training().found == (
        "in fp32 on cpu, with torch.compile if a run is longer than about 83 minutes; "
        "at most 134 tokens a second for GPT-2 124M"
    )
    pretend(lacking="no compiler")
    assert "in fp32 on cpu, without torch.compile; at most" in devices.training().found
    pretend(gpus=2, bf16=True, speed=3e14, lacking="no compiler")
    told = devices.training()
    assert told.found.startswith("in bf16 on cuda:0, with torch.compile; at most 803,601 tokens")
    assert told.found.endswith("; --devices 2 uses all GPUs")


def test_what_generating_takes(pretend: Pretend) -> None:
    pretend()
    assert devices.generating().found == "in fp32 on cpu"
    pretend(bf16=True)
    assert devices.generating().found == "in bf16 on cpu, to sample in fp32"
    pretend(gpus=1, bf16=True)
    assert devices.generating().found == "in bf16 on cuda:0"
