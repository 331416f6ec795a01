"""The page: one file that works offline, in any browser of 2023 or later, and requests nothing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gpt2kit.files import write_text
from gpt2kit.html import OFFLINE, embedded, filled, head, json_element, resource
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


@dataclass(frozen=True)
class Live:
    """What makes a page answer: the input, the scripts that ask, and what they are told."""

    settings: Mapping[str, Any]
    input: str
    """HTML in front of the answer."""
    scripts: Sequence[str]
    """Parts of the page's script, by their paths within the package: they define `ask` and `question` and begin by
    `refresh()`."""
    policy: str
    """What the page may do in addition to `OFFLINE`."""
    after: str = ""
    """HTML after the answer."""
    data: Mapping[str, Any] = field(default_factory=dict)
    """More data, as JSON in elements of these ids."""
    style: str = ""
    end: str = ""
    """HTML at the end of the page."""


def page_of(
    view: dict[str, Any] | None,
    title: str,
    piece: dict[str, object] | None = None,
    live: Live | None = None,
    last: str = "",
) -> str:
    """The page as text. `piece` is a performance for the piano roll, `last` the HTML of a last section."""
    roll = resource("music/pages/roll.html") if piece else ""
    performance = f'<div id="performance">{roll}</div>\n'
    scripts = [f"{FOLDER}/{name}" for name in SCRIPTS] + ([] if live is None else [*live.scripts])
    style = resource("music/pages/roll.css") + resource(f"{FOLDER}/page.css") + ("" if live is None else live.style)
    blocks = ({"piece": piece} if piece else {}) | dict({} if live is None else live.data)
    parts = {
        **_unit_parts("event" if piece else "token"),
        "head": head(title, style, OFFLINE if live is None else f"{OFFLINE}{live.policy}"),
        "performance": performance if live is None else "",
        "data": embedded(view),
        "blocks": "".join(json_element(id, value) for id, value in blocks.items()),
        "live": "" if live is None else _live_part(live, performance),
        "last": last,
        "end": "" if live is None else live.end,
        "settings": embedded(None if live is None else live.settings),
        "colours": embedded(palette.HEADS),
        "script": "".join(resource(f"{name}.js") for name in scripts),
        "player": roll_script() if piece else "",
    }
    return filled(resource(f"{FOLDER}/page.html"), parts)


def _unit_parts(unit: str) -> dict[str, str]:
    """How a template names what a model reads one after the other."""
    article = "an" if unit[0] in "aeiou" else "a"
    return {"unit": unit, "Unit": unit.capitalize(), "a-unit": f"{article} {unit}"}


def _live_part(live: Live, performance: str) -> str:
    parts = {"input": live.input, "performance": performance, "after": live.after}
    return filled(resource(f"{FOLDER}/live.html"), parts)


def write_page(
    path: Path, view: dict[str, Any], title: str, piece: dict[str, object] | None = None, last: str = ""
) -> None:
    """Raises MachineError if `path` cannot be written."""
    write_text(path, page_of(view, title, piece, last=last))
