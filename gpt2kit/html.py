"""Self-contained pages: the package's templates, filled in."""

import json
import re
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Any

OFFLINE = (
    "default-src 'none'; form-action 'none'; base-uri 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'"
)
"""The content security policy of a page that requests nothing."""


def resource(path: str) -> str:
    """A text file of the package, by its path within it."""
    return (files("gpt2kit") / path).read_text(encoding="utf-8")


def filled(template: str, parts: Mapping[str, str]) -> str:
    """A template with each {{name}} replaced, in one pass: the inserted parts are not searched again."""
    names = "|".join(map(re.escape, parts))
    return re.sub(r"\{\{(" + names + r")\}\}", lambda found: parts[found[1]], template)


def head(title: str, style: str, policy: str = OFFLINE) -> str:
    """The beginning of a page, up to its body."""
    return filled(resource("head.html"), {"policy": policy, "title": escape(title), "style": style})


def json_element(id: str, value: object) -> str:
    """A script element that contains data."""
    return f'<script type="application/json" id="{id}">{embedded(value)}</script>\n'


def json_of_element(page: str, id: str) -> Any:
    """The data in an element of a page that `json_element` made. Raises ValueError if there is none."""
    _, begin, rest = page.partition(f'<script type="application/json" id="{id}">')
    if not begin:
        raise ValueError(f"the page has no data {id!r}")
    return json.loads(rest.partition("</script>")[0])


def embedded(value: object) -> str:
    """JSON that an HTML parser cannot mistake for the end of its script element."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
