"""The script of the piano roll, in parts: it plays a performance and shows what each note looked at."""

from gpt2kit.html import resource

FOLDER = "music/pages/pianoroll"
PARTS = ("piece", "looks", "view", "drawing", "choosing", "controls", "start")
"""In order."""


def roll_script() -> str:
    """The piano, and the roll for a page with the elements of `roll.html` and the data of `piece_of` in #piece."""
    parts = "".join(resource(f"{FOLDER}/{name}.js") for name in PARTS)
    return f"{resource('music/pages/piano.js')}(() => {{\n{parts}}})();\n"
