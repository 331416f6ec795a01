"""Fills gaps and accompanies tunes: the user's notes stay, and a model adds others."""

from gpt2kit.decoding.grammar import MakeAutomaton
from gpt2kit.errors import UserError
from gpt2kit.music import announcements
from gpt2kit.music.filling import gap_grammar, new_notes, tune_grammar
from gpt2kit.music.grammar import EventGrammar
from gpt2kit.music.notes import Notes, Surroundings
from gpt2kit.pipeline.engine import Engine, Result
from gpt2kit.pipeline.play import EVENTS_A_SECOND

IDS_A_SECOND = EVENTS_A_SECOND + announcements.FOLLOWING + 1
RELEASE_SECONDS = EventGrammar.longest_held // 100 + 1
"""How long the notes of a gap may sound after its end."""


def infill(engine: Engine, around: Surroundings, samples: int, scored: bool = False) -> list[Result]:
    """Answers that fill a gap; `scored`: with log-probabilities."""
    seconds = around.resume - around.until + RELEASE_SECONDS
    return _filled(engine, around, seconds, lambda prompt: gap_grammar(prompt, around), samples, scored)


def accompany(engine: Engine, tune: Notes, samples: int, scored: bool = False) -> list[Result]:
    """Answers that contain a tune and its accompaniment; `scored`: with log-probabilities."""
    return _filled(engine, Notes.none(), tune.duration, lambda prompt: tune_grammar(prompt, tune), samples, scored)


def added(engine: Engine, source: Notes, given: Notes, result: Result) -> Notes:
    """The notes of an answer that were not given, on the clock of those that were."""
    return new_notes(engine.task.encode_source(source), result.ids[0], given)


def _filled(
    engine: Engine,
    source: Notes,
    seconds: float,
    grammar: MakeAutomaton,
    samples: int,
    scored: bool,
) -> list[Result]:
    check_trained(engine)
    config = engine.configured({"max_new_tokens": int((seconds + 2) * IDS_A_SECOND), "roll": True})
    return list(engine.results([source] * samples, config, grammar, scored))


def check_trained(engine: Engine) -> None:
    """Raise UserError for a run that has not learned what announcements mean."""
    run = engine.run.path if engine.run else "this model"
    if engine.task.vocabulary.size < announcements.SIZE:
        raise UserError(
            f"{run} was trained by an older version of gpt2kit, without the announcements of given notes: prepare its "
            "data and train again"
        )
    if not getattr(engine.task, "infill", 0.0):
        raise UserError(
            f"{run} has not learned to fill gaps or to accompany: task.infill is 0; train with --infill 0.25"
        )
