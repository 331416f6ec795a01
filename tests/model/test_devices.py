"""The devices that torch finds, on this machine and on pretended ones."""

from types import SimpleNamespace

import pytest
import torch

from gpt2kit.model.device import native_bf16
from gpt2kit.model.devices import inventory, threads


def test_the_cpu_is_always_there() -> None:
    first = inventory()[0]
    assert first.device == torch.device("cpu")
    assert first.name == torch.backends.cpu.get_cpu_capability()
    assert first.bf16 == native_bf16(first.device)
    assert threads() == torch.get_num_threads() == 1


def test_every_gpu_is_found_with_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = [SimpleNamespace(name="A", total_memory=80 << 30), SimpleNamespace(name="B", total_memory=24 << 30)]
    asked: list[int] = []

    class Entered:
        def __init__(self, device: torch.device) -> None:
            asked.append(device.index)

        def __enter__(self) -> None:
            pass

        def __exit__(self, *_: object) -> None:
            pass

    monkeypatch.setattr("torch.cuda.is_available", lambda: True)
    monkeypatch.setattr("torch.cuda.device_count", lambda: 2)
    monkeypatch.setattr("torch.cuda.device", Entered)
    monkeypatch.setattr("torch.cuda.get_device_properties", cards.__getitem__)
    monkeypatch.setattr("torch.cuda.is_bf16_supported", lambda including_emulation: asked[-1] == 0)
    found = inventory()[1:3]
    assert [(each.name, each.memory, each.bf16) for each in found] == [("A", 80 << 30, True), ("B", 24 << 30, False)]
    assert [str(each.device) for each in found] == ["cuda:0", "cuda:1"]
