"""The pieces that a run was trained on, as notes: to compare others with them."""

from collections.abc import Iterator

from gpt2kit.data.store import Store
from gpt2kit.music.analysis.copying import TrainingPieces
from gpt2kit.music.notes import Notes
from gpt2kit.pipeline.engine import Engine


def performances(engine: Engine, store: Store) -> Iterator[Notes]:
    """The pieces of a split."""
    for index in range(len(store)):
        prompt, target = store.row(index)
        yield engine.task.decode([*prompt, *target])


def training_pieces(engine: Engine, store: Store) -> TrainingPieces:
    """The pieces of the training split, to search for passages. Raises DataError if they have no names."""
    return TrainingPieces(zip(store.names(), performances(engine, store), strict=True))
