"""One file per task, named as on the command line. Listing the names does not import the tasks."""

import importlib
import inspect
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from gpt2kit.errors import UserError
from gpt2kit.tasks.base import Task

BASES = ("__init__", "about", "asking", "base", "record", "text", "vocabulary")
"""Files of this folder that are not tasks."""

PLAIN = "lm"
"""The task of a GPT-2 that is not a run."""


def names() -> list[str]:
    """All task names, from the files in this folder."""
    return sorted(path.stem for path in Path(__file__).parent.glob("*.py") if path.stem not in BASES)


def find(name: str) -> type[Task[Any, Any]]:
    """The Task class of a task's file, not counting its subclasses there."""
    if name not in names():
        close = get_close_matches(name, names(), 1)
        hint = f"did you mean {close[0]}? " if close else ""
        raise UserError(f"unknown task {name!r}; {hint}accepted: {', '.join(names())}")
    module = importlib.import_module(f"{__name__}.{name}")
    found = [
        value
        for value in vars(module).values()
        if inspect.isclass(value) and issubclass(value, Task) and value.__module__ == module.__name__
    ]
    found = [kind for kind in found if not any(issubclass(kind, other) for other in found if other is not kind)]
    if len(found) != 1:
        raise TypeError(f"{module.__file__} must define exactly one Task, it defines {len(found)}")
    return found[0]
