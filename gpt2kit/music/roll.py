"""Notes as a picture: a piano roll as PNG. The door to Pillow."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gpt2kit.files import atomic
from gpt2kit.music import palette
from gpt2kit.music.notes import Notes

if TYPE_CHECKING:
    from PIL.ImageDraw import ImageDraw
    from PIL.ImageFont import FreeTypeFont, ImageFont

WIDTH = 1800
"""Pixels; a README shows it at half that width, where text of 26 pixels is as large as its own."""
LEFT, RIGHT, TOP, BOTTOM = 96, 40, 96, 72
KEYS_WIDTH = 28
TEXT, TITLE = 24, 32
FINER = 2
"""Drawn this much larger and then reduced, so that notes may begin between two pixels."""
ROW_SECONDS = 75.0
"""Longer pieces break into rows of a minute, as a score breaks into lines."""
MOST_ROWS = 8
LEAST_SPAN = 36
"""Semitones: a melody of few keys is not blown up."""
TALLEST_KEY, TALLEST_ROW = 9.0, 560.0
TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600)
TICK_WIDTH = 120

GROUND, INK, FAINT = (255, 255, 255), (52, 56, 66), (122, 128, 140)
LINE, OCTAVE, BLACK_KEY_LANE = (232, 234, 239), (205, 209, 217), (246, 247, 249)
IVORY, EBONY, KEY_EDGE = (255, 255, 255), (150, 156, 168), (205, 209, 217)
PRIMER, PRIMER_LANE, PRIMER_LINE = (228, 238, 248), (220, 231, 243), (46, 105, 160)


@dataclass(frozen=True)
class _Row:
    """One row's part of the piece and its scale, in drawn (finer) pixels."""

    start: float
    seconds: float
    """How much time the full width stands for."""
    stop: float
    """Where the piece ends in this row."""
    lowest: int
    highest: int
    key: float
    """Height of one semitone."""

    def x(self, seconds: float) -> float:
        width = (WIDTH - LEFT - RIGHT) * FINER
        return LEFT * FINER + (seconds - self.start) / self.seconds * width

    def y(self, pitch: float) -> float:
        """The upper edge of a key's lane."""
        return (self.highest - pitch) * self.key

    @property
    def height(self) -> float:
        return (self.highest - self.lowest + 1) * self.key


def write_roll(path: Path, notes: Notes, primer_seconds: float = 0.0, title: str = "") -> None:
    """Draw `notes` as a PNG: time to the right, pitch upwards, velocity as colour.

    What lies before `primer_seconds` is shaded and marked as the primer. Pieces over 75 seconds break into rows. Memory
    is bounded however long the piece is. Raises MachineError if `path` cannot be written.
    """
    from PIL import Image, ImageDraw

    rows = list(_rows(notes))
    heights = [math.ceil(row.height / FINER) + BOTTOM for row in rows]
    picture = Image.new("RGB", (WIDTH, TOP + sum(heights)), GROUND)
    _header(ImageDraw.Draw(picture), title, notes)
    top = TOP
    for row, height in zip(rows, heights, strict=True):
        large = Image.new("RGB", (WIDTH * FINER, height * FINER), GROUND)
        _ground(ImageDraw.Draw(large), row, primer_seconds)
        _notes(ImageDraw.Draw(large), row, notes)
        picture.paste(large.reduce(FINER), (0, top))
        _labels(ImageDraw.Draw(picture), row, top, primer_seconds)
        top += height
    with atomic(path) as temporary:
        picture.save(temporary, format="PNG", optimize=True)


def clock(seconds: float) -> str:
    """1:05, 1:02:03, and 0:00.5 where there are tenths."""
    whole, tenths = divmod(round(seconds * 10), 10)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    text = f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
    return f"{text}.{tenths}" if tenths else text


def _rows(notes: Notes) -> Iterator[_Row]:
    duration = notes.duration or 10.0
    pitches = notes.pitch if len(notes) else np.array([48, 83])
    # Whole keyboards look familiar: a margin of a tone, then at least three octaves around the middle.
    lowest, highest = max(int(pitches.min()) - 2, 0), min(int(pitches.max()) + 2, 127)
    missing = max(LEAST_SPAN - (highest - lowest + 1), 0)
    lowest = max(min(lowest - missing // 2, 127 - LEAST_SPAN), 0)
    highest = min(max(highest, lowest + LEAST_SPAN - 1), 127)
    count, seconds = 1, duration
    if duration > ROW_SECONDS:
        seconds = 60.0 * math.ceil(duration / 60 / MOST_ROWS)
        count = math.ceil(duration / seconds)
    key = min(TALLEST_KEY, TALLEST_ROW / (highest - lowest + 1)) * (1.0 if count == 1 else 0.7)
    for number in range(count):
        start = number * seconds
        yield _Row(start, seconds, min(start + seconds, duration), lowest, highest, round(key * FINER))


def _ground(draw: "ImageDraw", row: _Row, primer_seconds: float) -> None:
    """Lanes of keys, the primer's shade, lines of octaves and seconds, and a keyboard at the left."""
    left, right = row.x(row.start), row.x(row.stop)
    primed = min(max(row.x(primer_seconds), left), right)
    if primed > left:
        draw.rectangle((left, 0, primed, row.height), PRIMER)
    for pitch in range(row.lowest, row.highest + 1):
        if _is_black(pitch):
            edges = row.y(pitch), row.y(pitch) + row.key - 1
            draw.rectangle((primed, edges[0], right, edges[1]), BLACK_KEY_LANE)
            if primed > left:
                draw.rectangle((left, edges[0], primed, edges[1]), PRIMER_LANE)
    for seconds in _ticks(row):
        draw.line((row.x(seconds), 0, row.x(seconds), row.height), LINE, FINER)
    for pitch in range(row.lowest, row.highest + 1):
        if pitch % 12 == 0:
            below = row.y(pitch) + row.key
            draw.line((left, below, right, below), OCTAVE, FINER)
    _keyboard(draw, row)
    draw.line((left, row.height, right, row.height), OCTAVE, FINER)


def _keyboard(draw: "ImageDraw", row: _Row) -> None:
    right = (LEFT - 6) * FINER
    left = right - KEYS_WIDTH * FINER
    draw.rectangle((left, 0, right, row.height), IVORY, KEY_EDGE, FINER)
    for pitch in range(row.lowest, row.highest + 1):
        top = row.y(pitch)
        if _is_black(pitch):
            draw.line((left, top + row.key / 2, right, top + row.key / 2), KEY_EDGE, 1)
            draw.rectangle((left, top + 1, left + (right - left) * 0.6, top + row.key - 1), EBONY)
        elif pitch % 12 in (0, 5):  # only between B and C, and E and F, do two white keys touch
            draw.line((left, top + row.key, right, top + row.key), KEY_EDGE, 1)


def _notes(draw: "ImageDraw", row: _Row, notes: Notes) -> None:
    here = np.flatnonzero((notes.start < row.stop) & (notes.end > row.start))
    for index in here.tolist():
        begin = row.x(max(float(notes.start[index]), row.start))
        end = max(row.x(min(float(notes.end[index]), row.stop)), begin + 3 * FINER)
        top = row.y(int(notes.pitch[index]))
        colour = palette.of_velocity(int(notes.velocity[index]))
        # The rim in the ground's colour keeps repeated notes and seconds apart.
        draw.rounded_rectangle((begin, top, end, top + row.key), 3 * FINER, colour, GROUND, 1)


def _labels(draw: "ImageDraw", row: _Row, top: int, primer_seconds: float) -> None:
    """What is written, and the line where the primer ends, at full sharpness."""
    font = _font(TEXT)
    bottom = top + math.ceil(row.height / FINER)
    for pitch in range(row.lowest, row.highest + 1):
        if pitch % 12 == 0:
            middle = top + (row.y(pitch) + row.key / 2) / FINER
            draw.text((LEFT - KEYS_WIDTH - 14, middle), f"C{pitch // 12 - 1}", FAINT, font, "rm")
    for seconds in _ticks(row):
        draw.text((row.x(seconds) / FINER, bottom + 10), clock(seconds), FAINT, font, "mt")
    if row.start < primer_seconds <= row.stop:
        end = row.x(primer_seconds) / FINER
        draw.line((end, top - 24, end, bottom), PRIMER_LINE, 3)
        wide = end - LEFT > draw.textlength("primer", font) + 12
        draw.text(
            (end - 8, top - 10) if wide else (end + 8, top - 10), "primer", PRIMER_LINE, font, "rs" if wide else "ls"
        )


def _header(draw: "ImageDraw", title: str, notes: Notes) -> None:
    font = _font(TEXT)
    bar, height = 300, 16
    right, top = WIDTH - RIGHT, 22
    soft, loud = "1", "127"
    left = right - bar - draw.textlength(loud, font) - 12
    label = f"velocity {soft}"
    draw.text((left - 12, top + height / 2), label, FAINT, font, "rm")
    for x in range(bar):
        draw.line((left + x, top, left + x, top + height), palette.of_velocity(1 + 126 * x // (bar - 1)))
    draw.text((right, top + height / 2), loud, FAINT, font, "rm")
    room = left - 12 - draw.textlength(label, font) - 40 - (LEFT - KEYS_WIDTH)
    title = title or ("" if len(notes) else "no notes")
    draw.text((LEFT, top + height / 2), _shortened(draw, title, _font(TITLE), room), INK, _font(TITLE), "lm")


def _shortened(draw: "ImageDraw", text: str, font: "FreeTypeFont | ImageFont", room: float) -> str:
    text = " ".join(text.split())[:200]
    if draw.textlength(text, font) <= room:
        return text
    while text and draw.textlength(text + "...", font) > room:
        text = text[:-1]
    return text.rstrip() + "..."


def _ticks(row: _Row) -> list[float]:
    """Times to name, with room for their names; the last may lie at the piece's end."""
    width = (WIDTH - LEFT - RIGHT) / row.seconds
    step = next((tick for tick in TICKS if tick * width >= TICK_WIDTH), row.seconds / 10)
    first, last = math.ceil(row.start / step - 1e-9), math.floor(row.stop / step + 1e-9)
    return [number * step for number in range(first, last + 1)]


def _is_black(pitch: int) -> bool:
    return pitch % 12 in (1, 3, 6, 8, 10)


def _font(size: int) -> "FreeTypeFont | ImageFont":
    from PIL import ImageFont

    return ImageFont.load_default(size)
