"""`gpt2kit explore`: it says where it is, answers there, and ends by Ctrl-C without a word too many."""

import http.client
import json
import signal
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from gpt2kit.cli.app import run

RunOf = Callable[[str], Path]


def test_it_serves_until_it_is_stopped(run_of: RunOf, command: Callable[[Sequence[str]], Any]) -> None:
    serving = command(["explore", str(run_of("lm")), "The robot", "--compare", str(run_of("lm")), "--json"])
    for _ in range(18000):
        if serving.stdout.is_file() and serving.stdout.read_text(encoding="utf-8").endswith("\n"):
            break
        time.sleep(0.01)
    told = serving.stdout.read_text(encoding="utf-8")
    address = json.loads(told)["url"]
    assert address.startswith("http://127.0.0.1:")
    connection = http.client.HTTPConnection(address.removeprefix("http://").rstrip("/"), timeout=180)
    connection.request("GET", "/")
    assert "The robot" in connection.getresponse().read().decode()
    serving.send(signal.SIGINT)
    assert serving.wait() == 130  # a browser's connection is still open
    connection.close()
    assert serving.stdout.read_text(encoding="utf-8") == told
    said = serving.stderr.read_text(encoding="utf-8")
    assert said.splitlines() == ["open this address in a browser on this machine; Ctrl-C ends"]


def test_models_of_two_tasks_are_not_compared(run_of: RunOf, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["explore", str(run_of("lm")), "--compare", str(run_of("translate"))]) == 2
    assert "a model of translate has other inputs than one of lm" in " ".join(capsys.readouterr().err.split())
