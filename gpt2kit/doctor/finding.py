"""One thing that was looked at."""

from dataclasses import dataclass, field
from typing import Any, Literal

State = Literal["ok", "note", "lacks"]


@dataclass(frozen=True)
class Finding:
    """What there is; `state` is "note" where less is there than could be, "lacks" where gpt2kit cannot do without."""

    name: str
    found: str
    """For people; with what follows from it."""
    state: State = "ok"
    facts: dict[str, Any] = field(default_factory=dict)
    """The same in figures."""

    def json(self) -> dict[str, Any]:
        return {"name": self.name, "state": self.state, "found": self.found, **self.facts}


def size(count: float) -> str:
    """Bytes as people read them."""
    for unit, least in (("TB", 1e12), ("GB", 1e9), ("MB", 1e6)):
        if count >= least:
            return f"{count / least:.1f} {unit}"
    return f"{count:.0f} bytes"
