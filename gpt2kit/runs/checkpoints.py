"""The checkpoints that a run keeps while it is trained: complete run folders, `checkpoints/step-000300`."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

from gpt2kit import files
from gpt2kit.errors import DataError, counted
from gpt2kit.runs import copying
from gpt2kit.runs.card import write as card
from gpt2kit.runs.card.write import CARD_FILE
from gpt2kit.runs.folder import CHECKPOINT, RUN_FILE, SCORES_FILE, Run
from gpt2kit.runs.kinds import RUN

FOLDER = "checkpoints"
NAME = re.compile(r"step-(\d+)")


def path_of(run: Run, step: int) -> Path:
    """The folder of the checkpoint after a step."""
    return run.path / FOLDER / f"step-{step:06d}"


def steps_of(run: Run) -> list[int]:
    """The steps of the checkpoints that training has written and nobody else has added files to."""
    found = (NAME.fullmatch(path.name) for path in (run.path / FOLDER).glob("step-*"))
    return sorted(step for match in found if match and _is_ours(run, step := int(match[1])))


def save(run: Run, step: int, write_model: Callable[[Path], None]) -> None:
    """Write a checkpoint with the model of `write_model`; one of the same step, which is repeated, is replaced.

    The process must hold the run folder. A folder of this name with files of the user's stays as it is.
    """
    for leftover in (run.path / FOLDER).glob(".step-*.tmp"):
        shutil.rmtree(leftover, ignore_errors=True)
    path = path_of(run, step)
    if path.exists() and not _is_ours(run, step):
        return
    with files.new_folder(path, overwrite=True) as new:
        copying.copy_files(run, new, (SCORES_FILE, CARD_FILE), finished=False, **{CHECKPOINT: step})
        write_model(new)
    card.write(Run(path))


def remove_old(run: Run, step: int, last: int, best: int | None) -> None:
    """Keep the last checkpoints up to a step, and the best one; remove the others, each in one step."""
    steps = [each for each in steps_of(run) if each <= step]
    for old in set(steps) - {*steps[-last:], best}:
        files.remove_folder(path_of(run, old))


def summary(run: Run) -> str:
    """Where the last and the best checkpoint are; empty without any."""
    steps = steps_of(run)
    if not steps:
        return ""
    best = run.log.best_step(steps[-1])
    named = f"; the best is {path_of(run, best).name}" if best in steps and best is not None else ""
    return (
        f"{counted(len(steps), 'checkpoint')} in {run.path / FOLDER}: the last is {path_of(run, steps[-1]).name}{named}"
    )


def _is_ours(run: Run, step: int) -> bool:
    path = path_of(run, step)
    try:
        described = files.read_json(path / RUN_FILE)
    except DataError:
        return False
    return described.get(CHECKPOINT) == step and not any(RUN.foreign(path))
