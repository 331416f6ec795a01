"""Colours with a meaning: the velocity of a note, whether it is given, and the number of an attention head.

Velocity follows matplotlib's perceptual colour map "plasma" (Nathaniel Smith and Stéfan van der Walt, 2015), without
the end that would vanish on the background. Its lightness changes evenly, so it is readable without colour vision and
in grey. Louder notes have more contrast: they are darker on a light background and lighter on a dark one.
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
"""The positions of velocities 1 and 127 on the map."""
ON_DARK = (0.30, 1.0)

GIVEN, GIVEN_ON_DARK = (158, 165, 177), (110, 117, 130)
"""Notes that are given, among those that a model adds."""

HEADS = ("#3b76c4", "#e0592a", "#2e9957", "#b8479e", "#a98d0c", "#1aa3b8", "#8a63d2", "#878787")
"""Colours of eight heads, repeated for more; after Okabe and Ito, each legible on white and on black."""

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
