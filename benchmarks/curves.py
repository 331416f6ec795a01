"""Figures by length as a picture: panels side by side, both axes logarithmic, as SVG."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

WIDTH, HEIGHT = 460, 340
"""Of a panel, the space around it included."""
LEFT, RIGHT, TOP, BOTTOM = 56, 28, 64, 44
COLOURS = ("#2e69a0", "#8a94a6", "#d9662b", "#3c8c5a")
INK, FAINT, LINE = "#343842", "#7a808c", "#e8eaef"

Points = Sequence[tuple[float, float]]


@dataclass(frozen=True)
class Panel:
    """Lines by name, each of points (x, y) above 0."""

    title: str
    lines: Mapping[str, Points]


def draw(path: Path, title: str, panels: Sequence[Panel]) -> None:
    """Write the picture; every panel has the same x axis, and a name the same colour in all of them."""
    every = [x for panel in panels for points in panel.lines.values() for x, _ in points]
    xs = sorted(set(every))
    width, height = WIDTH * len(panels), HEIGHT + 30
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" font-family="sans-serif">',
        f'<rect width="{width}" height="{height}" fill="#ffffff"/>',
        _text(LEFT, 26, title, INK, 16),
    ]
    for place, panel in enumerate(panels):
        parts += [f'<g transform="translate({place * WIDTH} 0)">', *_panel(panel, xs), "</g>"]
    left = LEFT
    for name, colour in zip(panels[0].lines, COLOURS, strict=False):
        parts.append(f'<rect x="{left}" y="{height - 24}" width="18" height="4" fill="{colour}"/>')
        parts.append(_text(left + 24, height - 18, name, INK, 13))
        left += 48 + 7 * len(name)
    path.write_text("\n".join([*parts, "</svg>"]) + "\n", encoding="utf-8")


def _panel(panel: Panel, xs: Sequence[float]) -> Iterator[str]:
    ys = [y for points in panel.lines.values() for _, y in points]
    ticks = _ticks(min(ys), max(ys))
    lowest, highest = math.log(min(*ys, ticks[0])), math.log(max(*ys, ticks[-1]))
    first, last = math.log(xs[0]), math.log(xs[-1])

    def x_of(x: float) -> float:
        share = (math.log(x) - first) / (last - first) if last > first else 0.5
        return LEFT + share * (WIDTH - LEFT - RIGHT)

    def y_of(y: float) -> float:
        share = (math.log(y) - lowest) / (highest - lowest) if highest > lowest else 0.5
        return HEIGHT - BOTTOM - share * (HEIGHT - TOP - BOTTOM)

    yield _text(LEFT, TOP - 14, panel.title, INK, 13)
    for tick in ticks:
        y = y_of(tick)
        yield f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}" stroke="{LINE}"/>'
        yield _text(LEFT - 8, y + 4, f"{tick:g}", FAINT, 12, "end")
    for x in xs:
        yield _text(x_of(x), HEIGHT - BOTTOM + 20, f"{x:,.0f}", FAINT, 12, "middle")
    for points, colour in zip(panel.lines.values(), COLOURS, strict=False):
        places = [(x_of(x), y_of(y)) for x, y in points]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
        yield f'<polyline points="{joined}" fill="none" stroke="{colour}" stroke-width="2"/>'
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}"/>' for x, y in places)


def _ticks(lowest: float, highest: float) -> list[float]:
    """1, 2 and 5 times powers of ten around the values."""
    powers = range(math.floor(math.log10(lowest)), math.ceil(math.log10(highest)) + 1)
    every = [step * 10.0**power for power in powers for step in (1, 2, 5)]
    below = max((tick for tick in every if tick <= lowest), default=every[0])
    above = min((tick for tick in every if tick >= highest), default=every[-1])
    return [tick for tick in every if below <= tick <= above]


def _text(x: float, y: float, text: str, colour: str, size: int, anchor: str = "start") -> str:
    place = f'x="{x:.1f}" y="{y:.1f}" font-size="{size}" fill="{colour}" text-anchor="{anchor}"'
    return f"<text {place}>{escape(text)}</text>"
