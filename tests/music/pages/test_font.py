"""Text as far as the font of pictures can draw it."""

import pytest

from gpt2kit.music.pages.font import drawable


@pytest.mark.parametrize(
    ("text", "drawn"), [("Pièce n° 3 ♯", "Pièce n° 3 ♯"), ("$x_1$", "$x_1$"), ("曲 1", "U+66F2 1"), ("\x00", "U+0")]
)
def test_characters_that_the_font_lacks_are_code_points(text: str, drawn: str) -> None:
    assert drawable(text) == drawn
