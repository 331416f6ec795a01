"""Several pieces of one command, compared: the figures of each, and a page to listen to all of them."""

from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt2kit.cli import console
from gpt2kit.errors import DataError, counted

if TYPE_CHECKING:
    from gpt2kit.data.store import Store
    from gpt2kit.music.listening import Sample
    from gpt2kit.pipeline.engine import Engine

NOT_THERE = "not measured: the training data is not there"


def compare(
    page: Path | None,
    pieces: list[dict[str, Any]],
    engine: "Engine",
    what: str,
    new: tuple[float, float] | None = None,
) -> None:
    """Add the figures of each piece to its description, and with a `page` also the longest passage that is in the
    training data; write that page. `what` is what the pieces are, in the plural.

    A description has the files of the piece, and optionally `primer_seconds` and `seed`. The figures are those of the
    model's part: from `new[0]` to `new[1]` (seconds), by default all after the primer.
    """
    from gpt2kit.music.listening import Figures, write_listening_page

    samples = [_sample(piece, new) for piece in pieces]
    for piece, sample in zip(pieces, samples, strict=True):
        figures = Figures.of(sample.new)
        piece |= asdict(figures) if figures else dict.fromkeys(field.name for field in fields(Figures))
    if page is None:
        return
    store = _training(engine)
    if store is not None:
        samples = _searched(engine, store, samples)
    else:
        console.say(f"copied passages: {NOT_THERE}")
    for piece, sample in zip(pieces, samples, strict=True):
        piece["copied"] = None if sample.copied is None else sample.copied.json()
        piece["page"] = str(page)
        console.say(f"{sample.name}: {', '.join(' '.join(fact) for fact in sample.facts(NOT_THERE))}")
    config, run = engine.config, engine.run
    drawn = [f"temperature {config.temperature:g}", *([f"top-k {config.top_k}"] if config.top_k else [])]
    drawn += [f"top-p {config.top_p:g}"] if config.top_p < 1 else []
    facts = [f"{len(samples)} {what}", *([run.path.name] if run else []), *drawn]
    write_listening_page(page, page.stem, " · ".join(facts), samples, NOT_THERE)
    console.say(f"{page}: a page to listen to all of them")


def _sample(piece: dict[str, Any], new: tuple[float, float] | None) -> "Sample":
    from gpt2kit.music.listening import Sample
    from gpt2kit.music.midi import read_midi

    path = Path(piece["midi"])
    files = [Path(piece[kind]).name for kind in ("midi", "wav", "flac") if kind in piece]
    begin, end = new or (piece.get("primer_seconds", 0.0), float("inf"))
    return Sample(path.stem, read_midi(path).notes, begin, end, piece.get("seed"), files)


def _training(engine: "Engine") -> "Store | None":
    """The training split of the run; None if it is gone, or no longer the one that the run was trained on."""
    try:
        return None if engine.run is None else engine.run.prepared_as_it_was().store("train")
    except DataError:
        return None


def _searched(engine: "Engine", store: "Store", samples: list["Sample"]) -> list["Sample"]:
    from gpt2kit.pipeline.training_pieces import training_pieces

    console.say(f"searching {counted(len(store), 'training piece')} for passages that are copied")
    try:
        training = training_pieces(engine, store)
    except DataError as error:
        console.say(f"copied passages: not measured: {error}")
        return samples
    return [sample.compared(training) for sample in samples]
