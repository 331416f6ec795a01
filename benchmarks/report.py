"""What benchmarks whose programs take turns have in common: options, ratios and the table."""

import argparse
import importlib.metadata
import os
import statistics
from collections.abc import Sequence

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


def ratio_cells(players: Sequence[Player], other: Player) -> list[str]:
    """A cell for each of ours."""
    mine = [player for player in players if player.ours and player.done]
    return [f"{ratio(player, other):.2f}" if other.done else "" for player in mine]


def ratio_heads(players: Sequence[Player]) -> list[str]:
    return [f"{player.name} / it" for player in players if player.ours and player.done]


def table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Aligned columns, the first to the left, the others to the right."""
    columns = list(zip(heads, *rows, strict=True))
    widths = [max(len(cell) for cell in column) for column in columns]
    lines = [
        "  ".join(cell.rjust(width) if place else cell.ljust(width) for place, (cell, width) in enumerate(cells))
        for cells in (list(zip(row, widths, strict=True)) for row in (heads, *rows))
    ]
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
