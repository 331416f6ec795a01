"""Whole commands that take turns: every one is started from the shell in every round, so that their ratios hold on a
machine whose speed drifts."""

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from typing import Any

from turns import say


def take_turns(commands: Mapping[str, Sequence[str]], rounds: int) -> tuple[dict[str, list[float]], dict[str, str]]:
    """Seconds that each command takes from its start to its end, in each round, and what it prints; one round before
    them is not counted, as it reads files into memory and writes compiled modules."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    found: dict[str, list[float]] = {name: [] for name in commands}
    printed: dict[str, str] = {}
    for number in range(rounds + 1):
        for name, words in commands.items():
            started = time.perf_counter()
            done = subprocess.run(words, env=environment, capture_output=True, text=True, encoding="utf-8")
            seconds = time.perf_counter() - started
            if done.returncode:
                sys.exit(f"{name} ended with code {done.returncode}: {done.stderr[-500:]}")
            printed[name] = done.stdout
            if number:
                found[name].append(seconds)
                say(f"round {number} of {rounds}: {name} {seconds:.2f} s")
    return found, printed


def figures(seconds: Mapping[str, Sequence[float]], base: str) -> dict[str, Any]:
    """Of each command the median and the spread of its seconds, and the median over rounds of its ratio to `base`."""
    return {
        name: {
            "seconds": round(statistics.median(own), 3),
            "spread": [round(min(own), 3), round(max(own), 3)],
            f"ratio to {base}": round(statistics.median(map(float.__truediv__, own, seconds[base])), 3),
        }
        for name, own in seconds.items()
    }
