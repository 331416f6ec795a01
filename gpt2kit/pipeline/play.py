"""A trained model plays: new pieces, or how a primer goes on."""

import math
from collections.abc import Iterator

from gpt2kit.decoding.answer import Clock
from gpt2kit.model.attention_weights import attention_spans
from gpt2kit.music import events
from gpt2kit.music.attended import Attention, Weights, grouped
from gpt2kit.music.notes import Notes
from gpt2kit.pipeline.engine import Engine, Result

EVENTS_A_SECOND = 200
"""More than anybody plays: what ends a piece whose time hardly moves."""

PATIENCE = 100
"""Events in a row that let no time pass: more than ten fingers have to do at one moment."""


def play(engine: Engine, primer: Notes, seconds: float, samples: int) -> list[Result]:
    """Continuations of a primer, which may be empty, of so many seconds each."""
    banned = (events.BEGIN, events.END, events.PAD)  # it is the clock that ends a piece
    longest = int(seconds * EVENTS_A_SECOND) + PATIENCE
    config = engine.configured({"ban_ids": list(banned), "max_new_tokens": longest, "roll": True})
    advance = [round(events.seconds([id]) * events.STEPS_A_SECOND) for id in range(events.VOCABULARY)]
    limit = max(1, math.ceil(seconds * events.STEPS_A_SECOND - 1e-6))
    return list(engine.results([primer] * samples, config, Clock(advance, limit, PATIENCE)))


def piece(engine: Engine, primer: Notes, result: Result, alone: bool = False) -> tuple[Notes, float]:
    """The primer and what was played, or that alone; and where in it the new part begins (seconds)."""
    prompt = engine.task.encode_source(primer)
    whole, begun = events.played([*prompt, *result.ids[0]]), events.seconds(prompt)
    return (whole.sliced(begun), 0.0) if alone else (whole, begun)


def stalled(result: Result, seconds: float) -> bool:
    """Whether it was stopped before its time, as time no longer moved on."""
    return not result.finished and events.seconds(result.ids[0]) + 1e-6 < seconds


def looked_back(engine: Engine, prompt: list[int]) -> Attention:
    """What the model looked at for each note of a performance, which is a BEGIN and its events."""
    return grouped(prompt[1:], event_rows(engine, prompt))


def event_rows(engine: Engine, prompt: list[int]) -> Iterator[tuple[int, Weights]]:
    """For each event behind BEGIN (start, its weights [layers, heads, n] on the n events from there on).

    The row that predicts an event is that of the one before; its weight on BEGIN belongs to no note.
    """
    for start, row in attention_spans(engine.model, prompt[:-1]):
        yield max(0, start - 1), row[:, :, start == 0 :].numpy()
