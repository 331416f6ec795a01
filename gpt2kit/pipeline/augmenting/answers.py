"""Answers of a run to many inputs. Each is appended to a file when it is made, so that a killed command continues."""

import json
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from gpt2kit import files
from gpt2kit.decoding.repetition import repeats_itself
from gpt2kit.decoding.seeds import reproducible
from gpt2kit.errors import DataError, UserError
from gpt2kit.pipeline.engine import Engine, Result
from gpt2kit.pipeline.kept_answers import PART, digest, part_size, whole_lines
from gpt2kit.pipeline.prepare import ignore

PATTERN = "answers-*.jsonl"
"""The names of the files."""

Progress = Callable[[int, int, float], None]
"""(answers so far, of how many, seconds left)."""


class Said(NamedTuple):
    """One answer."""

    text: str
    confidence: float | None
    """The probability of a label, or the geometric mean of those of an answer's tokens, its end token included; None
    where it is not known."""
    problem: str
    """Why it is not fit to be learned, in a few words; empty if it is."""


def answers(
    engine: Engine,
    sources: Sequence[Any],
    count: int,
    folder: Path,
    scored: bool = False,
    progress: Progress = ignore,
) -> list[list[Said]]:
    """The answers to each source: `count` samples, or the `count` best of beam search.

    They are kept in a file of `folder`, whose name is a digest of all that they depend on: with the same run, sources
    and settings, only those that it lacks are made. `scored`: with a confidence also where that takes time.

    Raises UserError for a `count` that the settings cannot give, DataError for a damaged file.
    """
    config, labels = reproducible(engine.config), bool(engine.task.layout.labels)
    sampled = config.temperature > 0 and not labels
    if count < 1:
        raise UserError(f"answers = {count}; expected 1 or more")
    if count > 1 and labels:
        raise UserError(f"answers = {count}: a text has one label; expected 1")
    if not sampled and count > config.beams:
        raise UserError(
            f"answers = {count}: expected 1 to the number of beams, which is {config.beams}; or sample with a "
            "temperature above 0"
        )
    sizes = [len(repr(source)) for source in sources]
    order = sorted(range(len(sources)), key=lambda place: -sizes[place]) * (count if sampled else 1)
    asked = [sources[place] for place in order]
    path = folder / f"answers-{digest(engine, [count, scored], asked)}.jsonl"
    said, assigned = _kept(path), config.seed
    assert isinstance(assigned, int), "reproducible has set it"
    left, started = sum(sizes[place] for place in order[len(said) :]), time.monotonic()
    done = 0
    progress(len(said), len(order), math.inf)
    with files.appended(path) as append:
        size = part_size(engine, PART)
        for start in range(len(said), len(order), size):
            part = slice(start, start + size)
            results = engine.results(asked[part], replace(config, seed=assigned + start), scored=scored)
            for place, result in zip(order[part], results, strict=True):
                found = _said(result, 1 if sampled else count)
                append(json.dumps(found, ensure_ascii=False))
                said.append(found)
                done += sizes[place]
            progress(len(said), len(order), (time.monotonic() - started) * (left / max(1, done) - 1))
    found_by_source: list[list[Said]] = [[] for _ in sources]
    for place, found in zip(order, said, strict=True):
        found_by_source[place] += found
    return found_by_source


def _said(result: Result, best: int) -> list[Said]:
    found = []
    made = zip(result.outputs[:best], result.ids, result.log_probabilities, strict=False)
    for place, (output, ids, total) in enumerate(made):
        ended = place < result.complete
        tokens = 1 if result.probabilities is not None else len(ids) + ended
        confidence = None if total is None else math.exp(total / max(1, tokens))
        problem = "" if str(output).strip() else "empty answer"
        problem = problem or ("answer with bytes of no character" if "\ufffd" in str(output) else "")
        problem = problem or ("" if ended else "answer without an end")
        problem = problem or ("answer that repeats itself" if repeats_itself(ids) else "")
        found.append(Said(str(output), confidence, problem))
    return found


def _kept(path: Path) -> list[list[Said]]:
    """The answers in a file."""
    try:
        return [[Said(*each) for each in json.loads(line)] for line in whole_lines(path)]
    except (ValueError, TypeError) as error:
        raise DataError(f"{path} is damaged ({error}): delete it, and its answers are made again") from None
