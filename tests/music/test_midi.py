"""MIDI files: pretty_midi is the oracle where it reads rightly, and any damage is one line."""

import io
import os
import random
from collections.abc import Callable
from pathlib import Path

import mido
import numpy as np
import pretty_midi
import pytest

from gpt2kit.errors import DataError, MachineError
from gpt2kit.music import midi
from gpt2kit.music.midi import ENDINGS, from_pretty_midi, parse_midi, read_midi, to_pretty_midi, write_midi
from gpt2kit.music.midi_file.released import NEVER_RELEASED
from gpt2kit.music.midi_file.smf import MidiError
from gpt2kit.music.midi_file.tracks import messages
from gpt2kit.music.notes import Notes
from gpt2kit.music.stream.encoding import decode, encode

MidiFile = Callable[..., bytes]
RandomNotes = Callable[..., Notes]
Row = tuple[int, int, float, float]
"""pitch, velocity, start, end"""
Oracle = Callable[[bytes], tuple[list[Row], int]]


def on(pitch: int, velocity: int, wait: int = 0, channel: int = 0) -> mido.Message:
    return mido.Message("note_on", note=pitch, velocity=velocity, time=wait, channel=channel)


def off(pitch: int, wait: int = 0, channel: int = 0) -> mido.Message:
    return mido.Message("note_off", note=pitch, velocity=0, time=wait, channel=channel)


def pedal(value: int, wait: int = 0, channel: int = 0) -> mido.Message:
    return mido.Message("control_change", control=64, value=value, time=wait, channel=channel)


def program(number: int, wait: int = 0, channel: int = 0) -> mido.Message:
    return mido.Message("program_change", program=number, time=wait, channel=channel)


def tempo(microseconds: int, wait: int = 0) -> mido.MetaMessage:
    return mido.MetaMessage("set_tempo", tempo=microseconds, time=wait)


def header(type: int = 0, division: bytes = b"\1\xe0") -> bytes:
    return b"MThd\0\0\0\6" + bytes([0, type, 0, 1]) + division


def chunk(content: bytes) -> bytes:
    return b"MTrk" + len(content).to_bytes(4, "big") + content


END_OF_TRACK = b"\0\xff\x2f\0"


def events_of(body: bytes) -> bytes:
    return header() + chunk(body + END_OF_TRACK)


def rows(notes: Notes) -> list[Row]:
    columns = (notes.pitch, notes.velocity, notes.start, notes.end)
    return sorted(zip(*(column.tolist() for column in columns), strict=True))


def played(generator: random.Random, channel: int, ticks: int, first: list[mido.Message]) -> list[mido.Message]:
    """Random notes of one channel, no two of one pitch at a time, with a pedal that moves at times of its own."""
    happenings: list[tuple[int, int, mido.Message]] = []
    for pitch in generator.sample(range(30, 100), 8):
        clock = generator.randrange(50)
        while clock < ticks:
            length = generator.randrange(1, 400)
            happenings.append((clock, 2, on(pitch, generator.randrange(1, 128), channel=channel)))
            release = off(pitch, channel=channel) if generator.random() < 0.5 else on(pitch, 0, channel=channel)
            happenings.append((clock + length, 1, release))
            clock += length + generator.choice([0, 0, 1, 100, 500])
    for when in generator.sample(range(ticks), 20):
        happenings.append((when, 0, pedal(generator.choice([0, 30, 63, 64, 90, 127]), channel=channel)))
    happenings.sort(key=lambda happening: happening[:2])
    clock, track = 0, [*first]
    for when, _, message in happenings:
        track.append(message.copy(time=when - clock))
        clock = when
    return track


@pytest.mark.parametrize("seed", range(30))
def test_random_files_note_for_note_as_pretty_midi_reads_them(midi_file: MidiFile, seed: int, oracle: Oracle) -> None:
    """A tempo map, several pianos, other instruments, drums, pedals, running status: equal to the last bit."""
    generator = random.Random(seed)
    tempos = [tempo(generator.choice([200_000, 499_999, 500_000, 777_777]), generator.randrange(700)) for _ in range(9)]
    tracks = [
        played(generator, channel, 4000, [program(number, channel=channel)])
        for channel, number in ((0, generator.randrange(8)), (1, generator.randrange(8)), (2, 40), (9, 0))
    ]
    content = midi_file(tempos, *tracks, division=generator.choice([96, 220, 384, 480, 960, 32767]))
    notes, others = oracle(content)
    performance = parse_midi(content)
    assert rows(performance.notes) == notes
    assert performance.dropped["drums"] + performance.dropped["another instrument"] == others


def test_one_track_with_everything_in_it(midi_file: MidiFile, oracle: Oracle) -> None:
    track = [tempo(400_000), *played(random.Random(1), 0, 2000, [program(0)])]
    content = midi_file(track, type=0)
    assert rows(parse_midi(content).notes) == oracle(content)[0]


def test_ten_thousand_tempo_changes(midi_file: MidiFile, oracle: Oracle) -> None:
    tempos = [tempo(500_000 + 37 * (number % 911), 3) for number in range(10_000)]
    content = midi_file(tempos, played(random.Random(2), 0, 30_000, []))
    assert rows(parse_midi(content).notes) == oracle(content)[0]


def test_half_a_second_is_a_beat_where_no_tempo_is_set(midi_file: MidiFile) -> None:
    assert rows(parse_midi(midi_file([on(60, 64, 480), off(60, 240)])).notes) == [(60, 64, 0.5, 0.75)]


def test_running_status_and_note_ons_without_velocity(oracle: Oracle) -> None:
    content = events_of(b"\0\x90\x3c\x40\x60\x3c\0\0\x3e\x40\x60\x3e\0")
    assert rows(parse_midi(content).notes) == oracle(content)[0] == [(60, 64, 0.0, 0.1), (62, 64, 0.1, 0.2)]


def test_sysex_and_texts_are_passed_over(oracle: Oracle) -> None:
    content = events_of(b"\0\xf0\3\1\2\xf7\0\xff\1\2hi\0\x90\x3c\x40\x60\x3c\0")
    assert rows(parse_midi(content).notes) == oracle(content)[0] == [(60, 64, 0.0, 0.1)]


def test_overlapping_notes_of_one_pitch_end_first_in_first_out(midi_file: MidiFile) -> None:
    content = midi_file([on(60, 50), on(60, 70, 480), off(60, 480), off(60, 480)])
    assert rows(parse_midi(content).notes) == [(60, 50, 0.0, 1.0), (60, 70, 0.5, 1.5)]


def test_a_key_struck_in_the_tick_of_its_release(midi_file: MidiFile) -> None:
    for two in ([off(60, 480), on(60, 70)], [on(60, 70, 480), off(60)]):
        content = midi_file([on(60, 50), *two, off(60, 480)])
        assert rows(parse_midi(content).notes) == [(60, 50, 0.0, 0.5), (60, 70, 0.5, 1.0)]


def test_a_note_without_release_and_a_release_without_note(midi_file: MidiFile, oracle: Oracle) -> None:
    """pretty_midi drops the former."""
    content = midi_file([off(70), on(60, 50), on(62, 50, 480), off(62, 480)])
    assert oracle(content)[0] == [(62, 50, 0.5, 1.0)]
    assert rows(parse_midi(content).notes) == [(60, 50, 0.0, 1.0), (62, 50, 0.5, 1.0)]
    assert parse_midi(content).noticed == {ENDINGS[NEVER_RELEASED]: 1}


def test_what_is_dropped_is_counted(midi_file: MidiFile) -> None:
    def two(channel: int) -> list[mido.Message]:
        return [on(60, 50, 0, channel), off(60, 9, channel), on(62, 50, 0, channel), off(62, 0, channel)]

    content = midi_file(two(0), two(9), [program(8, channel=3), *two(3)], [program(7, channel=4), *two(4)])
    performance = parse_midi(content)
    assert len(performance.notes) == 2
    assert performance.dropped == {"drums": 2, "another instrument": 2, "no length": 2}


def test_the_pedal_of_one_piano_does_not_hold_another(midi_file: MidiFile) -> None:
    first = [pedal(127), on(60, 50), off(60, 480), pedal(0, 480)]
    second = [program(1, channel=1), on(62, 50, channel=1), off(62, 480, channel=1)]
    assert rows(parse_midi(midi_file(first, second)).notes) == [(60, 50, 0.0, 1.0), (62, 50, 0.0, 0.5)]


def test_a_pedal_stuck_down_holds_to_the_end_of_the_music(midi_file: MidiFile, oracle: Oracle) -> None:
    content = midi_file([pedal(127), on(60, 50), off(60, 480), on(62, 50, 480), off(62, 480)])
    assert rows(parse_midi(content).notes) == oracle(content)[0] == [(60, 50, 0.0, 1.5), (62, 50, 1.0, 1.5)]


def test_tempo_changes_of_any_track_count(midi_file: MidiFile) -> None:
    content = midi_file([on(60, 64), off(60, 480)], [tempo(250_000)])
    assert rows(parse_midi(content).notes) == [(60, 64, 0.0, 0.25)]


def test_of_two_tempos_at_one_tick_the_last_counts(midi_file: MidiFile) -> None:
    content = midi_file([tempo(250_000), tempo(1_000_000), on(60, 64), off(60, 480)])
    assert rows(parse_midi(content).notes) == [(60, 64, 0.0, 1.0)]


def test_smpte_time_pays_no_heed_to_tempos() -> None:
    """25 frames a second of 40 ticks: a tick is a millisecond."""
    body = b"\0\xff\x51\3\1\0\0\0\x90\x3c\x40\x60\x3c\0\0\xff\x2f\0"
    content = header(division=b"\xe7\x28") + chunk(body)
    assert parse_midi(content).notes.end.tolist() == pytest.approx([0.096])


def test_the_most_ticks_that_a_beat_can_have(midi_file: MidiFile, oracle: Oracle) -> None:
    content = midi_file([on(60, 64, 32767), off(60, 32767)], division=32767)
    assert rows(parse_midi(content).notes) == oracle(content)[0] == [(60, 64, 0.5, 1.0)]


LONG = b"\xff\xff\xff\x7f"
"""The longest wait that can be written: 268,435,455 ticks."""


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (events_of(b"\0\x90\x3c\x40" + LONG + b"\x3c\0"), "longer than 24 hours: 78 hours"),
        (events_of(LONG + b"\x90\x3c\x40" + b"\x60\x3c\0"), "hours"),
        (events_of(b"\0\x90\x3c\x40" + (LONG + b"\x3e\x40\x60\x3e\0") * 12), "too large to count"),
        (events_of(b"\0\x90\x3c\x40\x60\x3c\0\0\xb0\x40\x7f" + LONG + b"\x40\0"), "hours"),
        (events_of(b"\0\xff\x51\3\0\0\0\0\x90\x3c\x40\x60\x3c\0"), "a tempo is 0"),
        (events_of(b"\0\x90\xbc\x40\x60\xbc\0"), "damaged: "),
        (events_of(b"\0\x3c\x40"), "damaged: "),
        (events_of(b"\0\xf0\xff\xff\xff\x7f\1\2"), "damaged: "),
        (events_of(b"\0\xf4\0"), "damaged: "),
        (events_of(b"\0\x90\x3c\x40\xff\xff\xff\xff\xff\xff\x7f\x3c\0"), "damaged: "),
        (events_of(b"\0\x90\x3c\x40\x60\x3c\0")[:-6], "cut short"),
        (header(2) + chunk(b"\0\xff\x2f\0"), "MIDI type 2"),
        (b"not a MIDI file", "not a MIDI file"),
    ],
)
def test_damage_is_told_in_one_line(content: bytes, reason: str) -> None:
    with pytest.raises(MidiError, match=reason) as caught:
        parse_midi(content)
    assert "\n" not in str(caught.value)
    assert isinstance(caught.value, DataError)


@pytest.mark.parametrize(
    ("body", "notes", "count"),
    [
        (b"\0\x90\x3c\xc0\x60\x3c\0", [(60, 127, 0.0, 0.1)], 1),
        (b"\0\x90\x3c\xc0\x60\x90\x3c\0", [(60, 127, 0.0, 0.1)], 1),
        (b"\0\x90\xbc\xff\x60\x80\xbc\x90", [(127, 127, 0.0, 0.1)], 4),
        (b"\0\xb0\x07\xff\0\xc0\x80\0\xff\1\2\xff\xff\0\xf0\2\x7f\xf7\0\x90\x3c\x40\x60\x3c\0", [], 2),
        (b"\0\xb0\x40\xff\0\x90\x3c\x40\x60\x3c\0\x60\xb0\x40\0", [(60, 64, 0.0, 0.2)], 1),
    ],
    ids=["velocity", "status again", "pitch", "program of no piano, with a text and a sysex", "pedal"],
)
def test_data_bytes_above_127_are_taken_as_127_and_counted(body: bytes, notes: list[Row], count: int) -> None:
    """mido, asked to clip, reads the same events."""
    performance = parse_midi(events_of(body))
    assert rows(performance.notes) == notes
    assert performance.clipped == count
    (track,) = mido.MidiFile(file=io.BytesIO(events_of(body)), clip=True).tracks
    mended = messages(body + END_OF_TRACK)
    assert [message[0] for _, message in mended] == [message.bytes()[0] for message in track]
    channel = [message for _, message in mended if message[0] < 0xF0]
    assert channel == [bytes(message.bytes()) for message in track if message.bytes()[0] < 0xF0]


def test_a_whole_file_has_nothing_to_clip(midi_file: MidiFile) -> None:
    content = midi_file(played(random.Random(2), 0, 3000, []))
    assert parse_midi(content).clipped == 0


def test_whatever_the_bytes_are_there_are_notes_or_a_reason(midi_file: MidiFile) -> None:
    """Files with a few wrong bytes, whose chunks fit so that their events are parsed, and noise.

    A report counts the reasons by their kinds, of which there are few.
    """
    generator = random.Random(5)
    whole = midi_file([tempo(400_000)], played(generator, 0, 1500, [program(0)]))
    outcomes = {"notes": 0, "reason": 0}
    kinds = set()
    for _ in range(3000):
        content = bytearray(whole)
        for _ in range(generator.choice([1, 1, 2, 5, 30])):
            place = generator.randrange(len(content))
            content[place] = generator.choice([generator.randrange(256), 0, 0x7F, 0x80, 0xFF, 0xF0, 0x51])
        if generator.random() < 0.1:
            content = bytearray(generator.randbytes(generator.randrange(200)))
        reason = ""
        try:
            notes = parse_midi(bytes(content)).notes
        except MidiError as error:
            reason = str(error)
            kinds.add(error.kind)
        outcomes["reason" if reason else "notes"] += 1
        assert "\n" not in reason
        assert reason or notes.duration <= 24 * 3600
    assert min(outcomes.values()) > 100
    assert 5 < len(kinds) < 15


def test_files_that_cannot_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    loop = tmp_path / "loop.mid"
    loop.symlink_to(loop)
    (tmp_path / "folder.mid").mkdir()
    os.mkfifo(tmp_path / "pipe.mid")
    (tmp_path / "large.mid").write_bytes(events_of(b""))
    monkeypatch.setattr(midi, "LARGEST_FILE", 20)
    reasons = {
        "missing.mid": "No such file",
        "loop.mid": "symbolic links",
        "folder.mid": "a folder",
        "pipe.mid": "not a regular file",
        "large.mid": "20 at most",
    }
    for name, reason in reasons.items():
        with pytest.raises(MidiError, match=f"{name}: .*{reason}"):
            read_midi(tmp_path / name)


@pytest.mark.parametrize("seed", range(10))
def test_what_is_written_is_read_again(tmp_path: Path, random_notes: RandomNotes, seed: int) -> None:
    """First in, first out, in whole milliseconds, of which every note takes one at least."""
    notes = random_notes(seed, pitches=(60, 64) if seed % 2 else (21, 109))
    write_midi(tmp_path / "piece.mid", notes)
    expected = notes.first_in_first_out()
    found = read_midi(tmp_path / "piece.mid").notes.first_in_first_out()
    assert sorted(found.pitch.tolist()) == sorted(expected.pitch.tolist())
    for pitch in set(expected.pitch.tolist()):
        mine, theirs = found.pitch == pitch, expected.pitch == pitch
        assert found.velocity[mine].tolist() == expected.velocity[theirs].tolist()
        assert np.abs(found.start[mine] - expected.start[theirs]).max() <= 0.0005 + 1e-9
        assert np.abs(found.end[mine] - expected.end[theirs]).max() <= 0.0015 + 1e-9


@pytest.mark.parametrize("seed", range(5))
def test_events_survive_a_file_exactly(tmp_path: Path, random_notes: RandomNotes, seed: int) -> None:
    ids = encode(random_notes(seed))
    write_midi(tmp_path / "piece.mid", decode(ids))
    assert encode(read_midi(tmp_path / "piece.mid").notes).tolist() == ids.tolist()


def test_pretty_midi_reads_what_is_written(tmp_path: Path) -> None:
    notes = Notes.of([60, 64, 60], [1, 64, 127], [0.0, 0.5, 1.0], [0.75, 2.0, 1.25])
    write_midi(tmp_path / "piece.mid", notes)
    (piano,) = pretty_midi.PrettyMIDI(str(tmp_path / "piece.mid")).instruments
    found = [(note.pitch, note.velocity, float(note.start), float(note.end)) for note in piano.notes]
    assert sorted(found) == rows(notes)


@pytest.mark.parametrize("seed", range(5))
def test_an_object_of_pretty_midi_holds_the_notes_of_its_file(midi_file: MidiFile, seed: int) -> None:
    """Pianos with pedals, next to another instrument and drums; whatever the order in its lists."""
    generator = random.Random(seed)
    channels = ((0, 0), (1, 5), (2, 40), (9, 0))
    tracks = [played(generator, channel, 3000, [program(number, channel=channel)]) for channel, number in channels]
    content = midi_file([tempo(400_000)], *tracks)
    file = pretty_midi.PrettyMIDI(io.BytesIO(content))
    expected = rows(parse_midi(content).notes)
    assert rows(from_pretty_midi(file)) == expected
    for instrument in file.instruments:
        generator.shuffle(instrument.notes)
    assert rows(from_pretty_midi(file)) == expected


def test_notes_survive_an_object_of_pretty_midi(random_notes: RandomNotes) -> None:
    whole = random_notes(3).first_in_first_out()
    start, end = np.rint(whole.start * 1000), np.rint(whole.end * 1000)
    notes = Notes(whole.pitch, whole.velocity, start / 1000, np.maximum(end, start + 1) / 1000)
    assert rows(from_pretty_midi(to_pretty_midi(notes))) == rows(notes.first_in_first_out())
    assert from_pretty_midi(pretty_midi.PrettyMIDI()) == Notes.none()


def test_an_object_of_pretty_midi_with_impossible_values() -> None:
    piano = pretty_midi.Instrument(program=0)
    midi = pretty_midi.PrettyMIDI()
    midi.instruments.append(piano)
    piano.notes = [pretty_midi.Note(60, 60, 1.0, 1.0)]
    assert from_pretty_midi(midi) == Notes.none(), "no length"
    piano.notes = [pretty_midi.Note(60, 300, 0.0, 1.0)]
    with pytest.raises(ValueError, match="pitch must be whole numbers from 0 to 127"):
        from_pretty_midi(midi)
    piano.notes = [pretty_midi.Note(60, 60, 0.0, 1e5)]
    with pytest.raises(MidiError, match="28 hours"):
        from_pretty_midi(midi)


def test_a_piece_of_three_hours_is_read_by_both(tmp_path: Path) -> None:
    notes = Notes.of([60, 64], [64, 64], [0.0, 3 * 3600.0], [1.0, 3 * 3600.0 + 1.5])
    write_midi(tmp_path / "piece.mid", notes)
    found = read_midi(tmp_path / "piece.mid").notes
    assert found.start.tolist() == pytest.approx([0.0, 10800.0])
    assert found.end.tolist() == pytest.approx([1.0, 10801.5])
    assert pretty_midi.PrettyMIDI(str(tmp_path / "piece.mid")).get_end_time() == pytest.approx(notes.duration)


def test_no_notes_are_a_file_without_notes(tmp_path: Path) -> None:
    write_midi(tmp_path / "piece.mid", Notes.none())
    assert len(read_midi(tmp_path / "piece.mid").notes) == 0


def test_a_piece_of_more_than_a_day_is_not_written(tmp_path: Path) -> None:
    with pytest.raises(MidiError, match="28 hours"):
        write_midi(tmp_path / "piece.mid", Notes.of([60], [64], [0.0], [1e5]))
    assert list(tmp_path.iterdir()) == []


def test_a_failed_write_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "piece.mid"
    path.write_bytes(b"old")

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(MachineError, match="No space left"):
        write_midi(path, Notes.none())
    assert [entry.read_bytes() for entry in tmp_path.iterdir()] == [b"old"]


def test_the_object_of_pretty_midi_sounds() -> None:
    sound = to_pretty_midi(Notes.of([69], [100], [0.0], [0.5])).synthesize(fs=8000)
    assert np.abs(np.fft.rfft(sound[:4000])).argmax() / 0.5 == pytest.approx(440, abs=4)
