"""The figure of a performance: its end as a piano roll, and what its last note looked back at."""

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PolyCollection
from matplotlib.colors import ListedColormap, Normalize
from matplotlib.figure import Figure
from matplotlib.patches import Patch, PathPatch
from matplotlib.path import Path
from matplotlib.ticker import PercentFormatter

from gpt2kit.inspection.performance import roll_of
from gpt2kit.inspection.trace import Trace
from gpt2kit.music.analysis.attended import Shares, shares
from gpt2kit.music.notes import Notes, pitch_name
from gpt2kit.music.pages import palette

if TYPE_CHECKING:
    from matplotlib.axes import Axes

INCHES = 7.0
"""Width: that of a page's text."""

SECONDS = 20.0
"""The part of a performance that is drawn: its end."""

LISTED = 8
"""Notes in the list."""

BLACK_KEYS = (1, 3, 6, 8, 10)
LANE, OCTAVE, PRIMER, PRIMER_LINE = "#f4f5f7", "#cdd1d9", "#e4eef8", "#2e69a0"


def roll(trace: Trace) -> Figure:
    """The notes in the colours of their velocities; lines from the last one to those that it attended to in the mean of
    all layers, in the colours of the heads. Below them the notes by name, with their shares."""
    notes, begun, attention = roll_of(trace.subject)
    made = len(trace.ids) > trace.subject.prompt
    if not len(notes):
        figure = Figure(figsize=(INCHES, 1.5), layout="constrained")
        figure.add_subplot().text(0.5, 0.5, "no notes", ha="center", va="center")
        return figure
    figure = Figure(figsize=(INCHES, 5.6), layout="constrained")
    above, below = figure.subplots(2, 1, height_ratios=(3.4, 1.7))
    note = len(notes) - 1
    looked = shares(attention, note)
    begin = max(0.0, notes.duration - SECONDS)
    _notes(above, notes, begin, begun if made else 0.0, {note, *looked.keys})
    _arcs(above, notes, note, looked, begin)
    scale = ListedColormap([np.array(palette.of_velocity(velocity)) / 255 for velocity in range(1, 128)])
    figure.colorbar(ScalarMappable(Normalize(1, 127), scale), ax=above, label="velocity", ticks=[1, 32, 64, 96, 127])
    _list(below, notes, looked)
    name = f"{pitch_name(int(notes.pitch[note]))} at {notes.start[note]:.2f} s"
    figure.suptitle(
        f"What the last note, {name}, looked back at (the mean of all layers)", fontsize=9, ha="left", x=0.01
    )
    heads = attention.keys.shape[2]
    patches = [Patch(color=_colour(head), label=f"head {head + 1}") for head in range(heads)]
    figure.legend(handles=patches, loc="outside lower left", ncols=min(heads, 8), frameon=False)
    return figure


def _colour(head: int) -> str:
    return palette.HEADS[head % len(palette.HEADS)]


def _notes(axes: "Axes", notes: Notes, begin: float, primer: float, bright: set[int]) -> None:
    """The notes from `begin` on, on the lanes of the keys, pale ones but for the `bright`; the time before `primer` is
    shaded."""
    seen = notes.end > begin
    low, high = int(notes.pitch[seen].min()) - 2, int(notes.pitch[seen].max()) + 2
    axes.set(xlim=(begin, max(notes.duration, begin + 1) + 0.2), ylim=(low - 0.5, high + 3.5))
    for pitch in range(low, high + 1):
        if pitch % 12 in BLACK_KEYS:
            axes.axhspan(pitch - 0.5, pitch + 0.5, color=LANE, zorder=0)
        if pitch % 12 == 0:
            axes.axhline(pitch - 0.5, color=OCTAVE, linewidth=0.6, zorder=0.5)
    if primer > begin:
        axes.axvspan(begin, primer, color=PRIMER, zorder=0.2, alpha=0.8)
        axes.axvline(primer, color=PRIMER_LINE, linewidth=1.2)
        style: dict[str, Any] = {"va": "top", "color": PRIMER_LINE, "fontsize": 8}
        axes.text(primer, high + 3.2, "primer ", ha="right", **style)
        axes.text(primer, high + 3.2, " by the model", ha="left", **style)
    left = np.maximum(notes.start[seen], begin)
    boxes = zip(left, notes.end[seen], notes.pitch[seen].astype(float), strict=True)
    corners = [[(a, y - 0.4), (b, y - 0.4), (b, y + 0.4), (a, y + 0.4)] for a, b, y in boxes]
    colours = [
        (*np.array(palette.of_velocity(int(notes.velocity[note]))) / 255, 1 if note in bright else 0.38)
        for note in np.flatnonzero(seen).tolist()
    ]
    axes.add_collection(PolyCollection(corners, facecolors=colours, edgecolors="white", linewidths=0.4, zorder=2))
    named = range(low, high + 1) if high - low < 16 else [p for p in range(low, high + 1) if p % 12 in (0, 7)]
    axes.set_yticks(list(named), [pitch_name(pitch) for pitch in named])
    axes.set_xlabel("seconds")


def _arcs(axes: "Axes", notes: Notes, note: int, looked: Shares, begin: float) -> None:
    """Lines to the notes that are in the picture, as wide as their weights."""
    strongest = float(looked.weights.max(initial=0)) or 1.0
    x1, y1 = float(notes.start[note]), float(notes.pitch[note])
    for key, weights in zip(looked.keys, looked.weights, strict=True):
        x0, y0 = float((notes.start[key] + min(notes.end[key], notes.start[key] + 0.4)) / 2), float(notes.pitch[key])
        for head in np.flatnonzero((weights > 0.02 * strongest) & (x0 > begin)).tolist():
            lift = min(1.0, x1 - x0)  # a line to a note of the same moment is straight
            top = min(max(y0, y1) + lift * (1.5 + 0.8 * (head % 8)) + 0.45 * (x1 - x0), axes.get_ylim()[1] - 0.3)
            points = [(x1, y1), (x1 - 0.2 * (x1 - x0), top), (x0 + 0.2 * (x1 - x0), top), (x0, y0)]
            share = float(weights[head]) / strongest
            curve = Path(points, [Path.MOVETO, Path.CURVE4, Path.CURVE4, Path.CURVE4])
            width, alpha = 0.4 + 3 * share, 0.3 + 0.6 * share
            axes.add_patch(
                PathPatch(curve, fill=False, edgecolor=_colour(head), linewidth=width, alpha=alpha, zorder=3)
            )


def _list(axes: "Axes", notes: Notes, looked: Shares) -> None:
    """A bar for each of the notes with the largest shares, and the sums of all else in words."""
    shown = looked.keys[:LISTED]
    names = [f"{pitch_name(int(notes.pitch[key]))} at {notes.start[key]:.2f} s" for key in shown]
    places, left = np.arange(len(shown)), np.zeros(len(shown))
    for head in range(looked.weights.shape[1]):
        axes.barh(places, looked.weights[: len(shown), head], left=left, color=_colour(head), height=0.72)
        left = left + looked.weights[: len(shown), head]
    axes.set_yticks(places, names)
    axes.invert_yaxis()
    axes.set_xlim(0, max(0.01, float(left.max(initial=0))) * 1.1)
    axes.xaxis.set_major_formatter(PercentFormatter(1, None))
    others = float(looked.weights[len(shown) :].sum() + looked.others.sum())
    rest = float(looked.rest.sum())
    axes.set_xlabel(f"share of attention; other earlier notes {_percent(others)}, no earlier note {_percent(rest)}")


def _percent(share: float) -> str:
    """As on the page: a share that is not 0 is not shown as 0%."""
    return "<1%" if 0 < share < 0.01 else f"{share:.0%}"
