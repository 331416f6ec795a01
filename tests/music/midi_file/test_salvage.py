"""What is whole in damaged files: tracks that were cut short, and tracks that lost bytes in the middle."""

import random
from collections.abc import Callable

import mido
import pytest

from gpt2kit.music.midi import Performance, parse_midi
from gpt2kit.music.midi_file.lost_bytes import whole_part
from gpt2kit.music.midi_file.salvage import salvaged
from gpt2kit.music.midi_file.smf import MidiError, read_chunks
from gpt2kit.music.midi_file.tracks import Scan, messages

MidiFile = Callable[..., bytes]


def performance(seed: int, count: int = 400) -> list[mido.Message]:
    """Notes that do not overlap in one pitch, and the movements of a pedal, with ticks as in MAESTRO."""
    generator = random.Random(seed)
    track, down = [], set[int]()
    for _ in range(count):
        # No tick or velocity is 10 or 13, so that the only LF is the one that a test puts there.
        wait, velocity = generator.choice([0, 1, 5, 40, 120, 200, 900]), generator.choice([20, 64, 100])
        if generator.random() < 0.3:
            track.append(mido.Message("control_change", control=64, value=generator.randrange(20, 128), time=wait))
            continue
        pitch = generator.choice(range(40, 90))
        track.append(mido.Message("note_on", note=pitch, velocity=0 if pitch in down else velocity, time=wait))
        down ^= {pitch}
    return [*track, *(mido.Message("note_on", note=pitch, velocity=0, time=5) for pitch in down)]


def rows(found: Performance) -> list[tuple[int, int, float, float]]:
    notes = found.notes
    columns = (notes.pitch, notes.velocity, notes.start, notes.end)
    return sorted(zip(*(column.tolist() for column in columns), strict=True), key=lambda row: row[2:1:-1])


def test_a_whole_file_is_read_as_it_is(midi_file: MidiFile) -> None:
    content = midi_file(performance(1), performance(2))
    chunks, damage = salvaged(content)
    assert (chunks.tracks, damage) == (read_chunks(content).tracks, [])
    assert parse_midi(content, salvage=True) == parse_midi(content)


@pytest.mark.parametrize("missing", [1, 2, 3, 4, 5, 300, 800])
def test_of_a_file_cut_short_all_events_before_the_cut_are_used(midi_file: MidiFile, missing: int) -> None:
    content = midi_file(performance(1), type=0)
    (whole,) = read_chunks(content).tracks
    with pytest.raises(MidiError, match=r"; --salvage uses what is whole$"):
        parse_midi(content[:-missing])
    chunks, damage = salvaged(content[:-missing])
    found = messages(chunks.tracks[0])
    assert found == messages(whole)[: len(found)]
    assert 0 <= len(whole) - missing - len(chunks.tracks[0]) < 8
    assert damage == [
        f"track 1 of 1 lacks {missing} of its {len(whole):,} bytes, used to byte {len(chunks.tracks[0]):,}"
    ]
    read = parse_midi(content[:-missing], salvage=True)
    assert read.damage == damage[0]
    assert read.notes.duration <= parse_midi(content).notes.duration


def test_notes_that_sound_at_the_damage_end_there() -> None:
    body = b"\0\x90\x3c\x40\x83\x60\x3e\x40\x83\x60\x40\x40\x60"
    content = b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk\0\0\1\0" + body
    assert rows(parse_midi(content, salvage=True)) == [(60, 64, 0.0, 1.0), (62, 64, 0.5, 1.0)]


@pytest.mark.parametrize("seed", range(6))
def test_a_return_lost_in_the_middle_is_found(midi_file: MidiFile, seed: int) -> None:
    """A transfer as text makes CR LF one LF; other LFs stay, and are not mistaken for it."""
    generator = random.Random(seed)
    written = performance(seed)
    lost, others = generator.sample(range(100, 350), 1)[0], generator.sample(range(400), 8)
    for place in others:
        written[place] = written[place].copy(time=10)
    written[lost] = written[lost].copy(time=10)
    written[lost - 1] = mido.Message("control_change", control=64, value=13, time=3)
    content = midi_file(written, type=0)
    (whole,) = read_chunks(content).tracks
    assert whole.count(b"\r\n") == 1
    damaged = content.replace(b"\r\n", b"\n")
    with pytest.raises(MidiError, match="lacks 1 of"):
        parse_midi(damaged)
    chunks, _ = salvaged(damaged)
    begin = int(Scan(whole).starts[lost - 1])
    assert begin - 8 <= len(chunks.tracks[0]) <= begin
    assert whole.startswith(chunks.tracks[0])


@pytest.mark.parametrize("seed", range(6))
def test_another_byte_lost_in_the_middle_spoils_few_events(midi_file: MidiFile, seed: int) -> None:
    (whole,) = read_chunks(midi_file(performance(seed), type=0)).tracks
    lost = random.Random(seed).randrange(200, len(whole) - 200)
    part = whole_part(whole[:lost] + whole[lost + 1 :])
    events = messages(whole)
    assert len(part) > lost - 100
    assert len([one for one, other in zip(messages(part), events, strict=False) if one != other]) < 30


def test_a_track_that_lacks_bytes_ends_where_the_next_begins(midi_file: MidiFile) -> None:
    first, second = performance(1), performance(2)
    content = midi_file(first, second)
    tracks = read_chunks(content).tracks
    cut = content.index(b"MTrk", 30)
    damaged = content[: cut - 40] + content[cut:]
    with pytest.raises(MidiError, match="begins with"):
        parse_midi(damaged)
    chunks, damage = salvaged(damaged)
    assert len(chunks.tracks) == 2
    assert tracks[0].startswith(chunks.tracks[0])
    assert chunks.tracks[1] == tracks[1]
    used = len(chunks.tracks[0])
    assert damage == [f"track 1 of 2 lacks 40 of its {len(tracks[0]):,} bytes, used to byte {used:,}"]


def test_missing_tracks_and_bytes_between_tracks(midi_file: MidiFile) -> None:
    content = midi_file(performance(1, 20), performance(2, 20))
    tracks = read_chunks(content).tracks
    second = content.index(b"MTrk", 30)
    assert salvaged(content[:second])[1] == ["it has 1 of 2 tracks"]
    chunks, damage = salvaged(content[:second] + b"\0\0\0" + content[second:])
    assert (chunks.tracks, damage) == (tracks, ["track 2 of 2 begins with b'\\x00\\x00\\x00M', not b'MTrk'"])


def test_an_event_that_cannot_be_read_ends_its_track(midi_file: MidiFile) -> None:
    (track,) = read_chunks(midi_file(performance(3, 20), type=0)).tracks
    place = int(Scan(track).starts[9])
    bad = track[:place] + b"\0\xf4" + track[place:]
    content = b"MThd\0\0\0\6\0\0\0\1\1\xe0MTrk" + len(bad).to_bytes(4, "big") + bad
    with pytest.raises(MidiError, match=rf"damaged: track 1 of 1, byte {place}: 0xf4 is not .*; --salvage"):
        parse_midi(content)
    chunks, damage = salvaged(content)
    assert chunks.tracks == [track[:place]]
    assert damage == [f"track 1 of 1, byte {place}: 0xf4 is not the status of an event"]


@pytest.mark.parametrize(
    "content", [b"", b"not MIDI at all", b"MThd\0\0\0\6\0\2\0\1\1\xe0", b"MThd\0\0\0\6\0\1\0\1\0\0"]
)
def test_what_cannot_be_salvaged_is_refused_without_advice(content: bytes) -> None:
    for salvage in (False, True):
        with pytest.raises(MidiError) as caught:
            parse_midi(content, salvage=salvage)
        assert "--salvage" not in str(caught.value)


def test_any_damage_is_salvaged_or_refused(midi_file: MidiFile) -> None:
    generator = random.Random(9)
    whole = midi_file(performance(4, 60), performance(5, 60))
    for _ in range(300):
        content = bytearray(whole)
        for _ in range(generator.choice([1, 2, 9])):
            place = generator.randrange(len(content))
            if generator.random() < 0.5:
                del content[place : place + generator.choice([1, 5, 70])]
            else:
                content[place] = generator.randrange(256)
        try:
            found = parse_midi(bytes(content), salvage=True)
        except MidiError:
            continue
        assert found.notes.duration <= 24 * 3600
