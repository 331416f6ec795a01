"""Colours that carry meaning: how hard a key was struck, and which head looks.

Loudness runs along matplotlib's perceptual map "plasma" (Nathaniel Smith and Stéfan van der Walt, 2015), without the
end that would vanish on the background: its lightness changes evenly, so it reads without colour vision and in grey.
Louder stands out more: darker on light ground, lighter on dark ground.
"""

PLASMA = (
    (13, 8, 135),
    (65, 4, 157),
    (106, 0, 168),
    (143, 13, 164),
    (177, 42, 144),
    (204, 71, 120),
    (225, 100, 98),
    (242, 132, 75),
    (252, 166, 54),
    (252, 206, 37),
    (240, 249, 33),
)
"""RGB at even steps from 0 to 1."""
ON_LIGHT = (0.84, 0.0)
"""Where on the map velocities 1 and 127 lie."""
ON_DARK = (0.30, 1.0)

HEADS = ("#3b76c4", "#e0592a", "#2e9957", "#b8479e", "#a98d0c", "#1aa3b8", "#8a63d2", "#878787")
"""Of the first eight heads, then again from the first; after Okabe and Ito, each legible on white and on black."""

Colour = tuple[int, int, int]


def of_velocity(velocity: int, dark: bool = False) -> Colour:
    """RGB of a velocity from 1 to 127 for a light or a dark background."""
    soft, loud = ON_DARK if dark else ON_LIGHT
    place = (soft + (loud - soft) * (velocity - 1) / 126) * (len(PLASMA) - 1)
    below = min(int(place), len(PLASMA) - 2)
    rest = place - below
    red, green, blue = (
        round(low + (high - low) * rest) for low, high in zip(PLASMA[below], PLASMA[below + 1], strict=True)
    )
    return red, green, blue


def hexadecimal(colour: Colour) -> str:
    """#rrggbb."""
    return "#{:02x}{:02x}{:02x}".format(*colour)
