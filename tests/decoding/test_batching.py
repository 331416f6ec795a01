"""Prompts are answered together as far as memory goes, the longest first, each of them once."""

from pathlib import Path

import pytest
import torch

from gpt2kit import system as allowance
from gpt2kit.config import GenerateConfig, ModelConfig
from gpt2kit.decoding.batching import MOST_ROWS, SHARE_OF_MEMORY, UNKNOWN_MEMORY, batches, free_memory, row_bytes
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.model.inference import InferenceGPT2

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def model() -> InferenceGPT2:
    return InferenceGPT2(GPT2(ModelConfig(n_layer=1, n_head=1, n_embd=8, n_positions=32), 16), "fp32")


def test_as_many_rows_as_memory_holds(model: InferenceGPT2, monkeypatch: pytest.MonkeyPatch) -> None:
    config = GenerateConfig(max_new_tokens=4)
    free = int(3.5 * row_bytes(model, 5 + 4) / SHARE_OF_MEMORY)
    monkeypatch.setattr(allowance, "memory", lambda: (2 * free, free))
    found = list(batches(model, [1, 5, 2, 4, 3, 5, 1], config))
    assert len(found[0]) == 3
    assert {1, 5} < set(found[0])
    assert sorted(index for batch in found for index in batch) == list(range(7))


def test_what_the_system_does_not_tell(model: InferenceGPT2, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(allowance, "memory", lambda: None)
    assert free_memory(CPU) == UNKNOWN_MEMORY
    assert len(next(batches(model, [1] * 999, GenerateConfig()))) == MOST_ROWS


def test_files_that_were_read_leave_memory_free(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Linux keeps them in memory that it gives away again: it is not MemFree that counts."""
    (tmp_path / "meminfo").write_text("MemTotal: 1000 kB\nMemFree: 10 kB\nMemAvailable: 600 kB\n")
    monkeypatch.setattr(allowance, "MEMORY", tmp_path / "meminfo")
    monkeypatch.setattr(allowance, "GROUPS", tmp_path)
    assert free_memory(CPU) == 600 * 1024
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "3")
    assert free_memory(CPU) == 200 * 1024
