"""The process of a command: what it imports, and when it looks for garbage."""

from collections.abc import Callable
from pathlib import Path

import pytest

from gpt2kit import tasks

COMMAND = """
import gc, runpy, sys
sys.argv[0] = "gpt2kit"
collected = []
gc.callbacks.append(lambda phase, _: collected.append(phase))
try:
    runpy.run_module("gpt2kit", run_name="__main__", alter_sys=True)
except SystemExit as end:
    assert not end.code, end.code
"""
TASKS = COMMAND + "print(*sorted(name[14:] for name in sys.modules if name.startswith('gpt2kit.tasks.')))"
COLLECTED = """
from gpt2kit.__main__ import FIRST_COLLECTION
print(len(collected), 100_000 < gc.get_freeze_count() < FIRST_COLLECTION)
"""
LATE = """
import gc
from gpt2kit.__main__ import collect_later
usual = gc.get_threshold()
collect_later()
print(gc.get_threshold()[0] > usual[0], gc.get_threshold()[1:] == usual[1:])
gc.collect()
print(gc.get_threshold() == usual, gc.callbacks)
"""


@pytest.mark.parametrize("words", [["translate", "--help"], ["translate", "train", "-h"], ["export", "-h"], ["-h"]])
def test_a_command_imports_only_its_own_task(fresh: Callable[..., str], words: list[str]) -> None:
    imported = set(fresh(TASKS, *words).splitlines()[-1].split())
    expected = {"translate": {"translate"}, "export": set[str]()}.get(words[0], set(tasks.names()))
    assert imported & set(tasks.names()) == expected


def test_one_answer_needs_no_garbage_collection(run_of: Callable[..., Path], fresh: Callable[..., str]) -> None:
    """Neither while torch is imported nor before the process ends: each would take a fifth of the command's time."""
    printed = fresh(COMMAND + COLLECTED, "translate", "generate", "good morning", "--run", str(run_of("translate")))
    assert printed.splitlines()[-1] == "0 True"


def test_after_the_first_collection_the_others_come_as_usual(fresh: Callable[..., str]) -> None:
    assert fresh(LATE).splitlines() == ["True True", "True []"]
