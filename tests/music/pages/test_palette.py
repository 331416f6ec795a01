"""Colours of velocities: lightness alone must tell them apart."""

import pytest

from gpt2kit.music.pages import palette


def lightness(colour: palette.Colour) -> float:
    """Relative luminance, as WCAG 2 defines it, for colours from 0 to 255."""
    linear = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("dark", [False, True])
def test_louder_stands_out_more(dark: bool) -> None:
    shades = [lightness(palette.of_velocity(velocity, dark)) for velocity in range(1, 128, 6)]
    assert shades == sorted(shades, reverse=not dark)
    assert abs(shades[0] - shades[-1]) > 0.4


@pytest.mark.parametrize(("dark", "ground"), [(False, 1.0), (True, 0.006)])
def test_even_the_softest_is_seen_on_its_ground(dark: bool, ground: float) -> None:
    shades = [lightness(palette.of_velocity(velocity, dark)) for velocity in (1, 64, 127)]
    contrasts = [(max(shade, ground) + 0.05) / (min(shade, ground) + 0.05) for shade in shades]
    assert contrasts[0] > 1.7
    assert contrasts[-1] > 12


@pytest.mark.parametrize("ground", [1.0, 0.006])
def test_heads_are_distinct_and_seen_on_both_grounds(ground: float) -> None:
    assert len(set(palette.HEADS)) == len(palette.HEADS) == 8
    for head in palette.HEADS:
        shade = lightness((int(head[1:3], 16), int(head[3:5], 16), int(head[5:7], 16)))
        assert (max(shade, ground) + 0.05) / (min(shade, ground) + 0.05) > 2.7


def test_hexadecimal() -> None:
    assert palette.hexadecimal(palette.of_velocity(127)) == "#0d0887"
    assert palette.hexadecimal((0, 10, 255)) == "#000aff"
