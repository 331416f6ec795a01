"""Pages that need nothing but themselves: templates of the package, filled in."""

import json
import re
from collections.abc import Mapping
from importlib.resources import files


def resource(path: str) -> str:
    """A text that ships with the package, by its path inside."""
    return (files("gpt2kit") / path).read_text(encoding="utf-8")


def filled(template: str, parts: Mapping[str, str]) -> str:
    """A template with each {{name}} replaced, in one pass: what a part says is not looked at again."""
    names = "|".join(map(re.escape, parts))
    return re.sub(r"\{\{(" + names + r")\}\}", lambda found: parts[found[1]], template)


def embedded(value: object) -> str:
    """JSON that no HTML parser takes for the end of its script element."""
    text = json.dumps(value, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")
