"""What a prepared folder and a run folder say of themselves: the task, its settings, and which tokenizer it means."""

from pathlib import Path
from typing import Any

from gpt2kit import files, recipe, tasks
from gpt2kit.errors import DataError
from gpt2kit.tasks.base import Task

TASK_FILE = "task.json"


def save_task(folder: Path, name: str, task: Task[Any, Any]) -> None:
    settings = recipe.values(task)
    described = {"task": name, "settings": settings, "vocab_size": task.vocab_size, "fingerprint": task.fingerprint()}
    files.write_json(folder / TASK_FILE, described)


def load_task(folder: Path) -> tuple[str, Task[Any, Any]]:
    """The task of a prepared folder or a run. Raises DataError when its tokenizer is not the one it was made with."""
    if not folder.is_dir():
        raise DataError(f"{folder} is no folder")
    described = files.read_json(folder / TASK_FILE)
    try:
        name, settings = described["task"], described["settings"]
        fingerprint, vocab_size = described["fingerprint"], described["vocab_size"]
    except KeyError as error:
        raise DataError(f"{folder / TASK_FILE}: {error} is missing") from None
    task = recipe.build_section(tasks.find(name), "task", settings).opened(folder)
    if (task.fingerprint(), task.vocab_size) != (fingerprint, vocab_size):
        raise DataError(
            f"{folder}: its tokenizer is not the one that its ids were made with ({task.fingerprint()} with "
            f"{task.vocab_size} tokens, {TASK_FILE} says {fingerprint} with {vocab_size})"
        )
    return name, task
