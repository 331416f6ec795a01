"""Channels over all tracks: programs, pedals, and what ends notes. The oracle is a player that takes one event at a
time."""

import io
import random
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import mido
import pytest

from gpt2kit.music.midi import ENDINGS, Performance, parse_midi
from gpt2kit.music.midi_file.released import NEVER_RELEASED, NOTES_OFF, RELEASED_LATER, SOUND_OFF

MidiFile = Callable[..., bytes]
SharedData = Callable[[str], Path]
Row = tuple[int, float, float]
"""pitch, start and end in beats of half a second"""

HANGING, ALL_NOTES_OFF, ALL_SOUND_OFF = ENDINGS[NEVER_RELEASED], ENDINGS[NOTES_OFF], ENDINGS[SOUND_OFF]
LATER = ENDINGS[RELEASED_LATER]
BEAT = 480


def on(pitch: int, beats: float = 0, channel: int = 0) -> mido.Message:
    return mido.Message("note_on", note=pitch, velocity=64, time=round(beats * BEAT), channel=channel)


def off(pitch: int, beats: float = 0, channel: int = 0) -> mido.Message:
    return mido.Message("note_off", note=pitch, velocity=0, time=round(beats * BEAT), channel=channel)


def control(number: int, value: int = 0, beats: float = 0, channel: int = 0) -> mido.Message:
    return mido.Message("control_change", control=number, value=value, time=round(beats * BEAT), channel=channel)


def program(number: int, beats: float = 0, channel: int = 0) -> mido.Message:
    return mido.Message("program_change", program=number, time=round(beats * BEAT), channel=channel)


def end(beats: float) -> mido.MetaMessage:
    return mido.MetaMessage("end_of_track", time=round(beats * BEAT))


def rows(performance: Performance) -> list[Row]:
    notes = performance.notes
    beats = (notes.pitch.tolist(), (notes.start * 2).tolist(), (notes.end * 2).tolist())
    return sorted((pitch, round(start, 6), round(end, 6)) for pitch, start, end in zip(*beats, strict=True))


@pytest.fixture
def read(midi_file: MidiFile) -> Callable[..., Performance]:
    def parse(*tracks: list[mido.Message | mido.MetaMessage], instruments: str = "piano") -> Performance:
        return parse_midi(midi_file(*tracks, type=1 if len(tracks) > 1 else 0), instruments)

    return parse


Read = Callable[..., Performance]


def test_the_pedal_of_a_channel_holds_the_notes_of_all_its_tracks(read: Read) -> None:
    right = [control(64, 127), on(72), off(72, 0.25), control(64, 0, 3.75)]
    left = [on(48), off(48, 0.25)]
    other = [on(50, 0, 1), off(50, 0.25, 1)]
    for tracks in ((right, left, other), (left, other, right)):
        assert rows(read(*tracks)) == [(48, 0, 4), (50, 0, 0.25), (72, 0, 4)]


@pytest.mark.parametrize(("value", "until"), [(63, 1), (64, 2), (127, 2)])
def test_the_sustain_pedal_is_down_from_64(read: Read, value: int, until: float) -> None:
    assert rows(read([control(64, value), on(60), off(60, 1), control(64, 0, 1)])) == [(60, 0, until)]


@pytest.mark.parametrize("track", ["first", "last"])
def test_a_program_change_in_a_track_of_its_own_counts_from_its_tick_on(read: Read, track: str) -> None:
    setup = [program(40, 1)]
    notes = [on(60), off(60, 0.5), on(62, 0.5), off(62, 0.5)]
    found = read(setup, notes) if track == "first" else read(notes, setup)
    assert (rows(found), found.dropped) == ([(60, 0, 0.5)], {"another instrument": 1})


def test_in_its_own_track_a_program_change_counts_for_what_follows_it_in_the_file(read: Read) -> None:
    track = [on(60), program(40), on(61), program(0), on(62), *(off(pitch, 1) for pitch in (60, 61, 62))]
    found = read(track)
    assert (rows(found), found.dropped) == ([(60, 0, 1), (62, 0, 3)], {"another instrument": 1})


def test_a_note_belongs_to_the_program_it_was_struck_with(read: Read) -> None:
    found = read([on(60), program(24, 1), off(60, 1), on(62), program(0, 1), off(62, 1)])
    assert (rows(found), found.dropped) == ([(60, 0, 2)], {"another instrument": 1})


def test_drums_are_channel_10_whatever_its_program(read: Read) -> None:
    found = read([program(0, 0, 9), on(36, 0, 9), off(36, 1, 9)], [on(60, 0, 8), off(60, 1, 8)], instruments="all")
    assert (rows(found), found.dropped) == ([(60, 0, 1)], {"drums": 1})


def test_all_instruments_are_read_as_pianos_on_request(read: Read) -> None:
    tracks = ([program(24), control(64, 127), on(60), off(60, 1), control(64, 0, 1)], [on(36, 0, 9), off(36, 1, 9)])
    assert rows(read(*tracks)) == []
    assert read(*tracks).dropped == {"another instrument": 1, "drums": 1}
    assert rows(read(*tracks, instruments="all")) == [(60, 0, 2)]


def test_a_note_that_nothing_ends_lasts_to_the_end_of_its_track(read: Read) -> None:
    found = read([on(60), off(60, 1), on(48), on(55), end(8)], [on(72), end(3)], [on(80), off(80, 20)])
    assert rows(found) == [(48, 1, 9), (55, 1, 9), (60, 0, 1), (72, 0, 3), (80, 0, 20)]
    assert (found.noticed, found.dropped) == ({HANGING: 3}, {})


def test_the_pedal_does_not_shorten_a_note_that_nothing_ends(read: Read) -> None:
    assert rows(read([control(64, 127), on(60), control(64, 0, 1), end(3)])) == [(60, 0, 4)]
    assert rows(read([control(64, 127), on(60), end(1)], [control(64, 0, 5)])) == [(60, 0, 5)], "and lengthens it"


def test_without_an_end_of_track_the_last_event_is_the_end() -> None:
    body = b"\0\x90\x3c\x40\x83\x60\x90\x3e\x40\x83\x60\x80\x3e\0"
    content = b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk" + len(body).to_bytes(4, "big") + body
    found = parse_midi(content)
    assert (rows(found), found.noticed) == ([(60, 0, 2), (62, 1, 2)], {HANGING: 1})


@pytest.mark.parametrize("controller", [123, 124, 125, 126, 127])
def test_all_notes_off_ends_notes_and_the_pedal_holds_them(read: Read, controller: int) -> None:
    found = read([on(60), control(controller, 0, 1), on(60, 1), off(60, 1)])
    assert (rows(found), found.noticed) == ([(60, 0, 1), (60, 2, 3)], {ALL_NOTES_OFF: 1})
    found = read([control(64, 127), on(60), control(controller, 0, 1), control(64, 0, 1)])
    assert (rows(found), found.noticed) == ([(60, 0, 2)], {ALL_NOTES_OFF: 1})
    found = read([on(60), end(4)], [control(controller, 0, 1)])
    assert (rows(found), found.noticed) == ([(60, 0, 1)], {ALL_NOTES_OFF: 1}), "in another track of the channel"
    found = read([on(60), end(4)], [control(controller, 0, 1, 1)])
    assert (rows(found), found.noticed) == ([(60, 0, 4)], {HANGING: 1}), "of another channel"


def test_all_sound_off_ends_what_the_pedal_holds(read: Read) -> None:
    found = read([control(64, 127), on(60), off(60, 1), on(62), control(120, 0, 1), on(64), off(64, 1), end(1)])
    assert (rows(found), found.noticed) == ([(60, 0, 2), (62, 1, 2), (64, 2, 3)], {ALL_SOUND_OFF: 2})


def test_all_notes_off_with_the_notes_of_its_tick(read: Read) -> None:
    """In one track the order of the file counts; what another track strikes then, sounds."""
    found = read([on(60), off(60, 1), control(123), on(62), off(62, 1)])
    assert (rows(found), found.noticed) == ([(60, 0, 1), (62, 1, 2)], {})
    found = read([on(60), off(60, 1), on(62), off(62, 1)], [control(123, 0, 1)])
    assert rows(found) == [(60, 0, 1), (62, 1, 2)]


def test_reset_all_controllers_lifts_the_pedals(read: Read) -> None:
    """The recommended practice RP-015."""
    assert rows(read([control(64, 127), on(60), off(60, 1), control(121, 0, 1), end(5)])) == [(60, 0, 2)]
    held = [on(60), control(66, 127), off(60, 1), control(121, 0, 1), on(62), off(62, 1)]
    assert rows(read(held)) == [(60, 0, 2), (62, 2, 3)]


def test_the_sostenuto_pedal_holds_the_keys_that_are_down(read: Read) -> None:
    track = [on(60), control(66, 64, 0.5), on(62, 0.5), off(60), off(62, 1), control(66, 63, 2)]
    assert rows(read(track)) == [(60, 0, 4), (62, 1, 2)]
    assert rows(read([on(60), control(66, 63, 0.5), off(60, 0.5), control(66, 0, 1)])) == [(60, 0, 1)]


def test_the_sostenuto_pedal_and_a_key_struck_again(read: Read) -> None:
    track = [on(60), control(66, 127, 0.5), off(60, 0.5), on(60, 1), off(60, 1), control(66, 0, 2)]
    assert rows(read(track)) == [(60, 0, 2), (60, 2, 3)]


def test_the_soft_pedal_changes_nothing(read: Read) -> None:
    assert rows(read([control(67, 127), on(60), off(60, 1), control(67, 0, 1)])) == [(60, 0, 1)]


def test_where_a_note_off_is_missing_the_other_notes_of_its_key_keep_their_lengths(read: Read) -> None:
    found = read([on(60), on(60, 1), off(60, 1), on(60, 1), off(60, 1), end(9)])
    assert (rows(found), found.noticed) == ([(60, 0, 2), (60, 1, 2), (60, 3, 4)], {LATER: 1})
    found = read([on(60), on(60, 1), off(60, 1), off(60, 1), on(60, 1), end(9)])
    assert (rows(found), found.noticed) == ([(60, 0, 2), (60, 1, 3), (60, 4, 13)], {HANGING: 1})


def test_before_a_note_off_is_missing_overlapping_notes_end_first_in_first_out(read: Read) -> None:
    """Only from the last rest of the key on does one note-off end all of them."""
    found = read([on(60), on(60, 1), off(60, 1), off(60, 1), on(60, 1), on(60, 1), off(60, 1), end(9)])
    assert (rows(found), found.noticed) == ([(60, 0, 2), (60, 1, 3), (60, 4, 6), (60, 5, 6)], {LATER: 1})
    found = read([on(60), on(60, 1), on(61), off(60, 1), off(61, 1), on(60), end(9)])
    assert rows(found) == [(60, 0, 2), (60, 1, 2), (60, 3, 12), (61, 1, 3)]
    assert found.noticed == {LATER: 1, HANGING: 1}


def test_a_note_off_may_be_in_another_track(read: Read) -> None:
    found = read([on(60), end(9)], [off(60, 2)])
    assert (rows(found), found.noticed) == ([(60, 0, 2)], {})
    found = read([on(60), off(60, 4)], [on(60, 1), off(60, 1)])
    assert rows(found) == [(60, 0, 4), (60, 1, 2)], "but first of all, of their own"


@dataclass
class Note:
    pitch: int
    start: int
    track: int
    end: int = -1
    is_down: bool = True
    is_caught: bool = False


def plainly_played(content: bytes) -> list[tuple[int, int, int]]:
    """The piano notes of a file (pitch, start, end) in ticks, by a player that takes the events in order of time."""
    happenings: list[tuple[int, int, mido.Message | mido.MetaMessage]] = []
    for number, track in enumerate(mido.MidiFile(file=io.BytesIO(content)).tracks):
        tick = 0
        for message in track:
            tick += message.time
            happenings.append((tick, number, message))
    happenings.sort(key=lambda happening: happening[0])
    programs, down, caught = [0] * 16, [False] * 16, [False] * 16
    notes, last = dict[int, list[Note]](), 0
    for tick, number, message in happenings:
        if message.type == "end_of_track":
            for channel, played in notes.items():
                for note in played:
                    if note.is_down and note.track == number:
                        release(note, tick, down[channel])
                        last = tick
            continue
        if message.is_meta:
            continue
        channel = message.channel
        played = notes.setdefault(channel, [])
        if message.type == "program_change":
            programs[channel] = message.program
        elif message.type == "note_on" and message.velocity:
            if programs[channel] >= 8:
                continue
            for note in played:
                if note.pitch == message.note and note.end < 0 and (down[channel] or not note.is_down):
                    note.end = tick
            played.append(Note(message.note, tick, number))
        elif message.type in ("note_on", "note_off"):
            keys = [note for note in played if note.pitch == message.note and note.is_down and note.track == number]
            if keys:
                release(keys[0], tick, down[channel])
                last = tick
        elif message.control == 64 or message.control == 66 or message.control == 121:
            value = 0 if message.control == 121 else message.value
            last = tick if any(played) else last
            if message.control != 66:
                down[channel] = value >= 64
            if message.control != 64:
                for note in played:
                    pressed = value >= 64 and not caught[channel]
                    note.is_caught = (note.is_caught or (pressed and note.is_down)) and value >= 64
                caught[channel] = value >= 64
            for note in played:
                if note.end < 0 and not note.is_down and not down[channel] and not note.is_caught:
                    note.end = tick
        elif message.control in (120, 123):
            for note in played:
                if note.is_down:
                    release(note, tick, down[channel])
                    last = tick
                if message.control == 120 and note.end < 0:
                    note.end = tick
    for played in notes.values():
        for note in played:
            note.end = last if note.end < 0 else note.end
    return sorted((note.pitch, note.start, note.end) for played in notes.values() for note in played)


def release(note: Note, tick: int, is_held: bool) -> None:
    note.is_down = False
    if note.end < 0 and not is_held and not note.is_caught:
        note.end = tick


@pytest.mark.parametrize("seed", range(60))
def test_random_files_are_read_as_a_player_plays_them(midi_file: MidiFile, seed: int) -> None:
    """Tracks that share channels; no two events have one tick, and the last notes of a key may not be released."""
    generator = random.Random(seed)
    ticks = generator.sample(range(1, 5000), 400)
    tracks: list[list[tuple[int, mido.Message | mido.MetaMessage]]] = []
    for _ in range(generator.choice([1, 2, 3])):
        happenings: list[tuple[int, mido.Message | mido.MetaMessage]] = []
        for pitch in generator.sample([60, 61, 62, 63], 3):
            channel = generator.choice([0, 0, 1])
            times = sorted(ticks.pop() for _ in range(generator.randrange(20)))
            happenings += [
                (tick, (on if number % 2 == 0 else off)(pitch, channel=channel)) for number, tick in enumerate(times)
            ]
        for _ in range(generator.randrange(25)):
            number = generator.choices([64, 66, 120, 121, 123], [20, 6, 1, 1, 1])[0]
            value, channel = generator.choice([0, 63, 64, 127]), generator.choice([0, 1])
            happenings.append((ticks.pop(), control(number, value, channel=channel)))
        if generator.random() < 0.5:
            happenings.append((ticks.pop(), program(generator.choice([0, 40]), channel=generator.choice([0, 1]))))
        tracks.append([*sorted(happenings, key=lambda happening: happening[0]), (5000 + len(tracks), end(0))])
    written = []
    for happenings in tracks:
        clock, track = 0, []
        for tick, message in happenings:
            track.append(message.copy(time=tick - clock))
            clock = tick
        written.append(track)
    content = midi_file(*written)
    notes = parse_midi(content).notes
    columns = (notes.pitch.tolist(), (notes.start * 2 * BEAT).tolist(), (notes.end * 2 * BEAT).tolist())
    found = sorted((pitch, round(start), round(stop)) for pitch, start, stop in zip(*columns, strict=True))
    assert found == plainly_played(content)


def test_the_small_files_that_go_wrong(shared_data: SharedData) -> None:
    folder = shared_data("../cases/midi")

    def case(name: str, instruments: str = "piano") -> Performance:
        return parse_midi((folder / name).read_bytes(), instruments)

    assert [row[0] for row in rows(case("sysex_running.mid"))] == [60, 62, 64]
    assert [row[2] for row in rows(case("pedal.mid"))] == [4, 4]
    assert (rows(case("program.mid")), case("program.mid").dropped) == ([], {"another instrument": 1})
    assert rows(case("hanging.mid")) == [(48, 0.5, 8.5), (55, 0.5, 8.5), (60, 0, 0.5)]
    assert case("hanging.mid").noticed == {HANGING: 2}
    assert (rows(case("cc123.mid"))[0], case("cc123.mid").noticed) == ((60, 0, 0.5), {ALL_NOTES_OFF: 1})
    assert (len(case("guitar.mid").notes), len(case("guitar.mid", "all").notes)) == (0, 20)
    assert len(case("song.kar").notes) == len(case("no_eot.mid").notes) == 20
