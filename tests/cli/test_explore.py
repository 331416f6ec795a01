"""`gpt2kit explore`: it says where it is, answers there, and ends by Ctrl-C without a word too many."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from gpt2kit.cli.app import run

RunOf = Callable[[str], Path]


def test_it_serves_until_it_is_stopped(run_of: RunOf) -> None:
    words = ["explore", str(run_of("lm")), "The robot", "--compare", str(run_of("lm")), "--json"]
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    process = subprocess.Popen(
        [sys.executable, "-m", "gpt2kit", *words],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # a shell's background jobs ignore it
    )
    assert process.stdout is not None
    try:
        address = json.loads(process.stdout.readline())["url"]
        assert address.startswith("http://127.0.0.1:")
        connection = http.client.HTTPConnection(address.removeprefix("http://").rstrip("/"), timeout=30)
        connection.request("GET", "/")
        assert "The robot" in connection.getresponse().read().decode()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)  # a browser's connection is still open
        connection.close()
    finally:
        process.kill()
    assert process.returncode == 130
    assert out == b""
    assert err.decode().splitlines() == ["open this address in a browser on this machine; Ctrl-C ends"]


def test_models_of_two_tasks_are_not_compared(run_of: RunOf, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explore", str(run_of("lm")), "--compare", str(run_of("translate"))]) == 2
    assert "a model of translate has other inputs than one of lm" in " ".join(capsys.readouterr().err.split())
