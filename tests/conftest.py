"""What all tests share: one thread, no network, tiny models and corpora."""

import os
import socket
from pathlib import Path
from typing import Any

import pytest

os.environ["HF_HUB_OFFLINE"] = "1"

import torch  # noqa: E402  # after the switch that it and the Hub's client read

SHARED = Path(__file__).resolve().parents[1].parent / "shared" / "data"


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Tiny models are faster on one thread."""
    torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that reaches for the network fails."""

    def refuse(self: socket.socket, address: Any) -> None:
        raise AssertionError(f"a test wanted to connect to {address}")

    monkeypatch.setattr(socket.socket, "connect", refuse)


def shared(name: str) -> Path:
    """A file of the real data; the test skips where that is absent."""
    path = SHARED / name
    if not path.exists():
        pytest.skip(f"real data is not here: {path.name} of ../shared/data")
    return path
