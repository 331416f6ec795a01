"""One finding of the examination."""

from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["ok", "note", "lacks"]


@dataclass(frozen=True)
class Finding:
    """A finding; `state` is "note" if something optional is missing, "lacks" if gpt2kit cannot work without it."""

    name: str
    found: str
    """For people, with the consequences."""
    state: State = "ok"
    facts: dict[str, Any] = field(default_factory=dict)
    """The same as figures."""

    def json(self) -> dict[str, Any]:
        return {"name": self.name, "state": self.state, "found": self.found, **self.facts}


def size(count: float) -> str:
    """Bytes in readable form."""
    for unit, least in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= least:
            return f"{count / least:.1f} {unit}"
    return f"{count:.0f} bytes"
