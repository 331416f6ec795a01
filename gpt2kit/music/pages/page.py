"""Notes as one self-contained HTML page: a piano roll that plays, with the model's attention."""

import base64
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gpt2kit.errors import counted
from gpt2kit.files import write_text
from gpt2kit.html import embedded, filled, head, resource
from gpt2kit.music.analysis.attended import Attention
from gpt2kit.music.notes import Notes
from gpt2kit.music.pages import palette
from gpt2kit.music.pages.scripts import roll_script


def write_page(
    path: Path, notes: Notes, title: str, primer_seconds: float = 0.0, attention: Attention | None = None
) -> None:
    """Write a page that works from a file, offline, in any browser of 2023 or later; it requests nothing.

    The music before `primer_seconds` is marked as the primer. `attention` has one entry per note, in their order. A
    minute of dense piano takes 50 kB, or about 900 kB with 6 layers of 8 heads and 6 keys each. The same input gives
    the same bytes. Raises ValueError if `attention` belongs to other notes, MachineError if `path` cannot be written.
    """
    parts = {
        "head": head(title, resource("music/pages/roll.css")),
        "piece": embedded(piece_of(notes, title, primer_seconds, attention)),
        "roll": resource("music/pages/roll.html"),
        "script": roll_script(),
    }
    write_text(path, filled(resource("music/pages/page.html"), parts))


def piece_of(
    notes: Notes, title: str, primer_seconds: float = 0.0, attention: Attention | None = None
) -> dict[str, object]:
    """The data that the player shows, as JSON."""
    if attention is not None and len(attention.keys) != len(notes):
        raise ValueError(
            f"attention for {counted(len(attention.keys), 'note')} does not fit {counted(len(notes), 'note')}"
        )
    return {
        "title": title,
        "primer": round(min(max(primer_seconds, 0.0), notes.duration), 3),
        "pitch": notes.pitch.tolist(),
        "velocity": notes.velocity.tolist(),
        "start": milliseconds(notes.start),
        "end": milliseconds(notes.end),
        "colours": velocity_colours(),
        "heads": palette.HEADS,
        "attention": None if attention is None else _packed(attention),
    }


def velocity_colours() -> dict[str, list[str]]:
    """The colours of velocities 1 to 127 on light and on dark."""
    return {
        name: [palette.hexadecimal(palette.of_velocity(velocity, name == "dark")) for velocity in range(1, 128)]
        for name in ("light", "dark")
    }


def milliseconds(seconds: NDArray[np.float64]) -> list[int]:
    return np.round(seconds * 1000).astype(np.int64).tolist()


def _packed(attention: Attention) -> dict[str, object]:
    """Little-endian arrays in base64: keys of two bytes (four with 65,535 notes or more; all bits set: no key), weights
    of one byte.

    `others` has a byte for each note, layer and head."""
    notes, layers, heads, top = attention.keys.shape
    wide = notes >= 0xFFFF
    keys = attention.keys.astype("<i8").astype("<u4" if wide else "<u2")
    weights, others = (np.rint(shares * 255).astype(np.uint8) for shares in (attention.weights, attention.others))
    return {
        "layers": layers,
        "heads": heads,
        "top": top,
        "wide": wide,
        "keys": base64.b64encode(keys.tobytes()).decode("ascii"),
        "weights": base64.b64encode(weights.tobytes()).decode("ascii"),
        "others": base64.b64encode(others.tobytes()).decode("ascii"),
    }
