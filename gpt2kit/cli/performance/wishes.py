"""Density and loudness on request: the options, and what was reached."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from gpt2kit.cli import console
from gpt2kit.errors import UserError

if TYPE_CHECKING:
    from gpt2kit.music.playing.steering import Reached, Wish

THINNEST, DENSEST = 0.2, 50.0
"""Notes a second: the grammar of events has a note every five seconds, and at most 100 in one."""

NAMES = {"notes_per_second": "notes a second", "velocity": "mean velocity"}

NotesPerSecondOption = Annotated[
    float | None,
    typer.Option(
        "--notes-per-second",
        metavar="X",
        show_default="as the model plays",
        help="Steer the new music towards X notes a second, 0.2 to 50.",
    ),
]
VelocityOption = Annotated[
    float | None,
    typer.Option(
        "--velocity",
        metavar="V",
        show_default="as the model plays",
        help="Steer the new music towards notes of mean velocity V, 1 to 127.",
    ),
]


def wished(notes_per_second: float | None, velocity: float | None) -> "Wish":
    """The wish of a command. Raises UserError for what no piano music is like."""
    if notes_per_second is not None and not THINNEST <= notes_per_second <= DENSEST:
        raise UserError(f"--notes-per-second {notes_per_second:g}: must be {THINNEST:g} to {DENSEST:g}")
    if velocity is not None and not 1 <= velocity <= 127:
        raise UserError(f"--velocity {velocity:g}: must be 1 to 127")
    from gpt2kit.music.playing.steering import Wish

    return Wish(notes_per_second, velocity)


def facts(steered: Mapping[str, Mapping[str, float]]) -> list[tuple[str, str]]:
    """The same from JSON, as names and values for people."""
    from gpt2kit.music.playing.steering import Reached

    return [(f"wish, {NAMES[name]}", str(Reached(**each))) for name, each in steered.items()]


def told(path: str, reached: "Mapping[str, Reached]") -> dict[str, Any]:
    """Say what was wished and what was played; returns it for --json."""
    if not reached:
        return {}
    console.say(f"{path}: {'; '.join(f'{NAMES[name]}: {found}' for name, found in reached.items())}")
    return {"steered": {name: {"wished": found.wished, "played": found.played} for name, found in reached.items()}}
