"""Music that a page plays equals the command line's for a seed, whatever the sampler: ids, and notes of whole runs."""

from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gpt2kit
from gpt2kit.config import GenerateConfig
from gpt2kit.live.content import content, weights
from gpt2kit.model.gpt2 import GPT2
from gpt2kit.music.editing.given_file import gap_of
from gpt2kit.music.editing.primer import primer_of
from gpt2kit.music.midi import parse_midi
from gpt2kit.music.midi_file.writer import midi_bytes
from gpt2kit.music.notes import FIELDS, Notes
from gpt2kit.music.playing.steering import Wish
from gpt2kit.music.stream import announcements
from gpt2kit.pipeline import fill, play
from gpt2kit.pipeline.engine import Engine
from gpt2kit.selftest.run_under_test import opened
from gpt2kit.tasks.music import Music

Script = Callable[..., Any]
RandomNotes = Callable[..., Notes]

GREEDY = GenerateConfig(device="cpu", dtype="fp32", seed=5)
SAMPLED = replace(GREEDY, temperature=1.0)

CONFIGS = {
    "greedy": GREEDY,
    "sampled": SAMPLED,
    "top-k": replace(SAMPLED, temperature=1.3, top_k=12),
    "top-p": replace(SAMPLED, temperature=0.8, top_p=0.9),
    "without a grammar": replace(SAMPLED, grammar=False),
}

CONTINUE = """(notes, settings, wish, seed) => {
  const primer = notes && primerOf(notes);
  const part = continuationToPlay(primer, 1.5, settings, kept.player.config.n_positions, wish);
  return answer(kept.player, part.prompt, part.settings, [END], seed, part.automaton, part.options).ids;
}"""
FILL = """(notes, settings, wish, seed) => {
  const part = fillingToPlay(aroundGap(notes, 2, 3.5), settings, kept.player.config.n_positions, wish);
  return answer(kept.player, part.prompt, part.settings, [END], seed, part.automaton, part.options).ids;
}"""


@pytest.fixture(scope="module")
def players(tiny_model: Callable[..., GPT2], tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Engine]:
    """A model that has not learned anything, with one of the samplers."""
    task = Music(infill=0.25).fit([], [], tmp_path_factory.mktemp("events"), 0)
    model = tiny_model(announcements.SIZE, seed=3, n_positions=64)
    return lambda name: Engine(task, model, CONFIGS[name])


@pytest.fixture
def loaded(engine: Script, players: Callable[[str], Engine]) -> Script:
    engine("(run) => { kept.player = new Model(run); }", weights(players("greedy").model, "f32"))
    return engine


@pytest.fixture(scope="module")
def heard() -> Notes:
    """Five seconds of music, longer than the window; three keys are struck again before the end."""
    start = np.arange(30) / 6
    pitch = np.array([60, 64, 67, 72, 55, 59] * 5) + np.repeat(range(5), 6)
    return Notes.of(pitch, 40 + 2 * np.arange(30), start, start + np.resize([0.1, 0.4, 0.9], 30))


def rows(notes: Notes) -> list[dict[str, float]]:
    columns = [getattr(notes, name).tolist() for name in FIELDS]
    return [dict(zip(FIELDS, row, strict=True)) for row in zip(*columns, strict=True)]


@pytest.mark.parametrize("name", CONFIGS)
def test_a_primer_is_continued(loaded: Script, players: Callable[[str], Engine], heard: Notes, name: str) -> None:
    engine = players(name)
    opening = primer_of(midi_bytes(heard)).opening
    for number, result in enumerate(play.play(engine, opening, 1.5, 2)):
        assert loaded(CONTINUE, rows(heard), asdict(engine.config), None, 5 + number) == result.ids[0]
        assert result.truncated


def test_a_new_piece_is_begun(loaded: Script, players: Callable[[str], Engine]) -> None:
    engine = players("sampled")
    (result,) = play.play(engine, Notes.none(), 1.5, 1)
    assert loaded(CONTINUE, None, asdict(engine.config), None, 5) == result.ids[0]


def test_music_is_steered(loaded: Script, players: Callable[[str], Engine], heard: Notes) -> None:
    engine = players("top-p")
    opening = primer_of(midi_bytes(heard)).opening
    (result,) = play.play(engine, opening, 1.5, 1, wish=Wish(4.0, 90.0))
    (plain,) = play.play(engine, opening, 1.5, 1)
    wish = {"notesPerSecond": 4, "velocity": 90}
    assert loaded(CONTINUE, rows(heard), asdict(engine.config), wish, 5) == result.ids[0] != plain.ids[0]


@pytest.mark.parametrize("name", ["greedy", "sampled", "top-p"])
@pytest.mark.parametrize("wish", [None, Wish(4.0, None)])
def test_a_gap_is_filled(
    loaded: Script, players: Callable[[str], Engine], heard: Notes, name: str, wish: Wish | None
) -> None:
    engine = players(name)
    around = gap_of(midi_bytes(heard), 2.0, 3.5).notes
    (result,) = fill.infill(engine, around, 1, wish=wish or play.ANYTHING)
    asked = wish and {"notesPerSecond": wish.notes_per_second, "velocity": wish.velocity}
    assert loaded(FILL, rows(heard), asdict(engine.config), asked, 5) == result.ids[0]


PLAY = """(run, ask, seed) => {
  const opened = new PerformanceRun(run), part = ask(opened), answer = opened.play(part, seed), strokes = [];
  let next = answer.next();
  for (; !next.done; next = answer.next()) strokes.push(...next.value.strokes.map((stroke) => ({ ...stroke })));
  return { ...next.value, notes: part.notes(next.value.ids), struck: strokes.filter(({ end }) => end === null) };
}"""


def played(engine: Script, run: dict[str, Any], ask: str, notes: Notes) -> dict[str, Any]:
    """What a page plays, with the seed 5; `ask` is what it asks of a PerformanceRun called `opened`."""
    found: dict[str, Any] = engine(f"(run, notes) => ({PLAY})(run, (opened) => {ask}, 5)", run, rows(notes))
    return found


def in_milliseconds(notes: list[dict[str, float]]) -> list[tuple[float, ...]]:
    times = [(round(1000 * note["start"]), round(1000 * note["end"])) for note in notes]
    return [(*each, note["pitch"], note["velocity"]) for each, note in zip(times, notes, strict=True)]


def test_a_run_plays_the_notes_of_the_command_line(engine: Script, run_of: Callable[..., Path], heard: Notes) -> None:
    folder = run_of("music")
    run, python = content(opened(folder), "f32"), gpt2kit.load(folder, {"seed": 5, "dtype": "fp32"})
    assert run["performance"]["infills"]

    found = played(engine, run, "opened.continuation(primerOf(notes), 3)", heard)
    primer = primer_of(midi_bytes(heard))
    (result,) = play.play(python, primer.opening, 3.0, 1)
    wanted = parse_midi(play.continuation(python, primer, result)).notes
    assert (found["ids"], found["cut"], found["finished"]) == (result.ids[0], result.truncated, True)
    assert in_milliseconds(found["notes"]) == in_milliseconds(rows(wanted))
    assert min(stroke["start"] for stroke in found["struck"]) >= primer.opening.until

    found = played(engine, run, "opened.continuation(null, 1)", heard)
    (result,) = play.play(python, Notes.none(), 1.0, 1)
    assert (found["ids"], found["notes"]) == (result.ids[0], rows(play.piece(python, result)))

    found = played(engine, run, "opened.filling(aroundGap(notes, 2, 3.5))", heard)
    given = gap_of(midi_bytes(heard), 2.0, 3.5)
    (result,) = fill.infill(python, given.notes, 1)
    wanted = parse_midi(given.with_new(fill.added(python, given.notes, result))).notes
    assert (found["ids"], found["cut"]) == (result.ids[0], result.truncated)
    assert in_milliseconds(found["notes"]) == in_milliseconds(rows(wanted))
