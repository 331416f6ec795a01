"""Plays a trained model: new pieces, or continuations of a primer."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from gpt2kit import files
from gpt2kit.decoding.grammar import Automaton
from gpt2kit.model.attention_weights import attention_spans
from gpt2kit.music.analysis.attended import Attention, Weights, grouped
from gpt2kit.music.editing.primer import Primer, read_primer
from gpt2kit.music.editing.splice import continuation_alone, continued_file
from gpt2kit.music.midi import read_midi
from gpt2kit.music.notes import Notes, Opening
from gpt2kit.music.playing.grammar import EventGrammar, Timed
from gpt2kit.music.playing.steering import Reached, Steering, Wish, reached
from gpt2kit.music.playing.wait import AfterWait
from gpt2kit.music.stream import encoding, events, keyboard
from gpt2kit.pipeline.engine import Engine, Result
from gpt2kit.pipeline.steered import Steered

EVENTS_A_SECOND = 400
"""More than the grammar allows if two seconds are added: a shift in each step, and on the average 50 velocities, onsets
and releases, 250 of each at a time."""

ANYTHING = Wish()


def play(
    engine: Engine,
    primer: Notes,
    seconds: float,
    samples: int,
    scored: bool = False,
    wish: Wish = ANYTHING,
    traced: int = 0,
) -> list[Result]:
    """Continuations of a primer, which may be empty, of `seconds` each; `scored`: with log-probabilities, `traced`:
    with the sources of each event.

    The notes that sound at the end of an `Opening` are let go by the model, which is steered towards a `wish`.
    """
    longest = int((seconds + 2) * EVENTS_A_SECOND)
    config = engine.configured({"max_new_tokens": longest, "roll": True})
    wait = round(waiting(engine, primer) * events.STEPS_A_SECOND)
    end = wait + max(1, math.ceil(seconds * events.STEPS_A_SECOND - 1e-6))
    kind = EventGrammar if config.grammar else Timed

    def automaton(prompt: Sequence[int]) -> Automaton:
        grammar = AfterWait(kind(prompt, end), wait)
        return Steered(grammar, Steering(wish, prompt, wait)) if wish != ANYTHING else grammar

    return list(engine.results([primer] * samples, config, automaton, scored, traced))


def waiting(engine: Engine, primer: Notes) -> float:
    """The seconds between the last event of a prompt and the beginning of its continuation, which answers contain."""
    if not isinstance(primer, Opening):
        return 0.0
    return primer.until - encoding.seconds(engine.task.encode_source(primer))


def piece(engine: Engine, result: Result) -> Notes:
    """The notes of a new piece."""
    return keyboard.played([*engine.task.encode_source(Notes.none()), *result.ids[0]])


def continuation(engine: Engine, primer: Primer, result: Result, alone: bool = False) -> bytes:
    """The primer's MIDI file with its continuation, as `continued_file` writes it; or the latter `alone`."""
    found = keyboard.continued(engine.task.encode_source(primer.opening), result.ids[0], primer.opening.until)
    return continuation_alone(primer, found.new) if alone else continued_file(primer, found)


def continue_midi(
    engine: Engine,
    path: Path | str,
    out: Path | str,
    seconds: float,
    prime_seconds: float | None = None,
    wish: Wish = ANYTHING,
) -> Notes:
    """Continue a MIDI file by `seconds`, or its first `prime_seconds`; returns the notes of the new file `out`.

    In it, the messages of the given file up to there are unchanged; the new notes are one more track. They are steered
    towards a `wish`.
    """
    task: Any = engine.task
    primer = read_primer(path, prime_seconds, task.instruments, task.salvage)
    (result,) = play(engine, primer.opening, seconds, 1, wish=wish)
    with files.atomic(Path(out)) as temporary:
        temporary.write_bytes(continuation(engine, primer, result))
    return read_midi(out, task.instruments).notes


def fulfilled(engine: Engine, primer: Notes, result: Result, wish: Wish) -> dict[str, Reached]:
    """How the new notes after a primer compare with a wish."""
    wait = round(waiting(engine, primer) * events.STEPS_A_SECOND)
    return reached(wish, engine.task.encode_source(primer), result.ids[0], wait)


def shortfall(result: Result, seconds: float, wait: float = 0.0) -> str:
    """What a piece lacks of the music that was asked for, after a `wait`; empty if it lacks nothing."""
    (ids,) = result.ids
    if (made := encoding.seconds(ids) - wait) + 1e-6 < seconds:
        why = "the model wrote events without any time between them, which generate.grammar = true prevents"
        return f"only {made:.1f} of {seconds:g} seconds: {why}"
    return "" if any(id < events.NOTE_OFF for id in ids) else f"the model played no notes in {seconds:g} seconds"


def looked_back(engine: Engine, prompt: list[int]) -> Attention:
    """The notes that each note of a performance attended to; the prompt is BEGIN and its events."""
    return grouped(prompt[1:], event_rows(engine, prompt))


def event_rows(engine: Engine, prompt: list[int]) -> Iterator[tuple[int, Weights]]:
    """For each event after BEGIN (start, its weights [layers, heads, n] on the n events from `start` on).

    An event is predicted by the row of the previous one; that row's weight on BEGIN belongs to no note.
    """
    for start, row in attention_spans(engine.model, prompt[:-1]):
        yield max(0, start - 1), row[:, :, start == 0 :].numpy()
