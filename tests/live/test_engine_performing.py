"""A performance that is continued or filled in JavaScript: the prompt, and the music, are those of the command line."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gpt2kit.decoding.grammar import Automaton
from gpt2kit.live.performing import performing
from gpt2kit.music.editing.given_file import GivenFile, gap_of
from gpt2kit.music.editing.primer import Primer, primer_of
from gpt2kit.music.editing.splice import continued_file
from gpt2kit.music.midi import parse_midi
from gpt2kit.music.midi_file.writer import midi_bytes
from gpt2kit.music.notes import FIELDS, Notes, Surroundings
from gpt2kit.music.playing import filling
from gpt2kit.music.playing.grammar import EventGrammar
from gpt2kit.music.playing.wait import AfterWait
from gpt2kit.music.stream import announcements, encoding, keyboard
from gpt2kit.music.stream.events import VOCABULARY
from gpt2kit.tasks.lm import Lm
from gpt2kit.tasks.music import Music
from gpt2kit.tasks.performances.vocabulary import EVENTS_FILE

Engine = Callable[..., Any]
RandomNotes = Callable[..., Notes]


def rows(notes: Notes) -> list[dict[str, float]]:
    """Notes as the page has them."""
    columns = [getattr(notes, name).tolist() for name in FIELDS]
    return [dict(zip(FIELDS, row, strict=True)) for row in zip(*columns, strict=True)]


def table(found: list[dict[str, float]]) -> list[tuple[int, ...]]:
    """Notes by whole milliseconds."""
    return [
        (round(1000 * note["start"]), int(note["pitch"]), round(1000 * note["end"]), int(note["velocity"]))
        for note in found
    ]


def performed(automaton: Automaton, seed: int) -> list[int]:
    """An answer of a model that knows nothing."""
    generator, ids, bias = np.random.default_rng(seed), list[int](), np.zeros(announcements.SIZE, np.float32)
    while not automaton.over and len(ids) < 3000:
        automaton.weigh(bias)
        ids.append(int(generator.choice(np.flatnonzero(np.isfinite(bias)))))
        automaton.accept(ids[-1])
    return ids


def primers(random_notes: RandomNotes) -> list[tuple[Notes, float | None, Primer]]:
    pieces = [random_notes(seed, 50, 9.0, (20, 109)) for seed in range(5)]
    pieces += [Notes.of([60], [64], [0.0], [end]) for end in (0.0096, 0.29)]
    given = [(notes, seconds) for notes in pieces for seconds in (None, 0.5, 3.334)]
    return [(notes, seconds, primer_of(midi_bytes(notes), seconds)) for notes, seconds in given]


def test_a_primer_is_heard_as_from_its_midi_file(engine: Engine, random_notes: RandomNotes) -> None:
    cases = primers(random_notes)
    found = engine(
        """(data) => data.map(([notes, seconds]) => {
          const primer = primerOf(notes, seconds ?? undefined), { whole } = continuationToPlay(primer, 1, {}, 64);
          return { ...primer, whole };
        })""",
        [(rows(notes), seconds) for notes, seconds, _ in cases],
    )
    for each, (_, _, primer) in zip(found, cases, strict=True):
        assert each["until"] == primer.opening.until
        assert each["notes"] == rows(primer.opening)
        assert each["whole"] == Music().encode_source(primer.opening)


def test_what_is_played_has_the_settings_of_the_command_line(engine: Engine) -> None:
    """The prompt is cut to the window less one, and the answer may be longer than the window."""
    notes = Notes.of(range(40, 80), [80] * 40, np.arange(40) / 4, np.arange(40) / 4 + 0.2)
    gap = gap_of(midi_bytes(notes), 7.0, 8.5).notes
    found = engine(
        """(data) => {
          const settings = { grammar: true, temperature: 0.9, max_new_tokens: 7, roll: false };
          const around = aroundGap(data, 7, 8.5);
          const parts = [continuationToPlay(primerOf(data), 2.5, settings, 64), fillingToPlay(around, settings, 64)];
          return parts.map(({ whole, prompt, settings }) => ({ whole, prompt, settings }));
        }""",
        rows(notes),
    )
    for each, longest in zip(found, (int(4.5 * 400), int(14.5 * 400) + 5 * len(gap)), strict=True):
        assert each["settings"] == {"grammar": True, "temperature": 0.9, "max_new_tokens": longest, "roll": True}
        assert each["prompt"] == Music().layout.shorten(each["whole"], 63)
        assert len(each["prompt"]) == 63 < len(each["whole"])


def test_a_continuation_joins_the_notes_of_the_primer(engine: Engine, random_notes: RandomNotes) -> None:
    """As in the file that the command line writes: keys that were down at the end are let go where the model did so."""
    cases = []
    for number, (notes, seconds, primer) in enumerate(primers(random_notes)):
        prompt = Music().encode_source(primer.opening)
        wait = round((primer.opening.until - encoding.seconds(prompt)) * 100)
        ids = performed(AfterWait(EventGrammar(prompt, wait + 300), wait), number)
        cases.append((notes, seconds, primer, prompt, ids))
    found = engine(
        """(data) => data.map(([notes, seconds, ids]) => {
          const primer = primerOf(notes, seconds ?? undefined), { whole } = continuationToPlay(primer, 3, {}, 64);
          return withContinuation(primer, whole, ids);
        })""",
        [(rows(notes), seconds, ids) for notes, seconds, _, _, ids in cases],
    )
    for each, (_, _, primer, prompt, ids) in zip(found, cases, strict=True):
        content = continued_file(primer, keyboard.continued(prompt, ids, primer.opening.until))
        assert table(each) == table(rows(parse_midi(content).notes))


def gaps(random_notes: RandomNotes) -> list[tuple[Notes, float, float, GivenFile[Surroundings]]]:
    pieces = [random_notes(seed, 70, 12.0, (20, 109)) for seed in range(3)]
    limits = ((0.0, 2.0), (2.994, 6.006), (4.29, 4.4), (8.0, 11.5))
    return [(notes, *each, gap_of(midi_bytes(notes), *each)) for notes in pieces for each in limits]


def test_a_gap_is_filled_as_in_a_midi_file(engine: Engine, random_notes: RandomNotes) -> None:
    """The same notes are heard around it, and given and new notes sound together as in the file that is written."""
    cases = []
    for number, (notes, begin, end, given) in enumerate(gaps(random_notes)):
        prompt = filling.prompt_before(given.notes)
        cases.append((notes, begin, end, given, prompt, performed(filling.gap_grammar(prompt, given.notes), number)))
    found = engine(
        """(data) => data.map(([notes, begin, end, ids]) => {
          const around = aroundGap(notes, begin, end), { whole } = fillingToPlay(around, {}, 64);
          return { around, whole, added: newNotes(whole, ids, around), filled: withFilling(around, whole, ids) };
        })""",
        [(rows(notes), begin, end, ids) for notes, begin, end, _, _, ids in cases],
    )
    for each, (_, _, _, given, prompt, ids) in zip(found, cases, strict=True):
        new = filling.new_notes(prompt, ids, given.notes)
        assert each["around"] == {"notes": rows(given.notes), "until": given.notes.until, "resume": given.notes.resume}
        assert (each["whole"], each["added"]) == (prompt, rows(new))
        assert table(each["filled"]) == table(rows(parse_midi(given.with_new(new)).notes))
    assert sum(len(each["added"]) for each in found) > 50


@pytest.mark.parametrize(("infill", "names", "infills"), [(0.25, 479, True), (0.0, 479, False), (0.25, 391, False)])
def test_the_page_knows_whether_the_run_fills_gaps(tmp_path: Path, infill: float, names: int, infills: bool) -> None:
    (tmp_path / EVENTS_FILE).write_text("".join(f"{id}\t{announcements.name(id)}\n" for id in range(names)))
    found = performing(Music(infill=infill).opened(tmp_path))
    assert found == {
        "events": names,
        "steps_a_second": 100,
        "velocity_bins": 32,
        "lowest_key": 21,
        "highest_key": 108,
        "infills": infills,
        "shortest_gap": 0.1,
        "longest_gap": 15.0,
    }
    assert names in (VOCABULARY, announcements.SIZE)


def test_a_task_that_does_not_play_has_no_events() -> None:
    assert performing(Lm()) is None
