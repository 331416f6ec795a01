"""Whether the model of an evaluation does better than guessing."""

from gpt2kit.data.layouts import Layout
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError
from gpt2kit.metrics.chance import Labels, Texts, Verdict, of_stream
from gpt2kit.pipeline.engine import Engine


def of_answers(layout: Layout) -> Verdict:
    """A verdict on answers, which it is yet to receive."""
    return Labels(own_choices=len(layout.labels) == 1) if layout.labels else Texts()


def of_documents(engine: Engine, store: Store, nats: float) -> str:
    """Why a loss per token on documents is at chance level, in words; empty if it is better.

    The frequencies are those of the run's training data; without it, every token is as frequent.
    """
    size = engine.task.vocabulary.size
    try:
        known = [0] * size if engine.run is None else engine.run.prepared.store("train").frequencies(size)
    except DataError:
        known = [0] * size
    return of_stream(nats, store.frequencies(size), known)
