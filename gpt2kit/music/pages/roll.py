"""Notes as a picture: a piano roll as PNG."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import matplotlib
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.image import imsave
from numpy.typing import NDArray

from gpt2kit.files import atomic
from gpt2kit.music.marked import Marked
from gpt2kit.music.pages import palette, roll_marks
from gpt2kit.music.pages.font import STYLE, drawable
from gpt2kit.music.pages.roll_grid import (
    BOTTOM,
    DOTS,
    KEYS_WIDTH,
    LEFT,
    POINT,
    RIGHT,
    TEXT,
    TITLE,
    TOP,
    UNIT,
    WIDTH,
    Grid,
    grid_of,
)
from gpt2kit.overwriting import GENERATOR

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Floats = NDArray[np.float64]

ROUNDING = 2.5
"""The radius of a note's corners."""
LEAST_NOTE = 4.0
EDGE = 0.8
AT_A_TIME = 10_000
"""Notes drawn per step."""
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
TICK_WIDTH = 150

INK, FAINT = "#343842", "#7a808c"
LINE, OCTAVE, EBONY = "#e8eaef", "#cdd1d9", "#969ca8"
LANE, BLACK_KEY_LANE = (255, 255, 255), (246, 247, 249)
GIVEN, GIVEN_LANE = (228, 238, 248), (220, 231, 243)
"""The background where all notes are given."""
BLACK_KEYS = (1, 3, 6, 8, 10)


def write_roll(path: Path, piece: Marked, title: str = "") -> None:
    """Draw a piece as a PNG: time to the right, pitch upwards, velocity as colour.

    The time before and after the model's part is shaded; notes in it that are given are grey. Pieces over 75 seconds
    break into rows. Memory is bounded however long the piece is. Raises MachineError if `path` cannot be written.
    """
    notes = piece.notes
    grid = grid_of(notes)
    rows = grid.rows
    first = TOP if piece.given is None else TOP + roll_marks.LEGEND_ROOM
    height = first + len(rows) * (grid.height + BOTTOM) + UNIT
    with matplotlib.rc_context(STYLE), atomic(path) as temporary:
        figure = Figure((WIDTH / DOTS, height / DOTS), DOTS)
        canvas = FigureCanvasAgg(figure)
        _header(figure, drawable(" ".join(title.split())[:200]) or ("" if len(notes) else "no notes"))
        if piece.given is not None:
            axes = _axes(figure, LEFT, roll_marks.LEGEND_TOP, WIDTH - LEFT - RIGHT, TEXT)
            axes.set(xlim=(0, WIDTH - LEFT - RIGHT), ylim=(-TEXT / 2, TEXT / 2))
            roll_marks.legend(axes)
        drawn = []
        for number, (start, stop) in enumerate(rows):
            top = first + number * (grid.height + BOTTOM)
            _keyboard(_axes(figure, LEFT - 6 - KEYS_WIDTH, top, KEYS_WIDTH, grid.height), grid)
            axes = _axes(figure, LEFT, top, WIDTH - LEFT - RIGHT, grid.height)
            _lanes(axes, grid, start, stop, [min(max(time, start), stop) for time in (piece.begin, piece.end)])
            roll_marks.mark(axes, grid, piece, start, stop)
            drawn.append(axes)
        unit = "minutes:seconds" if grid.duration < 3600 else "hours:minutes:seconds"
        place = ((WIDTH - RIGHT) / WIDTH, UNIT / 2 / height)
        figure.text(*place, unit, ha="right", va="center", color=FAINT, fontsize=TEXT / POINT)
        canvas.draw()  # everything except the notes
        for axes, (start, stop) in zip(drawn, rows, strict=True):
            _notes(axes, grid, piece, start, stop)
        imsave(temporary, np.asarray(canvas.buffer_rgba()), format="png", metadata={"Software": GENERATOR})


def clock(seconds: float) -> str:
    """1:05, 1:02:03, and 0:00.5 if there are tenths."""
    whole, tenths = divmod(round(seconds * 10), 10)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"{text}.{tenths}" if tenths else text


def _axes(figure: Figure, left: float, top: float, width: float, height: float) -> "Axes":
    """Axes at a position in pixels from the upper left, without frame and ticks."""
    across, down = figure.get_size_inches() * DOTS
    axes = figure.add_axes((left / across, 1 - (top + height) / down, width / across, height / down))
    axes.set_frame_on(False)
    axes.tick_params(length=0, pad=10 / POINT, colors=FAINT, labelsize=TEXT / POINT)
    axes.set_xticks([])
    axes.set_yticks([])
    return axes


def _header(figure: Figure, title: str) -> None:
    """The title, shortened to the available room, and the colours of velocities."""
    bar, height, top = 300, 16, 22
    right = WIDTH - RIGHT - 150
    axes = _axes(figure, right - bar, top, bar, height)
    velocities = np.arange(1, 128)
    colours = np.array([[palette.of_velocity(velocity) for velocity in velocities.tolist()]], np.uint8)
    axes.imshow(colours, aspect="auto", interpolation="nearest")
    style: dict[str, Any] = {
        "transform": axes.transAxes,
        "va": "center_baseline",
        "fontsize": TEXT / POINT,
        "color": FAINT,
    }
    axes.text(-12 / bar, 0.5, "velocity 1 (soft)", ha="right", **style)
    axes.text(1 + 12 / bar, 0.5, "127 (loud)", ha="left", **style)
    written = axes.text((LEFT - right + bar) / bar, 0.5, title, **style | {"fontsize": TITLE / POINT, "color": INK})
    room = right - bar - 300 - LEFT
    while title and written.get_window_extent().width > room:
        title = title[:-1]
        written.set_text(title.rstrip() + "…")


def _keyboard(axes: "Axes", grid: Grid) -> None:
    """Keys and octave names at the left of a row."""
    black = [pitch for pitch in grid.pitches if pitch % 12 in BLACK_KEYS]
    axes.set(xlim=(0, 1), ylim=(grid.lowest - 0.5, grid.highest + 0.5))
    # Two white keys meet below C and F, and in the middle of each black key.
    meet = [pitch - 0.5 for pitch in grid.pitches if pitch % 12 in (0, 5)]
    axes.hlines([*meet, *black], 0, 1, OCTAVE, linewidth=0.5 / POINT)
    axes.barh(black, 0.6, 0.8, color=EBONY, zorder=3)
    axes.set_frame_on(True)
    for spine in axes.spines.values():
        spine.set(color=OCTAVE, linewidth=1 / POINT)
    octaves = [pitch for pitch in grid.pitches if pitch % 12 == 0]
    axes.set_yticks(octaves, [f"C{pitch // 12 - 1}" for pitch in octaves])


def _lanes(axes: "Axes", grid: Grid, start: float, stop: float, part: Sequence[float]) -> None:
    """The background: lanes of white and black keys, shaded before and after the model's `part`, lines of octaves and
    of times."""
    edges = (grid.lowest - 0.5, grid.highest + 0.5)
    begin, end = part
    parts = ((start, begin, GIVEN, GIVEN_LANE), (begin, end, LANE, BLACK_KEY_LANE), (end, stop, GIVEN, GIVEN_LANE))
    for left, right, white, black in parts:
        if right > left:
            lanes = np.array([[black if pitch % 12 in BLACK_KEYS else white] for pitch in grid.pitches], np.uint8)
            extent = (left, right, *edges)
            axes.imshow(lanes, extent=extent, origin="lower", aspect="auto", interpolation="nearest")
    ticks = _ticks(grid, start, stop)
    axes.vlines(ticks, *edges, LINE, linewidth=1 / POINT)
    octaves = [pitch - 0.5 for pitch in grid.pitches if pitch % 12 == 0]
    axes.hlines([edges[0], *octaves], start, stop, OCTAVE, linewidth=1 / POINT)
    axes.set(xlim=(start, start + grid.row), ylim=edges)
    axes.set_xticks(ticks, [clock(tick) for tick in ticks])


def _notes(axes: "Axes", grid: Grid, piece: Marked, start: float, stop: float) -> None:
    """Draw the notes of a row onto its background, some at a time: matplotlib takes a kilobyte for each."""
    notes = piece.notes
    row = np.flatnonzero((notes.start < stop) & (notes.end > start))
    for here in np.split(row, range(AT_A_TIME, len(row), AT_A_TIME)):
        begin = np.maximum(notes.start[here], start)
        end = np.maximum(np.minimum(notes.end[here], stop), begin + LEAST_NOTE * grid.pixel)
        colours = np.array([palette.of_velocity(velocity) for velocity in notes.velocity[here].tolist()]) / 255
        if piece.given is not None:
            colours[piece.given[here]] = np.array(palette.GIVEN) / 255
        # The edge in the background's colour separates repeated notes and seconds.
        drawn = PolyCollection(
            list(_outlines(begin, end, notes.pitch[here].astype(np.float64), grid)),
            facecolors=colours,
            edgecolors="white",
            linewidths=EDGE / POINT,
        )
        axes.add_collection(drawn, autolim=False)
        axes.draw_artist(drawn)
        drawn.remove()


def _outlines(begin: Floats, end: Floats, pitch: Floats, grid: Grid) -> Floats:
    """Rectangles with rounded corners as polygons (N, 12, 2)."""
    angles = np.linspace(0, np.pi / 2, 3) + np.pi / 2 * np.arange(4)[:, None]
    round_y = min(ROUNDING / grid.key, 0.4)
    round_x = np.minimum(ROUNDING * grid.pixel, (end - begin) / 2)[:, None, None]
    centre_x = np.stack([end, begin, begin, end], 1)[:, :, None] + np.array([-1, 1, 1, -1])[:, None] * round_x
    centre_y = pitch[:, None, None] + np.array([1, 1, -1, -1])[:, None] * (0.5 - round_y)
    x, y = centre_x + round_x * np.cos(angles), centre_y + round_y * np.sin(angles)
    return np.stack([x, y], -1).reshape(-1, angles.size, 2)


def _ticks(grid: Grid, start: float, stop: float) -> list[float]:
    """The times to label, with room for the labels; the last may be at the end of the piece."""
    step = next((tick for tick in TICKS if tick / grid.pixel >= TICK_WIDTH), grid.row / 10)
    first, last = math.ceil(start / step - 1e-9), math.floor(stop / step + 1e-9)
    return [number * step for number in range(first, last + 1)]
