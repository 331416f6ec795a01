"""Where the states of a sharded run are: `states/step-000300`, of which only complete ones have that name."""

import re
from pathlib import Path

from gpt2kit import files

FOLDER = "states"
NAME = re.compile(r"step-(\d+)")
LEFT = ".step-*.tmp"
"""Names of states whose writers were killed."""


def path_of(run: Path, step: int) -> Path:
    """The folder of the state after a step."""
    return run / FOLDER / f"step-{step:06d}"


def step_of(path: Path) -> int:
    """The step of a state's folder."""
    return int(path.name.removeprefix("step-"))


def newest(run: Path) -> Path | None:
    """The newest complete state; None without any."""
    return max(_complete(run / FOLDER), key=step_of, default=None)


def remove_old(path: Path, last: int) -> None:
    """Keep the `last` states up to that of `path`; remove the others, each in one step."""
    older = [each for each in _complete(path.parent) if step_of(each) <= step_of(path)]
    for old in sorted(older, key=step_of)[:-last]:
        files.remove_folder(old)


def remove_leftovers(folder: Path) -> None:
    """Remove states that were not completed; nothing else may be writing one."""
    for left in folder.glob(LEFT):
        files.remove_folder(left)


def remove(run: Path) -> None:
    """Remove all states of a run, and what killed writers left of others."""
    folder = run / FOLDER
    if folder.is_dir():
        remove_leftovers(folder)
        for each in _complete(folder):
            files.remove_folder(each)
        if not any(folder.iterdir()):
            folder.rmdir()


def _complete(folder: Path) -> list[Path]:
    return [path for path in folder.glob("step-*") if NAME.fullmatch(path.name) and path.is_dir()]
