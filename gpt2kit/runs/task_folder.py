"""Base class of prepared folders and runs: task.json and a tokenizer, which must match."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Self

from gpt2kit import digests, files, recipe, tasks
from gpt2kit.errors import DataError
from gpt2kit.tasks.base import Task

TASK_FILE = "task.json"
COPIED = ("tokenizer_config.json",)
"""Files of Hugging Face's, which gpt2kit copies with the tokenizer and does not read."""


@dataclass(frozen=True)
class TaskFolder:
    """A folder with a task and its tokenizer. The constructor reads nothing."""

    path: Path
    expected: ClassVar[str] = "a folder with a task"
    mark: ClassVar[str] = TASK_FILE
    """A file that a folder of another kind does not have."""

    @classmethod
    def open(cls, path: str | Path) -> Self:
        """Open a folder with its task, which is read and checked now. Raises the errors of `task`."""
        folder = cls(Path(path))
        _ = folder.task
        return folder

    @cached_property
    def _file(self) -> dict[str, Any]:
        return files.read_json(self.path / TASK_FILE)

    @cached_property
    def _described(self) -> tuple[str, Task[Any, Any], tuple[str, int]]:
        if not self.path.is_dir():
            raise DataError(f"{self.path} is not a directory; expected {self.expected}")
        if missing := [name for name in (TASK_FILE, self.mark) if not (self.path / name).exists()]:
            raise DataError(f"{self.path} has no {missing[0]}; expected {self.expected}")
        described = self._file
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
        if not found.has_fingerprint(fingerprint) or found.size != vocab_size:
            raise DataError(
                f"{self.path}: its tokenizer is {found.fingerprint()} with {found.size} tokens, but its ids were made "
                f"with {fingerprint} of {vocab_size} tokens, as {TASK_FILE} says: the tokenizer files were replaced"
            )
        if self._file.get(digests.KEY, (known := _settings_digest(self._file))) != known:
            raise DataError(
                f"{self.path / TASK_FILE} is damaged: its settings are not as gpt2kit wrote them; if you changed them "
                f"on purpose, delete the key {digests.KEY!r}"
            )
        return self.unchecked_task

    def check_copied(self) -> None:
        """Raises DataError if a file that is copied from folder to folder, but read by other programs alone, is not as
        gpt2kit wrote it. Folders of older versions do not say."""
        for name, expected in self._file.get("copied", {}).items():
            path = self.path / name
            if not path.is_file() or digests.of_bytes(path.read_bytes()) != expected:
                raise DataError(
                    f"{path} is damaged or missing: it is not as gpt2kit wrote it; if you changed it on purpose, "
                    f"delete the key 'copied' of {TASK_FILE}"
                )


def _settings_digest(described: dict[str, Any]) -> str:
    """The digest of what no other file confirms; the tokenizer has its own fingerprint."""
    return digests.of_settings([described["task"], described["settings"]])


def save_task(folder: Path, name: str, task: Task[Any, Any]) -> None:
    """Write task.json next to the files of the tokenizer."""
    made = {"vocab_size": task.vocabulary.size, "fingerprint": task.vocabulary.fingerprint()}
    described = {"task": name, "settings": recipe.values(task), **made}
    paths = [folder / name for name in COPIED if (folder / name).is_file()]
    described["copied"] = {path.name: digests.of_bytes(path.read_bytes()) for path in paths}
    files.write_json(folder / TASK_FILE, described | {digests.KEY: _settings_digest(described)})
