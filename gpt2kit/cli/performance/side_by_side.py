"""Several pieces of one command, compared: the figures of each, and a page to listen to all of them."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gpt2kit.cli import console
from gpt2kit.cli.performance import wishes
from gpt2kit.cli.performance.outputs import Written, replacing
from gpt2kit.errors import DataError, counted

if TYPE_CHECKING:
    from gpt2kit.data.store import Store
    from gpt2kit.music.marked import Marked
    from gpt2kit.music.pages.listening import Sample
    from gpt2kit.pipeline.engine import Engine

NOT_THERE = "not measured: the training data is not there"


def compare(page: Path | None, written: Sequence[Written], engine: "Engine", what: str, seconds: float) -> None:
    """Add the figures of each piece to its facts, and with a `page` also the longest passage that is in the training
    data; write that page. `what` is what the pieces are, in the plural.

    The facts name the files, and optionally `seed` and what was `steered`. The figures are those of the new notes;
    `seconds` is the length of the part that these were to fill.
    """
    from gpt2kit.music.pages.listening import Figures, write_listening_page

    samples = [_sample(*each, seconds) for each in written]
    facts_of = [each.facts for each in written]
    for facts, sample in zip(facts_of, samples, strict=True):
        figures = sample.figures
        facts |= asdict(figures) if figures else dict.fromkeys(field.name for field in fields(Figures))
    if page is None:
        return
    store = _training(engine)
    if store is not None:
        samples = _searched(engine, store, samples)
    else:
        console.say(f"copied passages: {NOT_THERE}")
    for facts, sample in zip(facts_of, samples, strict=True):
        facts["copied"] = None if sample.copied is None else sample.copied.json()
        facts["page"] = str(page)
        console.say(f"{sample.name}: {', '.join(' '.join(fact) for fact in sample.facts(NOT_THERE))}")
    config, run = engine.config, engine.run
    drawn = [f"temperature {config.temperature:g}", *([f"top-k {config.top_k}"] if config.top_k else [])]
    drawn += [f"top-p {config.top_p:g}"] if config.top_p < 1 else []
    about = [f"{len(samples)} {what}", *([run.path.name] if run else []), *drawn]
    with replacing(page):
        write_listening_page(page, page.stem, " · ".join(about), samples, NOT_THERE)
    console.say(f"{page}: a page to listen to all of them")


def _sample(facts: dict[str, Any], piece: "Marked", seconds: float) -> "Sample":
    from gpt2kit.music.pages.listening import Sample

    files = [Path(facts[kind]).name for kind in ("midi", "wav", "flac") if kind in facts]
    steered = wishes.facts(facts.get("steered", {}))
    return Sample(Path(facts["midi"]).stem, piece, seconds, facts.get("seed"), files, wishes=steered)


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
