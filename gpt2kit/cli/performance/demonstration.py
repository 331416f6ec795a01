"""The piece that `gpt2kit demo` plays."""

from pathlib import Path
from typing import TYPE_CHECKING

from gpt2kit.cli import console
from gpt2kit.cli.performance import outputs

if TYPE_CHECKING:
    from gpt2kit.pipeline.engine import Engine

DEMO_SECONDS = 30.0
LEAST_GAP, MOST_GAP = 0.2, 5.0
"""Seconds of the piece that are replaced in an example."""


def demonstrate(task: str, engine: "Engine", run: Path) -> tuple[str, bool]:
    """Play a piece into the run folder; returns commands to try next, and whether the piece is as long as intended."""
    from gpt2kit.music.notes import Notes
    from gpt2kit.pipeline.play import piece, play, shortfall

    path = run / "piece.mid"
    (result,) = play(engine, Notes.none(), DEMO_SECONDS, 1)
    console.say("")
    outputs.written(path, piece(engine, result), sound=".wav")
    if lacking := shortfall(result, DEMO_SECONDS):
        console.say(f"{path}: {lacking}")
    following = (
        f"  gpt2kit {task} render {path} --run {run}\n"
        f"  gpt2kit {task} generate --run {run} --seconds 60 --out new.mid\n"
        f"{_between_notes(task, engine, path, run)}"
        f"  gpt2kit {task} prepare {engine.task.about.corpus} --out data/mine\n"
        f"  gpt2kit {task} train data/mine --out runs/mine"
    )
    return following, not lacking


def _between_notes(task: str, engine: "Engine", path: Path, run: Path) -> str:
    """The commands that add notes to the piece, if the run has learned it."""
    from gpt2kit.errors import UserError
    from gpt2kit.music.midi import read_midi
    from gpt2kit.pipeline.fill import check_trained

    third = round(read_midi(path).notes.duration / 3, 1)
    try:
        check_trained(engine)
    except UserError:
        return ""
    if third < LEAST_GAP:
        return ""
    gap = f"--from {third:g} --to {round(third + min(third, MOST_GAP), 1):g}"
    return (
        f"  gpt2kit {task} infill {path} {gap} --run {run} --samples 3\n"
        f"  gpt2kit {task} accompany {path} --tune-only --run {run}\n"
    )
