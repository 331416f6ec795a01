"""Runs the model of an HTML page with Node.js, as a browser would.

Shapes: T positions, V vocabulary, C classes.
"""

import base64
import json
import re
import shutil
import subprocess
from collections.abc import Sequence
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from torch import Tensor

from gpt2kit.export.target import END, LABELS, LIMITS, WINDOW, Reader
from gpt2kit.selftest.probes import Ids

OLDEST = 20
"""The first version of Node.js with all that the page's script uses, such as regular expressions with sets."""

PATIENCE = 60
"""Seconds that a program may take to tell its version."""


def node() -> str | None:
    """The program, if it is installed and not too old. One that cannot start, such as an empty shim, is none."""
    program = shutil.which("node")
    if program is None:
        return None
    try:
        numbers = re.match(r"v(\d+)\.", version_of(program))
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    return program if numbers is not None and int(numbers[1]) >= OLDEST else None


def version_of(program: str) -> str:
    """What a Node says of itself, such as v20.1.0."""
    asked = subprocess.run([program, "--version"], capture_output=True, text=True, check=True, timeout=PATIENCE)
    return asked.stdout.strip()


class Node(Reader):
    """A page whose model answers in one process of Node; a context manager, which ends it."""

    exact = LIMITS["f32"]

    def __init__(self, path: Path) -> None:
        program = node()
        assert program is not None
        self.tool = f"Node.js {version_of(program).removeprefix('v')}"
        with as_file(files("gpt2kit") / "live/node.js") as driver:
            self.process = subprocess.Popen(
                [program, str(driver), str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                encoding="utf-8",
            )
            self.labels: tuple[str, ...] = tuple(self._ask("facts")["labels"])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.process.kill()
        self.process.communicate()

    def facts(self) -> dict[str, object]:
        said = self._ask("facts")
        return {WINDOW: said["window"], END: said["end"], LABELS: tuple(said["labels"])}

    def tokens(self) -> list[str] | None:
        found: list[str] | None = self._ask("tokens")
        return found

    def encode(self, texts: Sequence[str]) -> list[Ids]:
        found: list[Ids] = self._ask("encode", texts=list(texts))
        return found

    def logits(self, ids: Ids) -> Tensor:
        numbers = np.frombuffer(base64.b64decode(self._ask("logits", ids=[*ids])), "<f4")
        return torch.from_numpy(numbers.reshape(1 if self.labels else len(ids), -1).copy())

    def greedy(self, prompts: Sequence[Ids], new: int, stop: int) -> list[Ids]:
        found: list[Ids] = self._ask("greedy", prompts=[[*prompt] for prompt in prompts], most=new, stop=stop)
        return found

    def answers(self, inputs: Sequence[Sequence[str]], **settings: object) -> list[str]:
        """The texts that the page answers; each input is a list of texts, and settings are [generate] keys."""
        found: list[str] = self._ask("answers", inputs=[[*values] for values in inputs], settings=settings)
        return found

    def _ask(self, what: str, **question: object) -> Any:
        """Raises RuntimeError with the error of Node."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        try:
            self.process.stdin.write(json.dumps({"ask": what} | question) + "\n")
            self.process.stdin.flush()
            line = self.process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            _, said = self.process.communicate()
            errors = [each for each in said.splitlines() if "Error" in each]
            raise RuntimeError(f"{self.tool} has ended: {errors[0] if errors else said.strip()}")
        return json.loads(line)
