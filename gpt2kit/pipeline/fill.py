"""Fills gaps and accompanies tunes: the user's notes stay, and a model adds others."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from gpt2kit import files
from gpt2kit.decoding.grammar import Automaton
from gpt2kit.errors import UserError
from gpt2kit.music.editing.given_file import GivenFile, read_gap, read_tune
from gpt2kit.music.midi import read_midi
from gpt2kit.music.notes import Accompanied, Notes, Surroundings
from gpt2kit.music.playing.filling import gap_grammar, new_notes, tune_grammar
from gpt2kit.music.playing.given import GivenGrammar
from gpt2kit.music.playing.grammar import EventGrammar
from gpt2kit.music.playing.steering import Reached, Steering, Wish, reached_by
from gpt2kit.music.stream import announcements
from gpt2kit.pipeline.engine import Engine, Result
from gpt2kit.pipeline.play import ANYTHING, EVENTS_A_SECOND
from gpt2kit.pipeline.steered import Steered

RELEASE_SECONDS = EventGrammar.longest_held // 100 + 1
"""How long new notes may sound after the end of their part."""
SHORTEST_GAP, LONGEST_GAP = 0.1, 15.0
"""Seconds."""

Given = Surroundings | Accompanied


def infill(
    engine: Engine, around: Surroundings, samples: int, scored: bool = False, wish: Wish = ANYTHING
) -> list[Result]:
    """Answers that fill a gap; `scored`: with log-probabilities."""
    return _filled(engine, around, lambda prompt: gap_grammar(prompt, around), samples, scored, wish)


def accompany(
    engine: Engine, tune: Accompanied, samples: int, scored: bool = False, wish: Wish = ANYTHING
) -> list[Result]:
    """Answers that contain a tune and its accompaniment; `scored`: with log-probabilities."""
    return _filled(engine, tune, lambda prompt: tune_grammar(prompt, tune), samples, scored, wish)


def added(engine: Engine, given: Given, result: Result) -> Notes:
    """The notes of an answer that were not given, on the clock of those that were."""
    return new_notes(engine.task.encode_source(given), result.ids[0], given)


def part(given: Given) -> tuple[float, float]:
    """When the new notes are struck: from, and to (seconds)."""
    if isinstance(given, Surroundings):
        return given.until, given.resume
    return given.until, min(given.finish, given.duration)


def fulfilled(given: Given, new: Notes, wish: Wish) -> dict[str, Reached]:
    """How new notes compare with a wish."""
    begin, end = part(given)
    return reached_by(wish, new.velocity, end - begin)


def shortfall(given: Given, new: Notes) -> str:
    """What new notes lack; empty if there are some."""
    begin, end = part(given)
    return "" if len(new) else f"the model played no new notes in {end - begin:g} seconds"


def infill_midi(
    engine: Engine, path: Path | str, out: Path | str, begin: float, end: float, wish: Wish = ANYTHING
) -> Notes:
    """Replace the notes of a MIDI file that are struck from `begin` to before `end` (seconds); returns the notes of the
    new file `out`.

    All other messages of the given file are unchanged; the new notes are one more track.
    """
    task: Any = engine.task
    check_gap(begin, end, read_midi(path, task.instruments, task.salvage).notes.duration, str(path))
    given = read_gap(path, begin, end, task.instruments, task.salvage)
    return _written(engine, given, infill(engine, given.notes, 1, wish=wish), out)


def accompany_midi(
    engine: Engine,
    path: Path | str,
    out: Path | str,
    begin: float = 0.0,
    end: float = float("inf"),
    tune_only: bool = False,
    wish: Wish = ANYTHING,
) -> Notes:
    """Add notes to the tune of a MIDI file, from `begin` to before `end` (seconds); returns the notes of the new file
    `out`.

    The messages of the given file are unchanged; the new notes are one more track. With `tune_only`, notes of the
    part that are not of the tune are left out.
    """
    task: Any = engine.task
    check_part(begin, end, read_midi(path, task.instruments, task.salvage).notes.duration, str(path))
    given = read_tune(path, task.instruments, task.salvage, begin, end, tune_only)
    return _written(engine, given, accompany(engine, given.notes, 1, wish=wish), out)


def check_gap(begin: float, end: float, duration: float, path: str, names: tuple[str, str] = ("begin", "end")) -> None:
    """Raise UserError for a gap that cannot be filled in a file; `names` are those of its limits."""
    _check_begin(begin, names[0])
    if end <= begin:
        raise UserError(f"{names[1]} {end:g}: must be after {names[0]} {begin:g}")
    if not SHORTEST_GAP <= end - begin <= LONGEST_GAP:
        raise UserError(
            f"{names[0]} {begin:g} {names[1]} {end:g}: a gap lasts from {SHORTEST_GAP:g} to {LONGEST_GAP:g} seconds; "
            "fill a longer one in parts"
        )
    if end > max(duration, round(duration, 2)):  # what the message says is accepted
        raise UserError(
            f"{names[1]} {end:g}: {path} ends after {duration:.2f} seconds; to continue a piece, use generate --prime"
        )


def check_part(begin: float, end: float, duration: float, path: str, names: tuple[str, str] = ("begin", "end")) -> None:
    """Raise UserError for a part of a file that cannot be accompanied; `names` are those of its limits."""
    _check_begin(begin, names[0])
    if not end - begin >= SHORTEST_GAP:
        raise UserError(f"{names[1]} {end:g}: must be at least {SHORTEST_GAP:g} seconds after {names[0]} {begin:g}")
    if begin > duration - SHORTEST_GAP:
        raise UserError(f"{names[0]} {begin:g}: {path} ends after {duration:.2f} seconds")


def _check_begin(begin: float, name: str) -> None:
    if not 0 <= begin < float("inf"):
        raise UserError(f"{name} {begin:g}: must be 0 seconds or more")


def _filled(
    engine: Engine,
    given: Given,
    grammar: Callable[[Sequence[int]], GivenGrammar],
    samples: int,
    scored: bool,
    wish: Wish,
) -> list[Result]:
    check_trained(engine)
    begin, end = part(given)
    # Beyond what the grammar allows: all that is given.
    longest = int((end - begin + RELEASE_SECONDS + 2) * EVENTS_A_SECOND) + 5 * len(given)
    config = engine.configured({"max_new_tokens": longest, "roll": True})

    def automaton(prompt: Sequence[int]) -> Automaton:
        found = grammar(prompt)
        if wish == ANYTHING:
            return found
        return Steered(found, Steering(wish, prompt, found.wait), lambda: found.due)

    return list(engine.results([given] * samples, config, automaton, scored))


def _written(engine: Engine, given: GivenFile[Any], results: list[Result], out: Path | str) -> Notes:
    (result,) = results
    with files.atomic(Path(out)) as temporary:
        temporary.write_bytes(given.with_new(added(engine, given.notes, result)))
    task: Any = engine.task
    return read_midi(out, task.instruments).notes


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
