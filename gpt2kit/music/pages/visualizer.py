"""Attention as the JSON that the public visualiser of the Music Transformer reads: "Load file" on its performance page.

{"music_text": [an event's name, ...], "music": [its id, ...], "sparse": true,
"attention_weights": [layer][0][head][event] = {an earlier event: its weight, ...}}

It paints a row's weights onto the events of their numbers, leaves out names other than those of the 388 events, and
treats the first column as padding. So the events here begin after BEGIN, whose weight is left out, and each event's row
is the one that predicted it. https://github.com/magenta/music-transformer-visualization
"""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gpt2kit.music.stream import events

HEADS = 8
"""The visualiser has colours for only this many."""

LEAST = 0.001
"""Smaller weights are left out, as in the visualiser's own files."""


def visualised(ids: Sequence[int], spans: Iterable[tuple[int, NDArray[np.float32]]]) -> dict[str, Any]:
    """The JSON for events without BEGIN; `spans` has (start, its weights [L, H, n] on the n events from `start` on) for
    each."""
    weights: list[list[list[dict[int, float]]]] = []
    kept = [place for place, id in enumerate(ids) if id < events.BEGIN]
    number = {place: count for count, place in enumerate(kept)}
    for place, (start, row) in enumerate(spans):
        if not weights:
            weights = [[[] for _ in range(min(HEADS, row.shape[1]))] for _ in range(row.shape[0])]
        if place not in number:
            continue
        for layer, heads in enumerate(weights):
            for head, rows in enumerate(heads):
                found = np.flatnonzero(row[layer, head] >= LEAST)
                shares = zip(found.tolist(), row[layer, head, found].tolist(), strict=True)
                rows.append({number[start + at]: round(share, 4) for at, share in shares if start + at in number})
    return {
        "music": [ids[place] for place in kept],
        "music_text": [events.name(ids[place]) for place in kept],
        "sparse": True,
        "attention_weights": [[heads] for heads in weights],
    }
