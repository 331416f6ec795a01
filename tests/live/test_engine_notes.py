"""Notes and events in JavaScript are those of Python: names, encoding, what a piano plays, and MIDI files."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from gpt2kit.music.midi import parse_midi
from gpt2kit.music.midi_file.writer import midi_bytes
from gpt2kit.music.notes import FIELDS, Notes
from gpt2kit.music.stream import announcements, encoding, events, keyboard
from gpt2kit.tasks.music import Music

Engine = Callable[..., Any]
RandomNotes = Callable[..., Notes]

CUTS = [0.0, 0.01, 3.33, 6.0, 11.99, 40.0]


def rows(notes: Notes) -> list[dict[str, float]]:
    """Notes as the page has them."""
    columns = [getattr(notes, name).tolist() for name in FIELDS]
    return [dict(zip(FIELDS, row, strict=True)) for row in zip(*columns, strict=True)]


@pytest.fixture(scope="module")
def pieces(random_notes: RandomNotes) -> list[Notes]:
    """Dense and sparse ones, with many notes of few keys, chords at one step, and no notes at all."""
    many = [random_notes(seed, 80, 12.0, (20, 110) if seed % 2 else (58, 64)) for seed in range(8)]
    chords = Notes.of([60, 64, 67] * 4, range(1, 125, 11), np.repeat(range(4), 3), np.repeat(range(1, 5), 3))
    short = Notes.of([60], [64], [3.327], [3.33])  # it rounds to a step beyond one of the cuts
    return [*many, random_notes(9, 6, 30.0), chords, short, Notes.none()]


@pytest.fixture(scope="module")
def streams() -> list[list[int]]:
    """Anything that a model may write, with and without a grammar; some contain BEGIN, END, PAD and announcements."""
    generator = np.random.default_rng(4)
    weights = generator.choice([0.2, 1, 20], (12, 6)) * [1, 1, 1, 0.2, 0.01, 0.05]
    chances = [each[np.digitize(np.arange(announcements.SIZE), [128, 256, 356, 388, 391])] for each in weights]
    found = [generator.choice(announcements.SIZE, 300, p=each / each.sum()).tolist() for each in chances]
    for ids in found[::2]:
        ids[250] = events.END
    return found


def test_events_have_the_same_names_and_numbers(engine: Engine) -> None:
    times = [*np.random.default_rng(1).uniform(0, 50, 200).tolist(), 0.005, 0.015, 1.005, 0.285]
    found = engine(
        """(data) => ({
          names: [...Array(480).keys()].map(spokenEvent),
          ahead: [...Array(128).keys()].map(aheadOf),
          bins: [...Array(127).keys()].map((velocity) => velocityBin(velocity + 1)),
          middles: [...Array(32).keys()].map((bin) => binVelocity(bin + 1)),
          steps: data.map(quantised),
        })""",
        times,
    )
    assert found == {
        "names": [announcements.spoken(id) for id in range(480)],
        "ahead": [announcements.ahead(pitch) for pitch in range(128)],
        "bins": events.velocity_bin(range(1, 128)).tolist(),
        "middles": events.bin_velocity(range(1, 33)).tolist(),
        "steps": events.quantised(times).tolist(),
    }


def test_performances_become_the_same_events(engine: Engine, pieces: list[Notes]) -> None:
    shuffled = [np.random.default_rng(0).permutation(np.array(rows(piece), object)).tolist() for piece in pieces]
    found = engine(
        """(data) => data.pieces.map((notes) => ({
          whole: encodeNotes(notes),
          until: data.cuts.map((cut) => encodeUntil(notes, cut)),
          trimmed: data.cuts.map((cut) => withoutWait(encodeUntil(notes, cut))),
          seconds: streamSeconds(encodeNotes(notes)),
        }))""",
        {"pieces": shuffled, "cuts": CUTS},
    )
    for piece, each in zip(pieces, found, strict=True):
        until = [encoding.encode_until(piece, cut) for cut in CUTS]
        assert each["whole"] == encoding.encode(piece).tolist()
        assert each["until"] == [ids.tolist() for ids in until]
        assert each["trimmed"] == [encoding.without_wait(ids).tolist() for ids in until]
        assert each["seconds"] == encoding.seconds(encoding.encode(piece))


def test_a_key_that_is_still_down_stays_open(engine: Engine) -> None:
    """Its end is null in JSON."""
    held = Notes.of([60, 64], [50, 90], [0.1, 0.3], [1e6, 0.4])
    given = [row | ({"end": None} if row["end"] == 1e6 else {}) for row in rows(held)]
    found = engine("(data) => encodeUntil(data.map((note) => ({ ...note, end: note.end ?? Infinity })), 0.5)", given)
    assert found == encoding.encode_until(held, 0.5).tolist()
    assert {id for id in found if 128 <= id < 256} == {events.NOTE_OFF + 64}


def test_the_recent_part_of_a_stream_is_the_same(engine: Engine, streams: list[list[int]]) -> None:
    rooms = [1, 2, 3, 50, 150, 299, 300, 400]
    given = {"streams": streams, "rooms": rooms}
    found = engine("(data) => data.streams.map((ids) => data.rooms.map((room) => recentEvents(ids, room)))", given)
    layout = Music().layout
    assert found == [[layout.recent(ids, room) for room in rooms] for ids in streams]


def test_a_piano_plays_the_same_notes(engine: Engine, streams: list[list[int]]) -> None:
    found = engine("(data) => data.map(playedNotes)", streams)
    assert found == [rows(keyboard.played(ids)) for ids in streams]
    assert sum(map(len, found)) > 300


def test_a_continuation_has_the_same_notes_and_releases(engine: Engine, streams: list[list[int]]) -> None:
    cases = []
    for ids in streams:
        for cut in (0, 40, 150):
            prompt = [id for id in ids[:cut] if id != events.END]
            cases.append((prompt, ids[cut:], encoding.seconds(prompt) + 0.35))
    found = engine(
        """(data) => data.map(([prompt, ids, until]) => {
          const { notes, releases } = continuedNotes(prompt, ids, until);
          return [notes, [...releases]];
        })""",
        cases,
    )
    for case, (notes, releases) in zip(cases, found, strict=True):
        expected = keyboard.continued(*case)
        assert notes == rows(expected.new)
        assert dict(releases) == expected.releases
    assert sum(len(releases) for _, releases in found) > 30


def test_what_is_heard_event_by_event_is_what_was_played(engine: Engine, streams: list[list[int]]) -> None:
    """Each note is reported when it begins and when it ends."""
    found = engine(
        """(data) => data.map((ids) => {
          const keyboard = new Keyboard(), begun = [], ended = [];
          const hear = (strokes) => strokes.forEach((each) => (each.end === null ? begun : ended).push({ ...each }));
          for (const id of ids) hear(keyboard.accept(id));
          hear(keyboard.finish());
          return [begun, ended];
        })""",
        streams,
    )
    for ids, (begun, ended) in zip(streams, found, strict=True):
        assert [stroke["number"] for stroke in begun] == list(range(len(ended)))
        lasting = [{name: stroke[name] for name in FIELDS} for stroke in ended if stroke["end"] > stroke["start"]]
        ordered = sorted(lasting, key=lambda note: (note["start"], note["pitch"], note["end"]))
        assert ordered == rows(keyboard.played(ids))


def test_a_midi_file_is_the_one_that_python_writes(engine: Engine, pieces: list[Notes]) -> None:
    long = Notes.of([60, 61], [1, 127], [0.0, 9500.1], [9000.0, 9500.126])
    halves = Notes.of([60, 60, 62], [10, 20, 30], [0.0125, 0.0135, 0.0005], [0.0135, 0.0145, 0.0006])
    every = [*pieces, long, halves]
    found = engine("(data) => data.map((notes) => [...midiFile(notes)])", [rows(piece) for piece in every])
    assert [bytes(each) for each in found] == [midi_bytes(piece) for piece in every]


def test_a_midi_file_has_the_times_and_velocities_of_its_notes(engine: Engine) -> None:
    """Times to a millisecond."""
    notes = Notes.of([60, 64, 67, 21], [1, 80, 127, 64], [0.0, 0.12345, 0.5, 3.14159], [0.25, 0.7, 2.71828, 10.0])
    (content,) = engine("(data) => data.map((notes) => [...midiFile(notes)])", [rows(notes)])
    read = parse_midi(bytes(content)).notes
    assert (read.pitch.tolist(), read.velocity.tolist()) == (notes.pitch.tolist(), notes.velocity.tolist())
    assert read.start.tolist() == pytest.approx(notes.start.tolist(), abs=0.0005)
    assert read.end.tolist() == pytest.approx(notes.end.tolist(), abs=0.0005)


def test_times_are_those_that_a_reader_of_the_file_hears(engine: Engine, pieces: list[Notes]) -> None:
    found = engine("(data) => data.map(asInFile)", [rows(piece) for piece in pieces])
    assert found == [rows(parse_midi(midi_bytes(piece)).notes) for piece in pieces]
