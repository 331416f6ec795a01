"""Where generated tokens come from, in the output of commands."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from typing import TYPE_CHECKING

from gpt2kit.cli import console, several
from gpt2kit.errors import UserError

if TYPE_CHECKING:
    from gpt2kit.pipeline.engine import Engine
    from gpt2kit.pipeline.sources import Origin, TokenSources

COUNT = 3
"""Sources of each token."""

LONGEST = 60
"""Characters of a source text that are shown."""


def read_training_data(engine: "Engine", traced: bool, data: str) -> int:
    """Read or compute what sources and neighbors need, with its progress, if anything does.

    Returns the number of sources for each token. Raises UserError if --data is given and nothing needs it.
    """
    if not traced and not engine.config.knn:
        if data:
            raise UserError(f"--data {data}: only --sources and --knn read the training data; leave it out")
        return 0
    counter = console.Counter("states")
    with several.main_first():
        found = engine.datastore(lambda done, of: counter(f"reading the training data, {of:,} tokens", done))
    counter.done()
    if found.unkept:
        console.say(f"what was computed from the training data is not kept: {found.unkept}")
    return COUNT if traced else 0


def table(engine: "Engine", sources: "Sequence[TokenSources]") -> None:
    """Print the sources of each token of a text, or of each second of music."""
    if engine.task.about.medium == "performance":
        _table_of_seconds(sources)
        return
    continues = engine.task.layout.continues
    rows = []
    for each in sources:
        for number, origin in enumerate(each.sources):
            where = f"{_document(origin)}, {origin.position:,}" if continues else f"{origin.example:,}"
            source = [] if continues else [_shortened(origin.source)]
            text = f"{origin.before}[{origin.token}]{origin.after}"
            rows.append(["" if number else each.token, f"{origin.distance:.2f}", where, *source, text])
    places = ["document, token", "its text"] if continues else ["example", "its source", "its answer"]
    console.table(["token", "distance", *places], [list(map(_line, row)) for row in rows])


def _table_of_seconds(sources: "Sequence[TokenSources]") -> None:
    """Print the piece that most events of each second of new music come from, and where in it the nearest one is."""
    rows = []
    for second, events in groupby(sources, key=lambda each: int(each.second or 0)):
        nearest = [event.sources[0] for event in events]
        ((piece, count),) = Counter(map(_document, nearest)).most_common(1)
        best = min((each for each in nearest if _document(each) == piece), key=lambda each: each.distance)
        rows.append([f"{second}", f"{count} of {len(nearest)}", piece, f"{best.second:.1f}", f"{best.distance:.2f}"])
    console.table(["second", "events", "piece", "its second", "distance"], rows)


def _document(origin: "Origin") -> str:
    return origin.name.rsplit("/", 1)[-1] or f"{origin.example:,}"


def _line(text: str) -> str:
    return text.replace("\r", "\\r").replace("\n", "\\n")


def _shortened(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
