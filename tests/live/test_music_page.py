"""The page of a run that plays, in a browser: what is played on it, and what its model adds to that."""

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

import gpt2kit
from gpt2kit.music.editing.given_file import gap_of
from gpt2kit.music.editing.primer import primer_of
from gpt2kit.music.midi import parse_midi
from gpt2kit.music.midi_file.writer import midi_bytes
from gpt2kit.music.notes import Notes
from gpt2kit.pipeline import fill, play
from gpt2kit.pipeline.engine import Engine

if TYPE_CHECKING:
    from tests.live.conftest import PianoPage

SEED, TEMPERATURE = 5, 1.0
SHORTEST = 20
"""Milliseconds by which a note that is struck as the music stops may outlast the stop, rounding included."""


@pytest.fixture(scope="module")
def run(run_of: Callable[..., Path]) -> Path:
    return run_of("music")


@pytest.fixture(scope="module")
def python(run: Path) -> Engine:
    return gpt2kit.load(run, {"seed": SEED, "temperature": TEMPERATURE})


COLLECT_LIT = """globalThis.lit = new Set();
new MutationObserver((changes) => {
  for (const { target } of changes) if (target.classList.contains("played")) lit.add(Number(target.dataset.pitch));
}).observe(document.getElementById("piano-keys"), { subtree: true, attributeFilter: ["class"] })"""
"""The keys that are lit, if only for a moment."""


@pytest.fixture
def piano(piano: "PianoPage") -> "PianoPage":
    piano.set(ten_seed=SEED, ten_temperature=TEMPERATURE, go_seconds=1)
    return piano


def table(notes: Notes) -> list[tuple[int, int, int, int]]:
    """(start, end, pitch, velocity) by whole milliseconds, in order."""
    times = np.round(1000 * np.stack([notes.start, notes.end])).astype(int)
    return sorted(zip(*times.tolist(), notes.pitch.tolist(), notes.velocity.tolist(), strict=True))


def ended(notes: list[tuple[int, int, int, int]], time: int) -> list[tuple[int, int, int, int]]:
    return [note for note in notes if note[1] < time]


def begun_before(notes: list[tuple[int, int, int, int]], time: int) -> set[tuple[int, int]]:
    return {(start, pitch) for start, _, pitch, _ in notes if start < time}


def up_to(notes: list[tuple[int, int, int, int]], last: tuple[int, int, int, int]) -> bytes:
    """The notes up to one of them, as a file."""
    start, end, pitch, velocity = np.array([note for note in notes if note[0] <= last[0]]).T
    return midi_bytes(Notes.of(pitch, velocity, start / 1000, end / 1000))


def test_play_and_let_the_model_continue(piano: "PianoPage", python: Engine) -> None:
    for letter in "adg":
        piano.letter(letter)
    piano.letter("x")
    piano.letter(";")
    piano.click("[data-pitch='67']")
    given = piano.midi()
    played = parse_midi(given).notes
    assert played.pitch.tolist() == [60, 64, 67, 88, 67], (
        "Z and X change the octave; the keys are pressed by a mouse, too"
    )
    assert played.velocity.tolist()[:4] == [72] * 4

    piano.letter("a", "keyDown")
    piano.click("#go-on")
    assert piano.down() == [], "a key that is held ends where the model begins"
    piano.letter("a", "keyUp")
    piano.finished()
    after = table(piano.notes())
    held = [note for note in after if note[2] == 72 and note[0] > 1000 * played.end.max()]
    assert held
    primer = primer_of(up_to(after, held[0]))
    (result,) = play.play(python, primer.opening, 1.0, 1)
    assert after == table(parse_midi(play.continuation(python, primer, result)).notes)
    assert len(after) > 6


def test_stop_take_over_and_clear(piano: "PianoPage", python: Engine) -> None:
    piano.click("#go-on")
    piano.finished()
    begun = piano.midi()
    (result,) = play.play(python, Notes.none(), 1.0, 1)
    assert table(parse_midi(begun).notes) == table(play.piece(python, result)), "a new piece"

    piano.set(go_seconds=60)
    piano.tab.value(COLLECT_LIT)
    piano.click("#go-on")
    piano.tab.until("lit.size > 0")
    piano.tab.until("document.getElementById('overview').getAttribute('aria-valuenow') > 2.5")
    piano.click("#go-on")
    stopped = table(piano.notes())
    ends = max(end for _, end, _, _ in stopped) - SHORTEST
    primer = primer_of(begun)
    (result,) = play.play(python, primer.opening, ends / 1000, 1)
    whole = table(parse_midi(play.continuation(python, primer, result)).notes)
    assert ended(stopped, ends) == ended(whole, ends)
    assert begun_before(stopped, ends) == begun_before(whole, ends)

    piano.click("#go-on")
    piano.says("go-on", "stop")
    piano.letter("a")
    piano.finished()
    taken = table(piano.notes())
    assert ended(taken, ends) == ended(stopped, ends)
    assert max(taken)[2:] == (60, 72)

    piano.click("#clear")
    assert piano.tab.value("document.getElementById('download').disabled")
    piano.tab.value("[1, 2].forEach(() => document.getElementById('go-on').click())")
    assert piano.tab.value("document.getElementById('download').disabled"), "stopped before the first note"


def test_the_lesson_is_about_events(piano: "PianoPage") -> None:
    """Of a piece that begins with the model."""
    tab, wide = piano.tab, 390
    tab.send("Emulation.setDeviceMetricsOverride", width=wide, height=844, deviceScaleFactor=1, mobile=True)
    piano.click("#go-on")
    piano.finished()
    piano.settled()
    piano.click("#lesson-start")
    told: list[list[str]] = []
    picked = ""
    while not told or told[-1][0] != "end":
        parts = ("lesson-on", "lesson-title", "lesson-text")
        told.append([tab.value(f"document.getElementById('{part}').innerText") for part in parts])
        picked = tab.value("document.getElementById('picked').innerText") if len(told) == 9 else picked
        piano.click("#lesson-on")
    assert len(told) == 12
    words = "\n".join(text for step in told for text in step)
    assert not re.search(r"NaN|undefined|null|Infinity|\{|\btoken|\bword|\bletter", words)
    assert not re.search(r"\b1 of ", picked), "an event that has others before it"
    assert "It begins with" in words, "the vector of an event"
    assert "The largest in this head" in words
    shown = tab.value("document.querySelector('main').innerText")
    assert not re.search(r"NaN|undefined|Infinity|\ba token|is a space", shown)
    assert tab.value("document.documentElement.scrollWidth") <= wide


def borders(piano: "PianoPage", duration: float) -> list[float]:
    """Where lines separate what is kept from what is new (seconds), in a roll that shows the whole piece."""
    wide, high = piano.tab.value("[document.getElementById('roll')].flatMap((all) => [all.width, all.height])")
    columns = piano.columns("#2e69a0", high // 2)
    lines = [column for column in columns if column - 1 not in columns]
    return [(column + 1 - 56) / (wide - 56) * (duration + 2) - 0.5 for column in lines]


def test_fill_a_gap(piano: "PianoPage", python: Engine) -> None:
    for letter in "asdf":
        piano.letter(letter)
        time.sleep(0.3)
    given = piano.midi()
    piano.set(fill_from=0.5, fill_to=0.3)
    piano.click("#fill")
    piano.says("fill-said", "give two times in seconds")
    piano.set(fill_from=50, fill_to=51)
    piano.click("#fill")
    piano.says("fill-said", "the gap must begin before that")
    piano.set(fill_from=0.2, fill_to=0.8)
    piano.settled()
    piano.click("#fill")
    piano.says("fill-said", f"seed {SEED}")
    around = gap_of(given, 0.2, 0.8)
    (result,) = fill.infill(python, around.notes, 1)
    filled = table(parse_midi(around.with_new(fill.added(python, around.notes, result))).notes)
    assert table(piano.notes()) == filled
    outside = [note for note in table(parse_midi(given).notes) if not 200 <= note[0] < 800]
    assert set(outside) <= set(filled)
    assert borders(piano, max(end for _, end, _, _ in filled) / 1000) == pytest.approx([0.2, 0.8], abs=0.01)
    piano.click("#go-on")
    piano.finished()
    piano.set(fill_from=1.3)
    piano.set(fill_to=13.3)
    piano.tab.value("['#switches input', '#fill'].forEach((each) => document.querySelector(each).click())")
    assert not piano.tab.value("document.getElementById('fill-said').textContent.includes('seed')")
    piano.says("fill-said", f"seed {SEED}")
    piano.click("#clear")
    assert piano.tab.value("['ten-said', 'fill-said'].map((id) => document.getElementById(id).textContent)") == ["", ""]


def test_choose_an_event(piano: "PianoPage") -> None:
    piano.click("#events summary")
    piano.tab.until("document.querySelectorAll('#sides button').length === 10")
    piano.click("#sides button")
    piano.tab.until("document.querySelectorAll('#so-far .tok').length === 1")
    piano.settled()
    piano.click("#undo")
    piano.tab.until("document.querySelectorAll('#so-far .tok').length === 0")


def test_keys_that_are_held_and_those_that_do_not_play(piano: "PianoPage") -> None:
    piano.letter("a", "keyDown")
    assert piano.down() == [60]
    piano.tab.value("dispatchEvent(new Event('blur'))")
    assert piano.down() == [], "released outside of the window"
    piano.click("#higher")
    piano.click("[data-pitch='88']", ("mouseMoved", "mousePressed"))
    assert piano.down() == [88], "the keys are an octave higher"
    piano.glide("[data-pitch='86']")
    assert piano.down() == [86], "the mouse glides"
    piano.click("[data-pitch='86']", ("mouseReleased",))
    assert piano.down() == []
    piano.click("#lower")
    piano.tab.value("document.getElementById('go-seconds').focus()")
    piano.letter("s", "keyDown")
    assert piano.down() == [], "typed into a field"
    piano.letter("s", "keyUp")
    piano.click("#midi")
    piano.says("midi-said", "this browser does not let the page use MIDI")


def test_a_midi_keyboard_with_a_pedal(piano: "PianoPage") -> None:
    access = "(globalThis.access = { inputs: new Map([['1', { name: 'Grand' }]]) })"
    piano.tab.value(f"void (navigator.requestMIDIAccess = async () => {access})")
    piano.click("#midi")
    piano.says("midi-said", "listening to Grand")
    for message in ([0x90, 64, 99], [0xB3, 64, 127], [0x80, 64, 0], [0x91, 67, 33], [0x91, 67, 0], [0xB3, 64, 0]):
        piano.tab.value(f"access.inputs.get('1').onmidimessage({{ data: {message} }})")
    assert sorted(note[2:] for note in table(piano.notes())) == [(64, 99), (67, 33)]
    first, second = piano.notes().end
    assert abs(first - second) <= SHORTEST / 1000, "the pedal holds both until it is let go"
