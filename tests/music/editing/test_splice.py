"""A user's file with a model's notes in it: mido, pretty_midi and our own reader are the oracles."""

import io
import random
from collections.abc import Callable
from typing import Any

import mido
import numpy as np
import pretty_midi
import pytest
from mido import Message

from gpt2kit.music.editing.primer import primer_of
from gpt2kit.music.editing.splice import continuation_alone, continued_file
from gpt2kit.music.midi import parse_midi
from gpt2kit.music.midi_file.smf import MidiError
from gpt2kit.music.notes import Notes
from gpt2kit.music.stream.keyboard import Continuation

MidiFile = Callable[..., bytes]
NOTHING = Notes.none()


def meta(kind: str, wait: int = 0, **values: Any) -> mido.MetaMessage:
    return mido.MetaMessage(kind, time=wait, **values)


def on(pitch: int, wait: int = 0, channel: int = 0, velocity: int = 71) -> Message:
    return Message("note_on", note=pitch, velocity=velocity, time=wait, channel=channel)


def off(pitch: int, wait: int = 0, channel: int = 0) -> Message:
    return Message("note_off", note=pitch, velocity=33, time=wait, channel=channel)


def control(number: int, value: int, wait: int = 0, channel: int = 0) -> Message:
    return Message("control_change", control=number, value=value, time=wait, channel=channel)


def program(number: int, wait: int = 0, channel: int = 0) -> Message:
    return Message("program_change", program=number, time=wait, channel=channel)


def continued(content: bytes, seconds: float | None, new: Notes = NOTHING, **releases: float) -> bytes:
    """The file with new notes after `seconds`; `releases`: when the model lets go, as p60=1.5."""
    primer = primer_of(content, seconds)
    return continued_file(primer, Continuation(new, {int(name[1:]): at for name, at in releases.items()}))


def messages(content: bytes) -> list[list[tuple[int, Any]]]:
    """By track: absolute ticks and messages, as mido reads them, without the end of the track."""
    tracks = []
    for track in mido.MidiFile(file=io.BytesIO(content)).tracks:
        ticks = np.cumsum([message.time for message in track]).tolist()
        tracks.append([(tick, message.copy(time=0)) for tick, message in zip(ticks, track, strict=True)][:-1])
    return tracks


def ends(content: bytes) -> dict[int, float]:
    notes = parse_midi(content).notes
    return dict(zip(notes.pitch.tolist(), notes.end.round(6).tolist(), strict=True))


def sonata(midi_file: MidiFile, **options: Any) -> bytes:
    """Two hands with tempo changes in 6/8, a pedal, texts, strings and drums. At 1.0 s, tick 960: 60 is down, 64 sounds
    by the pedal, 48 of the left hand is down, 55 of the strings is down, and 67 and 72 follow."""
    first = [
        meta("track_name", name="Sonata"),
        meta("set_tempo", tempo=400_000),
        meta("time_signature", numerator=6, denominator=8),
        meta("key_signature", key="D"),
        meta("set_tempo", 480, tempo=600_000),
        meta("text", 240, text="dolce"),
        meta("set_tempo", 240, tempo=300_000),
        meta("text", 0, text="after"),
    ]
    right = [
        meta("track_name", name="Right"),
        control(64, 100),
        on(60, 10),
        on(64, 10, velocity=50),
        off(64, 200),
        control(67, 30),
        off(60, 1500),
        on(67),
        off(67, 10),
        control(64, 0),
    ]
    left = [program(2, channel=1), Message("sysex", data=[1, 2, 3]), on(48, 900, 1), off(48, 900, 1), on(72, 0, 1)]
    left.append(off(72, 10, 1))
    strings = [program(48, channel=2), on(55, 5, 2), off(55, 1400, 2), on(57, 0, 2), off(57, 100, 2)]
    drums = [on(36, 5, 9), off(36, 20, 9), on(38, 1300, 9), off(38, 20, 9)]
    return midi_file(first, right, left, strings, drums, **options)


NEW = Notes.of([62, 62, 90], [40, 41, 42], [1.0, 1.25, 1.5], [1.25, 1.3, 3.0])


def test_messages_before_the_cut_are_unchanged_and_the_rest_lets_go(midi_file: MidiFile) -> None:
    content = sonata(midi_file)
    written = continued(content, 1.0, NEW, p60=1.1, p64=1.2, p48=1.3)
    before, after = messages(content), messages(written)
    cut = 960  # 480 ticks of 0.4 s and 480 of 0.6 s in a beat of 480
    assert len(after) == len(before) + 1
    for old, new in zip(before, after, strict=False):
        assert [each for each in new if each[0] < cut] == [each for each in old if each[0] < cut]
    assert [[(tick, str(message)) for tick, message in track if tick >= cut] for track in after[:-1]] == [
        [],
        [
            (1040, "note_off channel=0 note=60 velocity=33 time=0"),
            (1120, "control_change channel=0 control=64 value=0 time=0"),
        ],
        [(1200, "note_off channel=1 note=48 velocity=33 time=0")],
        [(1405, "note_off channel=2 note=55 velocity=33 time=0")],
        [],
    ], "ticks of 1.25 ms, as the tempo at the cut goes on; the strings keep their end"


def test_the_new_notes_are_a_track_of_their_own(midi_file: MidiFile) -> None:
    """On the first free channel, with the program of the key that was struck last."""
    *_, (name, *struck, mark) = messages(continued(sonata(midi_file), 1.0, NEW))
    assert str(name[1]) == "MetaMessage('track_name', name='gpt2kit', time=0)"
    assert [(tick, str(message).removesuffix(" time=0")) for tick, message in struck] == [
        (0, "program_change channel=3 program=2"),
        (960, "note_on channel=3 note=62 velocity=40"),
        (1160, "note_off channel=3 note=62 velocity=64"),
        (1160, "note_on channel=3 note=62 velocity=41"),
        (1200, "note_off channel=3 note=62 velocity=64"),
        (1360, "note_on channel=3 note=90 velocity=42"),
        (2560, "note_off channel=3 note=90 velocity=64"),
    ]
    assert mark == (2560, mido.MetaMessage("sequencer_specific", data=tuple(b"\x7dgpt2kit")))


def test_what_is_read_are_the_notes_of_both(midi_file: MidiFile) -> None:
    """Those before the cut to the last bit, unrounded; what sounds there ends when the model lets it go. While the
    pedal is down for 64, 60 sounds on after its key is let go."""
    content = sonata(midi_file)
    written = continued(content, 1.0, NEW, p60=1.1, p64=1.2, p48=1.3)
    given, found = parse_midi(content).notes, parse_midi(written).notes
    struck = given.start < 1.0
    assert found.sliced(1.0).start.tolist() == (NEW.start - 1.0).tolist()
    for name in ("pitch", "velocity", "start"):
        assert getattr(found, name)[: struck.sum()].tolist() == getattr(given, name)[struck].tolist()
    assert ends(written) == {60: 1.2, 64: 1.2, 48: 1.3, 62: 1.3, 90: 3.0}
    assert parse_midi(written).dropped == {"drums": 1, "another instrument": 1}


def test_tempo_metre_and_key_are_as_pretty_midi_reads_them(midi_file: MidiFile) -> None:
    content = sonata(midi_file)
    old, new = (pretty_midi.PrettyMIDI(io.BytesIO(file)) for file in (content, continued(content, 1.0, NEW)))
    times, tempos = old.get_tempo_changes()
    assert [each.tolist() for each in new.get_tempo_changes()] == [times[:2].tolist(), tempos[:2].tolist()]
    assert (new.resolution, len(times)) == (old.resolution, 3)
    for name in ("time_signature_changes", "key_signature_changes"):
        (one,), (other,) = getattr(old, name), getattr(new, name)
        assert vars(one) == vars(other)
    assert [(text.text, text.time) for text in new.text_events] == [("dolce", pytest.approx(0.7))]
    (added,) = [each for each in new.instruments if each.name == "gpt2kit"]
    assert [(note.pitch, note.velocity) for note in added.notes] == [(62, 40), (62, 41), (90, 42)]
    assert [note.start for note in added.notes] == pytest.approx(NEW.start.tolist())
    assert [note.end for note in added.notes] == pytest.approx(NEW.end.tolist())


def test_a_pedal_that_holds_nothing_lifts_at_the_cut(midi_file: MidiFile) -> None:
    """The key that is down does not need it; what another keystroke of the pitch had left to the pedal ended there."""
    content = midi_file([control(64, 127), on(60), off(60, 100), on(60, 100), off(60, 2000), control(64, 0)])
    written = continued(content, 1.0, p60=1.2)
    assert [(tick, message.type) for tick, message in messages(written)[0]][-2:] == [
        (960, "control_change"),
        (1152, "note_off"),
    ]
    assert parse_midi(written).notes.end.round(6).tolist() == [round(200 / 960, 6), 1.2]


def test_a_key_let_go_before_the_pedal_went_down_does_not_hold_it(midi_file: MidiFile) -> None:
    """Channel 1 holds the same pitch longer."""
    content = midi_file(
        [on(60), off(60, 100), control(64, 127, 10), on(62), off(62, 10), on(60, 10, 1), off(60, 5000, 1)]
    )
    written = continued(content, 1.0, p60=2.0, p62=1.5)
    assert (1440, control(64, 0)) in messages(written)[0]


@pytest.mark.parametrize("controller", [64, 66])
def test_the_pedal_of_another_instrument_lifts_when_its_player_lifts_it(midi_file: MidiFile, controller: int) -> None:
    harp = [program(46, channel=1), control(controller, 127, 0, 1), on(60, 0, 1), off(60, 9, 1)]
    harp += [control(controller, 90, 1991, 1), control(controller, 10, 1000, 1), control(controller, 0, 1000, 1)]
    written = continued(midi_file([on(72), off(72, 480)], harp), 0.6)
    assert messages(written)[1][4:] == [(3000, control(controller, 0, channel=1))]


def test_sostenuto_lifts_with_the_last_note_that_it_holds(midi_file: MidiFile) -> None:
    """60 and 64 are caught, and the key of 60 is up at the cut; 67 is not caught."""
    content = midi_file([on(60), on(64), control(66, 127, 10), on(67, 10), off(60, 100), off(67, 1800), off(64)])
    written = continued(content, 1.0, p60=1.25, p64=1.125, p67=1.5)
    assert messages(written)[0][5:] == [(1080, off(64)), (1200, control(66, 0)), (1440, off(67))]
    assert ends(written) == {60: 1.25, 64: 1.25, 67: 1.5}


def test_sostenuto_that_holds_nothing_lifts_at_the_cut(midi_file: MidiFile) -> None:
    content = midi_file([on(60), control(66, 127, 10), off(60, 2000)])
    written = continued(content, 1.0, p60=1.25)
    assert messages(written)[0][2:] == [(960, control(66, 0)), (1200, off(60))]
    assert ends(written) == {60: 1.25}


def test_the_pedal_of_the_other_hand_lifts_for_both(midi_file: MidiFile) -> None:
    content = midi_file([control(64, 127), on(72, 1910), off(72, 10)], [on(48), off(48, 115)])
    written = continued(content, 1.0, p48=1.5)
    assert messages(written)[0] == [(0, control(64, 127)), (1440, control(64, 0))]
    assert ends(written) == {48: 1.5}


def test_controllers_that_are_reset_lift_the_pedal(midi_file: MidiFile) -> None:
    content = midi_file([control(64, 127), on(60), off(60, 100), control(121, 0), on(62), off(62, 1500)])
    assert messages(continued(content, 1.0, p62=1.25))[0][5:] == [(1200, off(62))]


def test_what_the_model_does_not_let_go_keeps_its_end(midi_file: MidiFile) -> None:
    """Keys beyond its prompt; one that nothing ends is let go at the cut."""
    content = midi_file([on(60), on(62), off(60, 1920)])
    assert messages(continued(content, 1.0))[0][2:] == [(960, Message("note_off", note=62)), (1920, off(60))]


def test_a_key_that_its_track_never_lets_go_does_not_sound_in_the_new_music(midi_file: MidiFile) -> None:
    content = midi_file([on(60), meta("end_of_track", 480)], [on(72, 0, 1), off(72, 1920, 1)])
    (hanging, *_) = messages(continued(content, 1.5, NEW))
    assert hanging == [(0, on(60)), (480, Message("note_off", note=60, velocity=64))]
    assert ends(continued(content, 1.5, NOTHING, p72=1.75)) == {60: 0.5, 72: 1.75}


def test_a_key_ended_by_a_controller_gets_a_note_off(midi_file: MidiFile) -> None:
    content = midi_file([on(60), control(123, 0, 1920)])
    assert messages(continued(content, 1.0, p60=1.5))[0][1:] == [(1440, Message("note_off", note=60))]


def test_a_file_of_format_0_becomes_one_of_format_1(midi_file: MidiFile) -> None:
    content = midi_file([meta("set_tempo", tempo=250_000), on(60), off(60, 480)], type=0)
    file = mido.MidiFile(file=io.BytesIO(continued(content, None, Notes.of([70], [9], [0.5], [1.0]))))
    assert (file.type, len(file.tracks)) == (1, 2)
    assert messages(continued(content, None))[0] == messages(content)[0]


@pytest.mark.parametrize("division", ["0018", "e804", "e250"])
def test_coarse_ticks_and_parts_of_a_second(division: str) -> None:
    """24 ticks of a beat last 21 ms each, a quarter of a frame 10 ms; no note loses its length or overlaps another."""
    track = bytes.fromhex("00903c40 30803c40 00ff2f00")
    header = b"MThd" + bytes.fromhex("00000006 0000 0001" + division)
    content = header + b"MTrk" + len(track).to_bytes(4, "big") + track
    end = parse_midi(content).notes.duration
    start = end + np.array([0.5, 0.51, 0.52])
    written = continued(content, None, Notes.of([61] * 3, [8] * 3, start, start + 0.01))
    assert written[12:14] == content[12:14]
    notes = parse_midi(written).notes.sliced(end)
    assert len(notes) == 3
    assert (notes.start[1:] >= notes.end[:-1]).all()
    assert notes.start + end == pytest.approx(start, abs=0.022 if division == "0018" else 0.006)


def test_data_bytes_above_127_are_written_clean(midi_file: MidiFile) -> None:
    content = midi_file([on(60, velocity=100), off(60, 480)]).replace(bytes.fromhex("903c64"), bytes.fromhex("903ce4"))
    (_, struck), *_ = messages(continued(content, None))[0]
    assert struck.velocity == 127


# channels


def used(channels: range, ends: int) -> list[Message]:
    """An organ on each."""
    track = [message for channel in channels for message in (program(19, channel=channel), on(60, 0, channel))]
    return track + [off(60, ends if channel == channels[0] else 0, channel) for channel in channels]


def test_a_channel_that_is_silent_at_the_cut_is_used_again(midi_file: MidiFile) -> None:
    """There is no other. It is set up at the cut, as a piano, and none of its settings last."""
    track = [*used(range(1, 16), 100), control(7, 3, 0, 12), control(64, 127, 0, 12), control(64, 0, 9, 12)]
    track += [on(60, 0, 12), off(60, 1, 12), on(60), off(60, 480)]
    written = continued(midi_file(track), 0.5, Notes.of([62], [64], [0.5], [1.0]))
    new = messages(written)[-1]
    channel = 1
    assert [(tick, message) for tick, message in new[1:-1]] == [
        *((480, control(number, 0, channel=channel)) for number in (121, 64, 0, 32)),
        *((480, control(number, value, channel=channel)) for number, value in ((7, 100), (10, 64), (11, 127))),
        *((480, control(number, value, channel=channel)) for number, value in ((91, 40), (93, 0))),
        (480, program(0, channel=channel)),
        (480, on(62, 0, channel, 64)),
        (960, Message("note_off", note=62, channel=channel)),
    ]
    assert parse_midi(written).notes.pitch.tolist()[-1] == 62


def test_no_channel_is_free_where_all_sound(midi_file: MidiFile) -> None:
    content = midi_file([*used(range(16), 1920)])
    with pytest.raises(MidiError, match="no free channel: all 15 channels"):
        continued(content, 1.0)


def test_the_new_channel_sounds_as_the_old_one(midi_file: MidiFile) -> None:
    """Volume, pan and the like of the channel whose key was struck last; later settings do not count."""
    track = [control(7, 50), control(10, 20), control(64, 0), control(7, 60), control(7, 1, 0, 1), program(4), on(60)]
    track += [off(60, 10), control(7, 2), on(61, 0, 9), off(61, 1, 9)]
    new = messages(continued(midi_file(track), None))[-1]
    channel = 2
    assert [message for _, message in new[1:-1]] == [
        control(7, 60, channel=channel),
        control(10, 20, channel=channel),
        program(4, channel=channel),
    ]


# alone


def test_alone_the_new_notes_begin_at_0_with_the_users_tempo_metre_and_key(midi_file: MidiFile) -> None:
    content = sonata(midi_file)
    primer = primer_of(content, 1.0)
    written = continuation_alone(primer, NEW)
    first, second = messages(written)
    assert [(tick, message.type) for tick, message in first] == [
        *((0, kind) for kind in ("set_tempo", "time_signature", "key_signature")),
    ]
    assert (first[0][1].tempo, first[1][1].denominator, first[2][1].key) == (600_000, 8, "D")
    assert second[1] == (0, program(2))
    found = parse_midi(written).notes
    assert (found.pitch.tolist(), found.velocity.tolist()) == ([62, 62, 90], [40, 41, 42])
    assert found.start == pytest.approx(NEW.start - 1.0)
    assert found.end == pytest.approx(NEW.end - 1.0)


def test_alone_without_a_tempo(midi_file: MidiFile) -> None:
    content = midi_file([on(60), off(60, 480)])
    primer = primer_of(content)
    written = continuation_alone(primer, Notes.of([60], [64], [1.51], [2.51]))
    assert messages(written)[0] == []
    assert parse_midi(written).notes.start == pytest.approx([1.0], abs=0.001)


# anything


@pytest.mark.parametrize("seed", range(25))
def test_random_files(midi_file: MidiFile, seed: int) -> None:
    """Two hands with a pedal each and a tempo map, cut anywhere: everything before is as it was, to the last bit; what
    sounds at the cut ends when the model lets it go, or with the pedal that holds another note."""
    generator = random.Random(seed)
    tracks = [[meta("set_tempo", 150, tempo=generator.randrange(300_000, 800_000)) for _ in range(8)]]
    for channel in (0, 1):
        moments = []
        for pitch in generator.sample(range(40, 80), 12):
            clock = generator.randrange(300)
            while clock < 2500:
                length = generator.randrange(1, 500)
                moments += [(clock, 2, on(pitch, 0, channel, generator.randrange(1, 128)))]
                moments += [(clock + length, 1, off(pitch, 0, channel))]
                clock += length + generator.choice([0, 30, 400])
        moments += [
            (generator.randrange(2500), 0, control(64, generator.choice([0, 127]), 0, channel)) for _ in range(9)
        ]
        moments.sort(key=lambda moment: moment[:2])
        ticks = np.diff([0, *(moment[0] for moment in moments)]).tolist()
        tracks.append([moment[2].copy(time=tick) for tick, moment in zip(ticks, moments, strict=True)])
    content = midi_file(*tracks)
    given = parse_midi(content).notes
    cut = round(generator.uniform(0.2, 0.9) * given.duration, 2)
    before = given.start < cut
    sounding = before & (given.end > cut)
    releases = {pitch: cut + generator.randrange(100) / 100 for pitch in sorted(set(given.pitch[sounding].tolist()))}
    new = Notes.of([90, 91], [20, 30], [cut, cut + 0.5], [cut + 0.3, cut + 2])
    written = continued(content, cut, new, **{f"p{pitch}": at for pitch, at in releases.items()})
    file = pretty_midi.PrettyMIDI(io.BytesIO(content))
    for old, kept in zip(messages(content), messages(written), strict=False):
        unchanged = [each for each in old if file.tick_to_time(each[0]) < cut]
        assert kept[: len(unchanged)] == unchanged
    found = parse_midi(written).notes
    struck = found.start < cut
    for name in ("pitch", "velocity", "start"):
        assert getattr(found, name)[struck].tolist() == getattr(given, name)[before].tolist()
    over = given.end[before] <= cut
    assert found.end[struck][over].tolist() == given.end[before][over].tolist()
    at = np.array([releases[pitch] for pitch in found.pitch[struck][~over].tolist()])
    late = found.end[struck][~over] - at
    assert (late > -0.01).all()
    assert (found.end[struck][~over] <= max([cut, *releases.values()]) + 0.01).all()
    assert (abs(late) < 0.01).any() or not len(late)
    assert found.pitch[~struck].tolist() == [90, 91]
    assert found.start[~struck] == pytest.approx(new.start, abs=0.01)
    assert found.end[~struck] == pytest.approx(new.end, abs=0.01)
