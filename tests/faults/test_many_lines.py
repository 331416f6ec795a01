"""Many long lines from a file: answered as they come, in memory that does not grow with them."""

from collections.abc import Callable
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="reads /proc")

LINES = 25_000
ROOM = 24 << 20
"""Bytes that memory may grow by between the first answers and the last; all lines together take twice as much."""

SCRIPT = """
import os, sys
from gpt2kit.cli import console
from gpt2kit.cli.app import run

count, first = 0, 0

def memory():
    with open("/proc/self/statm") as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")

def result(text):
    global count, first
    count += 1
    if count == 6_000:
        first = memory()

console.result = result
code = run(sys.argv[1:])
sys.stdout.write(f"{code} {count} {memory() - first}")
"""


def test_memory_does_not_grow_with_the_lines(by_heart: Path, tmp_path: Path, fresh: Callable[..., str]) -> None:
    """Lines of all kinds; the longest, tags alone, need no model, and would be seen if they were kept."""
    with (tmp_path / "lines").open("w", encoding="utf-8") as file:
        for number in range(LINES):
            long = "word " * 100 if number % 50 == 0 else ""
            file.write("\n" if number % 7 == 0 else f"<x{number:04800}>\n" if number % 2 else f"good {long}{number}\n")
    words = ["translate", "generate", "--run", str(by_heart), "--set", "generate.max_new_tokens=1"]
    code, count, growth = map(int, fresh(SCRIPT, *words, stdin=tmp_path / "lines").split())
    assert (code, count) == (0, LINES)
    assert growth < ROOM < (tmp_path / "lines").stat().st_size / 2
