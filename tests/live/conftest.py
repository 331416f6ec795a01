"""What the tests of the engine share: one process of Node in which it runs."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import pytest

from gpt2kit.live.scripts import engine_script

DRIVER = Path(__file__).parent / "engine_driver.js"


class EngineError(RuntimeError):
    """An error that the engine threw: its name and message."""


class EngineInNode:
    """The engine in Node. `engine("(a, b) => ...", 1, 2)` calls a function that sees all names of the engine."""

    def __init__(self, requests: IO[str], answers: IO[str]) -> None:
        self._requests, self._answers = requests, answers
        self._ask(engine_script())

    def __call__(self, function: str, *inputs: object) -> Any:
        """What a JavaScript function returns for these inputs, both as JSON."""
        return self._ask({"source": function, "inputs": inputs})

    def _ask(self, request: object) -> Any:
        self._requests.write(f"{json.dumps(request)}\n")
        self._requests.flush()
        line = self._answers.readline()
        assert line, "Node has ended"
        answer = json.loads(line)
        if "error" in answer:
            raise EngineError(answer["error"])
        return answer["value"]


@pytest.fixture(scope="session")
def engine() -> Iterator[EngineInNode]:
    node = shutil.which("node")
    if node is None:
        pytest.skip("Node.js is not installed")
    with subprocess.Popen(
        [node, DRIVER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield EngineInNode(process.stdin, process.stdout)
