"""Pictures of docs/ from the last records of results/: a curve for each program or start, as SVG.

python benchmarks/curves.py             # docs/long.svg, docs/transfer.svg and docs/growth.svg
"""

import json
import statistics
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
from cycler import cycler
from machine import RESULTS
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator, StrMethodFormatter

from gpt2kit.music.pages.font import STYLE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DOCS = Path(__file__).parents[1] / "docs"
WIDTH, HEIGHT = 9.2, 3.7
"""Inches of a picture: as wide as a README shows it."""
INK, FAINT, LINE = "#343842", "#7a808c", "#e8eaef"
COLOURS = ("#2e69a0", "#8a94a6", "#d9662b", "#3c8c5a")
LOOKS: dict[Any, Any] = STYLE | {
    "axes.prop_cycle": cycler(color=COLOURS),
    "axes.edgecolor": LINE,
    "axes.grid": True,
    "axes.grid.axis": "y",
    "axes.labelcolor": FAINT,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlelocation": "left",
    "axes.titlesize": 10,
    "axes.ymargin": 0.12,
    "figure.constrained_layout.h_pad": 0.1,
    "figure.constrained_layout.w_pad": 0.15,
    "figure.titlesize": 12,
    "font.size": 9,
    "grid.color": LINE,
    "lines.marker": "o",
    "lines.markersize": 5,
    "lines.solid_capstyle": "round",
    "svg.fonttype": "none",
    "svg.hashsalt": "gpt2kit",
    "text.color": INK,
    "xtick.labelcolor": FAINT,
    "xtick.major.size": 0,
    "ytick.labelcolor": FAINT,
    "ytick.major.size": 0,
}
"""Settings of matplotlib; text stays text, and the same record gives the same file."""


def draw(name: str) -> None:
    """Draw the last record of results/NAME.jsonl to docs/NAME.svg."""
    records = list(map(json.loads, (RESULTS / f"{name}.jsonl").read_text(encoding="utf-8").splitlines()))
    last = records[-1]
    if "sizes" in last:  # they may have been measured one by one
        same = [record["sizes"] for record in records if record["table"] == last["table"]]
        last["sizes"] = {size: found for sizes in same for size, found in sizes.items()}
    with matplotlib.rc_context(LOOKS):
        PICTURES[name](last).savefig(DOCS / f"{name}.svg", metadata={"Date": None, "Creator": None}, facecolor="white")


def _long(record: dict[str, Any]) -> Figure:
    """Time a token and memory by length, both axes logarithmic."""
    figure, (time, memory) = _panels(2, "A training step by length of the window", "tokens")
    for name, by_length in record["programs"].items():
        done = {int(length): found for length, found in by_length.items() if "failed" not in found}
        time.plot(list(done), [found["seconds"] / length * 1e6 for length, found in done.items()], label=name)
        memory.plot(list(done), [found["gib"] for found in done.values()])
    for axes, title in ((time, "Microseconds per token"), (memory, "Peak memory, GiB")):
        axes.set_title(title)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        _name_ticks(axes, map(int, next(iter(record["programs"].values()))))
    figure.legend(loc="outside lower left", ncols=4, frameon=False)
    return figure


def _transfer(record: dict[str, Any]) -> Figure:
    """Loss and ROUGE by the share of the pairs: means over the seeds, and the range from the lowest to the highest."""
    by_share = {100 * float(share): by_start for share, by_start in record["summaries"]["by_share"].items()}
    seeds = len(next(iter(by_share.values()))["random"])
    title = f"Summaries from a pretrained model and from random weights, mean and range of {seeds} seeds"
    figure, panels = _panels(3, title, "% of the pairs")
    titles = {"loss": "Loss, nats per token", "ROUGE-2": "ROUGE-2"}
    for axes, name in zip(panels, ("loss", "ROUGE-2", "ROUGE-1 of content words"), strict=True):
        for start in ("pretrained", "random"):
            values = [
                [run["loss"] if name == "loss" else run["rouge"][name]["value"] for run in by_start[start]]
                for by_start in by_share.values()
            ]
            axes.fill_between(list(by_share), list(map(min, values)), list(map(max, values)), alpha=0.15, linewidth=0)
            axes.plot(list(by_share), list(map(statistics.mean, values)), label=start)
        axes.set_title(titles.get(name, name))
        axes.set_ylim(bottom=0)
        _name_ticks(axes, by_share)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower left", ncols=2, frameon=False)
    return figure


def _growth(record: dict[str, Any]) -> Figure:
    """Peak memory and time of prepare by the number of pairs, for each version; only the numbers are logarithmic."""
    figure, (memory, time) = _panels(2, "Preparing sentence pairs, with a number in each", "pairs")
    by_rows = {found["corpus"]["rows"]: found for found in record["sizes"].values()}
    for name, label in (("now", "this version"), ("before", "the version before")):
        measured = {rows: found[name] for rows, found in by_rows.items() if name in found}
        memory.plot(list(measured), [found["peak_mb"] for found in measured.values()], label=label)
        time.plot(list(measured), [found["cpu_seconds"] / rows * 1e6 for rows, found in measured.items()])
    for axes, title in ((memory, "Peak memory, MB"), (time, "Microseconds of CPU time per pair")):
        axes.set_title(title)
        axes.set_ylim(bottom=0)
        _name_ticks(axes, by_rows)
    figure.legend(loc="outside lower left", ncols=2, frameon=False)
    return figure


PICTURES: dict[str, Callable[[dict[str, Any]], Figure]] = {"long": _long, "transfer": _transfer, "growth": _growth}


def _panels(count: int, title: str, label: str) -> "tuple[Figure, list[Axes]]":
    figure = Figure((WIDTH, HEIGHT), layout="constrained")
    figure.suptitle(title, x=0.15 / WIDTH, ha="left")
    panels = [figure.add_subplot(1, count, place + 1, xlabel=label, xscale="log") for place in range(count)]
    return figure, panels


def _name_ticks(axes: "Axes", xs: Iterable[float]) -> None:
    """Name every x; a logarithmic axis has no other marks."""
    axes.set_xticks(list(xs))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,g}"))
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_locator(NullLocator())


if __name__ == "__main__":
    for each in PICTURES:
        if (RESULTS / f"{each}.jsonl").is_file():
            draw(each)
