"""The font of pictures, which comes with matplotlib, and text limited to its characters."""

from typing import Any

from matplotlib.font_manager import findfont, get_font

FONT = "DejaVu Sans"

STYLE: dict[Any, Any] = {"font.family": "sans-serif", "font.sans-serif": [FONT], "text.parse_math": False}
"""Settings of matplotlib, equal on every machine: a dollar sign is text, not the start of a formula."""


def drawable(text: str) -> str:
    """Replace characters that the font lacks with their code points, such as U+66F2."""
    font = get_font(findfont(FONT))
    return "".join(char if font.get_char_index(ord(char)) else f"U+{ord(char):X}" for char in text)
