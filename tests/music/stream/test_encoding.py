"""Encoding and decoding, against a plain transcription of the rules and as properties of random pieces."""

from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from gpt2kit.music.midi import read_midi, write_midi
from gpt2kit.music.notes import Notes
from gpt2kit.music.stream import encoding, events
from gpt2kit.music.stream.encoding import decode, encode, encode_until
from gpt2kit.music.stream.events import BEGIN, END, NOTE_OFF, PAD, TIME_SHIFT, VELOCITY, VOCABULARY

RandomNotes = Callable[..., Notes]
SEEDS = range(40)


def plainly_encoded(notes: Notes) -> list[int]:
    """The rules one note at a time: absolute times in steps, OFF before ON, velocities where they change."""
    happenings = []
    sounding = defaultdict(list)
    for pitch, end in zip(notes.pitch.tolist(), notes.end.tolist(), strict=True):
        sounding[pitch].append(end)
    ends = {pitch: iter(sorted(times)) for pitch, times in sounding.items()}
    for pitch, velocity, start in zip(notes.pitch.tolist(), notes.velocity.tolist(), notes.start.tolist(), strict=True):
        first = int(start * 100 + 0.5)
        last = max(int(next(ends[pitch]) * 100 + 0.5), first + 1)
        happenings.append((first, 1, pitch, (velocity - 1) // 4 + 1))
        happenings.append((last, 0, pitch, 0))
    ids, clock, bin = [], 0, 0
    for step, is_on, pitch, velocity in sorted(happenings, key=lambda happening: happening[:3]):
        while step > clock:
            shift = min(step - clock, 100)
            ids.append(TIME_SHIFT + shift - 1)
            clock += shift
        if is_on and velocity != bin:
            ids.append(VELOCITY + velocity - 1)
            bin = velocity
        ids.append(pitch if is_on else NOTE_OFF + pitch)
    return ids


def plainly_decoded(ids: list[int]) -> list[tuple[int, int, float, float]]:
    clock, bin = 0, 16
    sounding: dict[int, list[tuple[int, int]]] = defaultdict(list)
    notes = []
    for id in ids:
        if id == END:
            break
        if 0 <= id < 128:
            sounding[id].append((clock, bin))
        elif 128 <= id < 256 and sounding[id - 128]:
            start, struck = sounding[id - 128].pop(0)
            notes.append((id - 128, 4 * struck - 2, start, clock))
        elif 256 <= id < 356:
            clock += id - 255
        elif 356 <= id < 388:
            bin = id - 355
    for pitch, held in sounding.items():
        notes += [(pitch, 4 * struck - 2, start, min(clock, start + 500)) for start, struck in held]
    return sorted((pitch, velocity, start / 100, end / 100) for pitch, velocity, start, end in notes if end > start)


def rows(notes: Notes) -> list[tuple[int, int, float, float]]:
    columns = (notes.pitch, notes.velocity, notes.start, notes.end)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def test_the_arpeggio_of_the_papers_figure_7() -> None:
    """Music Transformer (Huang et al. 2018): a C major arpeggio held by the pedal, then an F."""
    notes = Notes.of([60, 64, 67, 65], [80, 80, 80, 100], [0.0, 0.5, 1.0, 2.5], [2.0, 2.0, 2.0, 3.0])
    assert [events.name(id) for id in encode(notes).tolist()] == [
        *("VELOCITY_20", "NOTE_ON_60", "TIME_SHIFT_50", "NOTE_ON_64", "TIME_SHIFT_50", "NOTE_ON_67", "TIME_SHIFT_100"),
        *("NOTE_OFF_60", "NOTE_OFF_64", "NOTE_OFF_67", "TIME_SHIFT_50", "VELOCITY_25", "NOTE_ON_65", "TIME_SHIFT_50"),
        "NOTE_OFF_65",
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_encoding_against_the_plain_rules(random_notes: RandomNotes, seed: int) -> None:
    for pitches in ((21, 109), (60, 63)):
        notes = random_notes(seed, pitches=pitches)
        assert encode(notes).tolist() == plainly_encoded(notes)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_stream_says_a_performance_in_one_way(random_notes: RandomNotes, seed: int) -> None:
    for pitches in ((21, 109), (60, 63)):
        ids = encode(random_notes(seed, pitches=pitches))
        assert encode(decode(ids)).tolist() == ids.tolist()


def test_no_notes_are_no_events() -> None:
    assert encode(Notes.none()).tolist() == []
    assert decode([]) == Notes.none()
    assert encoding.seconds([]) == 0.0


def test_onsets_are_5_ms_off_at_most_after_ten_minutes_as_at_the_beginning() -> None:
    """12,000 notes 50.37 ms apart, whose rounded differences would add up to another tempo."""
    start = np.arange(12_000) * 0.05037
    notes = Notes.of(np.arange(12_000) % 88 + 21, np.full(12_000, 64), start, start + 0.3)
    played = decode(encode(notes))
    assert len(played) == len(notes)
    assert notes.duration > 600
    assert np.abs(played.start - notes.start).max() <= 0.005 + 1e-9
    assert np.abs(played.end - notes.end).max() <= 0.005 + 1e-9


def test_a_key_struck_again_is_let_go_first() -> None:
    ids = encode(Notes.of([60, 60], [64, 64], [0.0, 1.0], [1.0, 2.0])).tolist()
    assert [events.name(id) for id in ids[2:5]] == ["TIME_SHIFT_100", "NOTE_OFF_60", "NOTE_ON_60"]


@pytest.mark.parametrize("seed", SEEDS)
def test_velocity_only_where_it_changes_and_only_before_a_note(random_notes: RandomNotes, seed: int) -> None:
    ids = encode(random_notes(seed)).tolist()
    velocities = [place for place, id in enumerate(ids) if id >= VELOCITY]
    assert all(ids[place + 1] < NOTE_OFF for place in velocities)
    values = [ids[place] for place in velocities]
    assert all(value != following for value, following in pairwise(values))


@pytest.mark.parametrize(
    ("steps", "shifts"), [(1, [1]), (99, [99]), (100, [100]), (101, [100, 1]), (200, [100, 100]), (250, [100, 100, 50])]
)
def test_a_gap_is_whole_seconds_and_the_rest(steps: int, shifts: list[int]) -> None:
    ids = encode(Notes.of([60], [64], [steps / 100], [steps / 100 + 0.5])).tolist()
    assert [id - TIME_SHIFT + 1 for id in ids if TIME_SHIFT <= id < VELOCITY] == [*shifts, 50]


def test_a_long_silence_costs_an_event_a_second() -> None:
    ids = encode(Notes.of([60], [64], [3 * 3600.0], [3 * 3600.0 + 1]))
    assert len(ids) == 3 * 3600 + 1 + 3
    assert encoding.seconds(ids) == 3 * 3600 + 1


def test_any_ids_decode_to_notes_that_a_file_can_hold(tmp_path: Path) -> None:
    generator = np.random.default_rng(0)
    for number in range(10_000):
        low, high = ((0, VOCABULARY), (-5, 1000), (0, 300), (0, 400))[number % 4]
        ids = generator.integers(low, high, generator.integers(0, 80))
        notes = decode(ids)
        assert rows(notes) == plainly_decoded(ids.tolist())
        if number % 100 == 0 and len(notes):
            write_midi(tmp_path / "piece.mid", notes)
            assert encode(read_midi(tmp_path / "piece.mid").notes).tolist() == encode(notes).tolist()


def test_a_stream_ends_at_its_end() -> None:
    ids = [BEGIN, 60, PAD, TIME_SHIFT + 9, NOTE_OFF + 60, END, 62, TIME_SHIFT, NOTE_OFF + 62]
    assert rows(decode(ids)) == [(60, 62, 0.0, 0.1)]


def test_what_nothing_ends_sounds_for_five_seconds_at_most() -> None:
    wait = TIME_SHIFT + 99
    assert rows(decode([60, wait, 62, *[wait] * 9])) == [(60, 62, 0.0, 5.0), (62, 62, 1.0, 6.0)]
    assert rows(decode([60, wait])) == [(60, 62, 0.0, 1.0)]


def test_up_to_a_cut_what_sounds_there_is_left_open() -> None:
    """One ends before the cut, one at it, one sounds beyond, and one is struck at it."""
    notes = Notes.of([60, 62, 64, 65], [64] * 4, [0.0, 0.1, 0.2, 1.5], [0.5, 1.5, 3.0, 2.0])
    assert [events.name(id) for id in encode_until(notes, 1.5).tolist()] == [
        *("VELOCITY_16", "NOTE_ON_60", "TIME_SHIFT_10", "NOTE_ON_62", "TIME_SHIFT_10", "NOTE_ON_64"),
        *("TIME_SHIFT_30", "NOTE_OFF_60", "TIME_SHIFT_100", "NOTE_OFF_62"),
    ]


@pytest.mark.parametrize("seed", SEEDS)
def test_a_stream_up_to_a_cut_is_the_beginning_of_the_whole(random_notes: RandomNotes, seed: int) -> None:
    """Its clock reaches the cut exactly; events at the very cut are those of notes struck or ended before it."""
    notes = random_notes(seed, pitches=(60, 63) if seed % 2 else (21, 109))
    until = round(0.37 * notes.duration, 2)
    ids = encode_until(notes, until)
    assert round(encoding.seconds(ids) * 100) == round(until * 100)
    whole = encode(notes)
    before = len(whole[encoding.times(whole) < until - 0.005])
    events_before = [id for id in whole[:before].tolist() if id < TIME_SHIFT]
    assert [id for id in ids.tolist() if id < TIME_SHIFT][: len(events_before)] == events_before
    assert (ids < NOTE_OFF).sum() == (notes.start < until).sum()


def test_a_note_that_rounds_beyond_the_cut_is_open() -> None:
    ids = encode_until(Notes.of([60], [64], [0.996], [0.999]), 1.0).tolist()
    assert [events.name(id) for id in ids] == ["TIME_SHIFT_100", "VELOCITY_16", "NOTE_ON_60"]


def test_nothing_before_a_cut_is_silence_up_to_it() -> None:
    ids = encode_until(Notes.of([60], [64], [2.0], [3.0]), 1.5).tolist()
    assert [events.name(id) for id in ids] == ["TIME_SHIFT_100", "TIME_SHIFT_50"]


def test_the_wait_at_the_end_is_left_out() -> None:
    ids = encode_until(Notes.of([60], [64], [0.5], [9.0]), 2.75)
    assert encoding.without_wait(ids).tolist() == ids[:3].tolist()
    assert [events.name(id) for id in ids.tolist()[3:]] == ["TIME_SHIFT_100", "TIME_SHIFT_100", "TIME_SHIFT_25"]
    assert encoding.without_wait(encode_until(Notes.none(), 2.0)).tolist() == []
    assert encoding.without_wait(ids[:3]).tolist() == ids[:3].tolist()
