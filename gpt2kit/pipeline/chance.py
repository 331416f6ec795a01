"""Whether the model of an evaluation does better than guessing."""

from gpt2kit.data.layouts import Layout
from gpt2kit.data.store import Store
from gpt2kit.errors import DataError
from gpt2kit.metrics.chance import Choices, Labels, Texts, Verdict, of_stream
from gpt2kit.pipeline.engine import Engine


def of_answers(layout: Layout) -> Verdict:
    """The verdict for answers of this layout, before it has received any."""
    if not layout.labels:
        return Texts()
    return Choices() if len(layout.labels) == 1 else Labels()


def of_documents(engine: Engine, store: Store, nats: float, predicted: int) -> str:
    """Why a loss per predicted token on documents is no better than guessing, in words; empty if it is better, or if
    there is not enough to tell, as for a run whose training data is gone.
    """
    size = engine.task.vocabulary.size
    if engine.run is None:
        return ""
    try:
        known = engine.run.prepared.store("train").frequencies(size)
    except DataError:
        return ""
    return of_stream(nats, predicted, store.frequencies(size), known)
