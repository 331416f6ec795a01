"""The view of a performance: the engine computes what `inspect` does, with the grammar that the music has at each
place."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpt2kit
from gpt2kit.html import resource
from gpt2kit.inspection.grammar import automaton_at
from gpt2kit.inspection.subject import Subject
from gpt2kit.inspection.trace import trace_of
from gpt2kit.inspection.view import view_of
from gpt2kit.live.content import content
from gpt2kit.model.ablation import Off
from gpt2kit.music.editing.primer import primer_of
from gpt2kit.music.midi_file.writer import midi_bytes
from gpt2kit.music.notes import FIELDS, Notes
from gpt2kit.pipeline import play
from gpt2kit.pipeline.engine import Engine
from gpt2kit.selftest.run_under_test import opened
from tests.live.test_engine_view import agrees

Script = Callable[..., Any]
SETTINGS: dict[str, Any] = {"temperature": 0.9, "top_k": 0, "top_p": 0.9, "seed": 3}
HOST = f"""(run) => {{
  const OTHERS = 10;
  {resource("live/page/worker_music.js")}
  kept.host = new Host(run);
}}"""
LOOK = """(notes, answer, off) => {
  const { host } = kept, steps = viewOf(host.tracer, host.subjectOf(host.after(notes).whole, answer), host.knows, off);
  let found = steps.next();
  while (!found.done) found = steps.next();
  return found.value;
}"""
BIASES = """(notes, answer) => {
  const { whole } = kept.host.after(notes), { ids } = kept.host.subjectOf([...whole], answer);
  return ids.map((_, position) => {
    const automaton = kept.host.automatonAt({ whole, ids, answer }, position);
    const bias = new Float32Array(kept.host.run.performance.events);
    automaton.weigh(bias);
    return [bias, automaton.groups];
  });
}"""
CHORDS = np.arange(12)
PIECE = Notes.of(50 + 5 * CHORDS % 29, 40 + 7 * CHORDS, CHORDS // 2 / 5, CHORDS // 2 / 5 + np.resize([0.3, 0.9], 12))
"""Its keys are down at different times."""


@pytest.fixture(scope="module")
def python(run_of: Callable[..., Path]) -> Engine:
    return gpt2kit.load(run_of("music"), SETTINGS)


@pytest.fixture(scope="module")
def loaded(engine: Script, run_of: Callable[..., Path]) -> Script:
    run = content(opened(run_of("music")), "f32")
    run["generate"] |= SETTINGS
    engine(HOST, run)
    return engine


def rows(notes: Notes) -> list[dict[str, float]]:
    """Notes as the page has them."""
    columns = [getattr(notes, name).tolist() for name in FIELDS]
    return [dict(zip(FIELDS, row, strict=True)) for row in zip(*columns, strict=True)]


def subject_of(python: Engine, notes: Notes, answer: list[int]) -> Subject:
    """The end of a performance and of its answer, as far as the window has room for it."""
    opening = primer_of(midi_bytes(notes)).opening if len(notes) else notes
    heard = [*python.task.encode_source(opening), *answer]
    ids = python.task.layout.recent(heard, python.model.config.n_positions)
    prompt = max(1, len(ids) - len(answer))
    earlier = tuple(answer[: len(answer) - (len(ids) - prompt)])
    return Subject(python, "run", "music", opening, prompt, ids, [*ids[1:], -1], False, earlier=earlier)


@pytest.fixture(scope="module", params=["a prompt", "an answer", "nothing but an answer", "a long answer"])
def case(request: pytest.FixtureRequest, python: Engine) -> tuple[Notes, list[int]]:
    notes = Notes.none() if request.param == "nothing but an answer" else PIECE
    if request.param == "a prompt":
        return notes, []
    opening = primer_of(midi_bytes(notes)).opening if len(notes) else notes
    (result,) = play.play(python, opening, 8.0, 1)
    return notes, result.ids[0] if request.param == "a long answer" else result.ids[0][:17]


@pytest.mark.parametrize("off", [Off(), Off(frozenset({(0, 1)}))])
def test_the_view_is_that_of_inspect(loaded: Script, python: Engine, case: tuple[Notes, list[int]], off: Off) -> None:
    notes, answer = case
    parts = {"heads": [*map(list, off.heads)], "attentions": [], "mlps": []}
    found, expected = (
        loaded(LOOK, rows(notes), answer, parts),
        view_of(trace_of(subject_of(python, notes, answer), off)),
    )
    tokens = expected["neurons"].pop("pushed")
    assert found["neurons"].pop("pushed") == {}
    for name in ("pieces", "model", "remarks"):
        del found[name], expected[name]
    agrees(found, expected)
    assert tokens
    distributions = [len(each["ids"]["values"]) for each in found["output"]]
    assert max(distributions) < python.task.vocabulary.size, "some events are impossible"


def test_the_grammar_is_that_of_each_place(loaded: Script, python: Engine, case: tuple[Notes, list[int]]) -> None:
    notes, answer = case
    subject = subject_of(python, notes, answer)
    assert bool(subject.earlier) == (len(answer) >= python.model.config.n_positions)
    found = loaded(BIASES, rows(notes), answer)
    assert len(found) == len(subject.ids)
    for position, (bias, groups) in enumerate(found):
        automaton = automaton_at(subject, position, python.config)
        assert automaton is not None
        expected = np.zeros(python.model.vocab_size, np.float32)
        automaton.weigh(expected)
        assert [float(value) for value in bias] == expected.tolist()
        assert groups == (None if automaton.groups is None else automaton.groups.tolist())


def test_what_is_not_shown_is_said(loaded: Script, python: Engine) -> None:
    window = python.model.config.n_positions
    notes = Notes.of([60] * window, [64] * window, np.arange(window) / 5, np.arange(window) / 5 + 0.1)
    found = loaded(LOOK, rows(notes), [], {"heads": [], "attentions": [], "mlps": []})
    many = len(python.task.encode_source(primer_of(midi_bytes(notes)).opening))
    assert found["remarks"] == [
        f"the performance has {many:,} events: the figures are for its last {window}, as if it began there"
    ]
