"""What benchmarks whose programs take turns have in common: options, ratios and the table."""

import argparse
import importlib.metadata
import os
import statistics
from collections.abc import Mapping, Sequence
from typing import Any

import torch
from turns import Plan, Player


def add_options(parser: argparse.ArgumentParser, rows: Sequence[str], seconds: float) -> None:
    parser.add_argument("--row", action="append", choices=rows, help="may be repeated; all by default")
    parser.add_argument("--only", action="append", help="programs whose name contains this; may be repeated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=seconds, help="about how long a turn lasts")
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--smoke", action="store_true", help="one short round, which is not kept")


def chosen(players: Sequence[Player], only: Sequence[str] | None) -> list[Player]:
    return [player for player in players if not only or any(part in player.name for part in only)]


def ratio(mine: Player, other: Player) -> float:
    """How many times as fast as the other: the median of the rounds' ratios."""
    return statistics.median(a / b for a, b in zip(mine.rates, other.rates, strict=True))


def ratios(players: Sequence[Player]) -> dict[str, dict[str, float]]:
    """For each of ours, its ratio to every other program that came through."""
    done = [player for player in players if player.done]
    return {
        mine.name: {other.name: round(ratio(mine, other), 3) for other in done if other is not mine}
        for mine in done
        if mine.ours
    }


def table(
    compared: Sequence[Player],
    players: Sequence[Player],
    figures: Mapping[str, Mapping[str, Any]],
    columns: Mapping[str, tuple[str, str]],
) -> str:
    """A line for each program: `columns` say which figures and how they are written, head -> (figure, format).

    Behind the first figure stands how many times as fast each of ours is. Empty columns are left out.
    """
    mine = [player for player in compared if player.ours and player.done]
    first, *others = (
        [head, *(format(figures[p.name][key], form) if key in figures[p.name] else "" for p in players)]
        for head, (key, form) in columns.items()
    )
    against = [
        [f"{our.name} / it", *(f"{ratio(our, p):.2f}" if p in compared and p.done else "" for p in players)]
        for our in mine
    ]
    names = ["", *(player.name for player in players)]
    filled = [names, *(column for column in (first, *against, *others) if any(column[1:]))]
    widths = [max(map(len, column)) for column in filled]
    lines = (
        "  ".join(f"{cell:>{width}}" if place else f"{cell:<{width}}" for place, (cell, width) in enumerate(line))
        for line in (zip(cells, widths, strict=True) for cells in zip(*filled, strict=True))
    )
    return "\n".join(line.rstrip() for line in lines)


def failures(players: Sequence[Player]) -> str:
    """A line for each program that has no figures, with its reason."""
    return "".join(f"{player.name}: no figures: {player.failed}\n" for player in players if not player.done)


def protocol(plan: Plan) -> dict[str, float]:
    return {"rounds": plan.rounds, "seconds_per_turn": plan.seconds, "threads": plan.threads}


def versions(*names: str) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            found[name] = None
    return found


def known_gpu(figures: dict[str, float]) -> float | None:
    """The figure of the GPU at hand, where its name holds one of the names."""
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else ""
    return next((value for part, value in figures.items() if part in name), None)
