"""`transformers serve` answers for run folders, on a port of this machine that the system has chosen."""

import importlib.util
import json
import time
from collections.abc import Callable, Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.pipeline.merge import merge
from gpt2kit.pipeline.opening import load

RunOf = Callable[..., Path]

PATIENCE = 180.0
"""Seconds until the server listens or answers, on a slow and busy machine."""

NEEDED = ("fastapi", "uvicorn", "openai")
"""They take a second to import: not each worker has to."""

pytestmark = pytest.mark.skipif(not all(map(importlib.util.find_spec, NEEDED)), reason="needs transformers[serving]")


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server that takes any run, and is stopped in any case."""
    from transformers.cli.serve import Serve

    serving = Serve(host="127.0.0.1", port=0, device="cpu", trust_remote_code=True, non_blocking=True)
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


def ask(port: int, run: Path, prompt: str) -> tuple[int, Any]:
    connection = HTTPConnection("127.0.0.1", port, timeout=PATIENCE)
    body = {"model": str(run), "prompt": prompt, "max_tokens": 20}
    try:
        connection.request("POST", "/v1/completions", json.dumps(body), {"Content-Type": "application/json"})
        response = connection.getresponse()
        content = response.read()
        return response.status, json.loads(content) if response.status == 200 else content
    finally:
        connection.close()


def test_its_completions_are_the_greedy_answers(by_heart: Path, run_of: RunOf, tmp_path: Path, port: int) -> None:
    adapted = run_of("translate", "train.lora=2", init=run_of("translate"))
    merge(adapted, tmp_path / "merged")
    asked = [
        *((by_heart, text) for text in ("I am a student", "good", "they eat a good apple")),
        (run_of("lm"), "The robot"),
        (tmp_path / "merged", "good"),
    ]
    for run, text in asked:
        ours = load(run, {"max_ratio": 0.0, "max_new_tokens": 20})
        status, told = ask(port, run, f"{text}{'' if run == run_of('lm') else '<to-fr>'}")
        assert (status, told["choices"][0]["text"]) == (200, ours(text))
    local = run_of("translate", "model.attention=local", "model.block=16")
    for run in (adapted, local, run_of("labelled")):  # the page says so
        status, told = ask(port, run, "good")
        assert (status, told) == (500, b"Internal Server Error")
