"""Marks the model's part on a piano roll: its borders, names above the row, and a legend."""

from typing import TYPE_CHECKING, Any

from gpt2kit.music.marked import Marked
from gpt2kit.music.pages import palette
from gpt2kit.music.pages.roll_grid import POINT, TEXT, Grid

if TYPE_CHECKING:
    from matplotlib.axes import Axes

BORDER = (46, 105, 160)
NEW = palette.of_velocity(90)
"""The colour of new notes in the legend."""
LEGEND_TOP, LEGEND_ROOM = 64, 24
"""Where the legend begins, below the title, and the room that it adds above the first row."""
WIDE = 140
"""A name has room in this many pixels."""


def mark(axes: "Axes", grid: Grid, piece: Marked, start: float, stop: float) -> None:
    """The borders of the model's part in a row from `start` to `stop`, and names where there is room for them."""
    first, last = piece.begin, min(piece.end, grid.duration)
    borders = [time for time in (first, last if last < grid.duration else 0.0) if start < time <= stop]
    if not borders:
        return
    colour, top = palette.hexadecimal(BORDER), grid.highest + 0.5
    axes.vlines(borders, grid.lowest - 0.5, top + 24 / grid.key, colour, linewidth=3 / POINT, clip_on=False)
    after, above = 8 * grid.pixel, top + 8 / grid.key
    style: dict[str, Any] = {"va": "bottom", "color": colour, "fontsize": TEXT / POINT}

    def name(text: str, time: float, side: str) -> None:
        axes.text(time + {"left": after, "right": -after}.get(side, 0.0), above, text, ha=side, **style)

    if last < grid.duration or piece.given is not None:
        _names_around(grid, (first, last), (start, stop), name)
    elif (first - start) / grid.pixel <= 120:
        name("end of the primer", first, "left")
    else:
        name("primer", first, "right")
        if (start + grid.row - first) / grid.pixel > WIDE:
            name("new part", first, "left")


def _names_around(grid: Grid, part: tuple[float, float], row: tuple[float, float], name: Any) -> None:
    """The names of a part that ends before the piece, and of what is around it."""
    (first, last), (start, stop) = part, row
    left, right = max(first, start), min(last, stop)
    if (right - left) / grid.pixel < WIDE:
        # Beyond the border, where nothing else is written.
        if start < first and (stop - last) / grid.pixel > WIDE:
            name("new part", right, "left")
        else:
            name("new part", left, "right")
        return
    name("new part", (left + right) / 2, "center")
    if (first - start) / grid.pixel > WIDE:
        name("kept", first, "right")
    if last <= stop and (start + grid.row - last) / grid.pixel > WIDE:
        name("kept", last, "left")


def legend(axes: "Axes") -> None:
    """Which colours are those of given and of new notes; the axes are as large as the text in pixels."""
    style: dict[str, Any] = {"va": "center_baseline", "fontsize": TEXT / POINT, "color": "#7a808c"}
    for left, colour, text in ((0, palette.GIVEN, "given notes"), (230, NEW, "new notes")):
        axes.barh(0, 40, 14, left=left, color=palette.hexadecimal(colour))
        axes.text(left + 52, 0, text, **style)
