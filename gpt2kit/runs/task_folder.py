"""Base class of prepared folders and runs: task.json and a tokenizer, which must match."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from gpt2kit import files, recipe, tasks
from gpt2kit.errors import DataError
from gpt2kit.tasks.base import Task

TASK_FILE = "task.json"


@dataclass(frozen=True)
class TaskFolder:
    """A folder with a task and its tokenizer. The constructor reads nothing."""

    path: Path
    expected: ClassVar[str] = "a folder with a task"

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open a folder with its task, which is read and checked now. Raises the errors of `task`."""
        folder = cls(Path(path))
        _ = folder.task
        return folder

    @cached_property
    def _described(self) -> tuple[str, Task[Any, Any], tuple[str, int]]:
        if not self.path.is_dir():
            raise DataError(f"{self.path} is not a directory; expected {self.expected}")
        described = files.read_json(self.path / TASK_FILE)
        try:
            name, settings = described["task"], described["settings"]
            made_with = (described["fingerprint"], described["vocab_size"])
        except KeyError as error:
            raise DataError(f"{self.path / TASK_FILE}: {error} is missing") from None
        if not (isinstance(name, str) and isinstance(settings, dict)):
            raise DataError(f"{self.path / TASK_FILE} is damaged: expected a string for task, an object for settings")
        task = recipe.build_section(tasks.find(name), "task", settings).specialize().opened(self.path)
        return name, task, made_with

    @property
    def task_name(self) -> str:
        return self._described[0]

    @property
    def unchecked_task(self) -> Task[Any, Any]:
        """The task with the tokenizer that is in the folder now, which may differ from `made_with`."""
        return self._described[1]

    @property
    def made_with(self) -> tuple[str, int]:
        """The fingerprint and the size of the tokenizer that encoded the ids."""
        return self._described[2]

    @cached_property
    def task(self) -> Task[Any, Any]:
        """The task. Raises DataError for a folder without one, or if its tokenizer did not encode its ids."""
        found = self.unchecked_task.vocabulary
        fingerprint, vocab_size = self.made_with
        if (found.fingerprint(), found.size) != (fingerprint, vocab_size):
            raise DataError(
                f"{self.path}: its tokenizer is {found.fingerprint()} with {found.size} tokens, but its ids were made "
                f"with {fingerprint} of {vocab_size} tokens, as {TASK_FILE} says: the tokenizer files were replaced"
            )
        return self.unchecked_task


def save_task(folder: Path, name: str, task: Task[Any, Any]) -> None:
    """Write task.json next to the files of the tokenizer."""
    made = {"vocab_size": task.vocabulary.size, "fingerprint": task.vocabulary.fingerprint()}
    files.write_json(folder / TASK_FILE, {"task": name, "settings": recipe.values(task), **made})
