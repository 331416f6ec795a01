"""`transformers serve` answers for a run folder, on a port of this machine that the system has chosen."""

import json
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.pipeline.opening import load

PATIENCE = 60.0
"""Seconds until the server listens, on a busy machine."""

for needed in ("fastapi", "uvicorn", "openai"):
    pytest.importorskip(needed)


@pytest.fixture
def port(by_heart: Path) -> Iterator[int]:
    """The port of a server for one run, which is stopped in any case."""
    from transformers.cli.serve import Serve

    serving = Serve(str(by_heart), host="127.0.0.1", port=0, device="cpu", non_blocking=True)
    try:
        end = time.monotonic() + PATIENCE
        while not serving.server.started:
            assert time.monotonic() < end, "it does not start"
            time.sleep(0.01)
        ((listening,),) = (server.sockets for server in serving.server.servers)
        yield listening.getsockname()[1]
    finally:
        serving.kill_server()
        serving._thread.join(PATIENCE)
        assert not serving._thread.is_alive()


def ask(port: int, body: dict[str, Any]) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    try:
        connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
        return response.status, json.loads(content) if response.status == 200 else content
    finally:
        connection.close()


def test_its_completions_are_the_greedy_answers(by_heart: Path, port: int) -> None:
    ours = load(by_heart, {"max_ratio": 0.0, "max_new_tokens": 20})
    for text in ("I am a student", "good", "they eat a good apple"):
        status, told = ask(port, {"model": str(by_heart), "prompt": f"{text}<to-fr>", "max_tokens": 20})
        assert (status, told["choices"][0]["text"]) == (200, ours(text))
