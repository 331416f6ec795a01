"""The page: one file that works offline, in any browser of 2023 or later, and requests nothing."""

from pathlib import Path
from typing import Any

from gpt2kit.files import write_text
from gpt2kit.html import OFFLINE, embedded, filled, head, resource
from gpt2kit.music.pages import palette
from gpt2kit.music.pages.scripts import roll_script

FOLDER = "inspection/page"
SCRIPTS = (
    "data",
    "sampling",
    "drawing",
    "model",
    "input",
    "stack",
    "neurons",
    "glance",
    "attention",
    "close",
    "output",
    "attribution",
    "steps",
    "task",
    "main",
)
"""Parts of one script, in order."""


def page_of(view: dict[str, Any] | None, title: str, piece: dict[str, object] | None = None, live: str = "") -> str:
    """The page as text. `piece` is a performance for the piano roll; `live` is the settings of the explorer's page, as
    JSON: such a page sends requests only to its own server."""
    roll = resource("music/pages/roll.html") if piece else ""
    performance = f'<div id="performance">{roll}</div>\n'
    scripts = [*SCRIPTS, *(["server", "live"] if live else [])]
    style = resource("music/pages/roll.css") + resource(f"{FOLDER}/page.css")
    parts = {
        "head": head(title, style, f"{OFFLINE}; connect-src 'self'" if live else OFFLINE),
        "performance": "" if live else performance,
        "data": embedded(view),
        "piece": f'<script type="application/json" id="piece">{embedded(piece)}</script>' if piece else "",
        "live": filled(resource(f"{FOLDER}/live.html"), {"performance": performance}) if live else "",
        "settings": live or "null",
        "colours": embedded(palette.HEADS),
        "script": "".join(resource(f"{FOLDER}/{name}.js") for name in scripts),
        "player": roll_script() if piece else "",
    }
    return filled(resource(f"{FOLDER}/page.html"), parts)


def write_page(path: Path, view: dict[str, Any], title: str, piece: dict[str, object] | None = None) -> None:
    """Raises MachineError if `path` cannot be written."""
    write_text(path, page_of(view, title, piece))
