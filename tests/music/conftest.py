"""What the tests of music share: random performances, and MIDI files made event by event."""

import io
import warnings
from collections.abc import Callable, Iterable, Sequence

import mido
import pretty_midi
import pytest

from gpt2kit.music.notes import Notes
from gpt2kit.music.stream.events import quantised

Track = Iterable[mido.Message | mido.MetaMessage]
Row = tuple[int, int, float, float]
"""pitch, velocity, start, end"""


@pytest.fixture
def midi_file() -> Callable[..., bytes]:
    """`midi_file(track, ..., division=480, type=1)`: the bytes of a file; times are ticks since the message before."""

    def make(*tracks: Track, division: int = 480, type: int = 1) -> bytes:
        file = mido.MidiFile(ticks_per_beat=division, type=type)
        file.tracks.extend(mido.MidiTrack(track) for track in tracks)
        written = io.BytesIO()
        file.save(file=written)
        return written.getvalue()

    return make


@pytest.fixture
def plainly_heard() -> Callable[..., list[float]]:
    """`plainly_heard(notes, moves, last)`: when notes (pitch, start, end) end whose pedal `moves` (when, value)."""

    def hear(notes: list[tuple[int, float, float]], moves: list[tuple[float, int]], last: float) -> list[float]:
        """`apply_sustain_control_changes` of note-seq; movements at one instant keep their order."""
        ends = [end for _, _, end in notes]
        happenings: list[tuple[float, int, int]] = [(when, 0, value) for when, value in moves]
        happenings += [(start, 1, index) for index, (_, start, _) in enumerate(notes)]
        happenings += [(end, 2, index) for index, (_, _, end) in enumerate(notes)]
        is_down, active = False, list[int]()
        for moment, kind, what in sorted(happenings, key=lambda happening: happening[:2]):
            if kind == 0:
                is_down = what >= 64
                if not is_down:
                    for index in [index for index in active if ends[index] < moment]:
                        ends[index] = moment
                        active.remove(index)
            elif kind == 1:
                if is_down:
                    for index in [index for index in active if notes[index][0] == notes[what][0]]:
                        ends[index] = moment
                        active.remove(index)
                active.append(what)
            elif not is_down and what in active:
                active.remove(what)
        for index in active:
            ends[index] = last
        return ends

    return hear


@pytest.fixture
def oracle(plainly_heard: Callable[..., list[float]]) -> Callable[[bytes], tuple[list[Row], int]]:
    """What pretty_midi reads, with the pedal by the plain rule: notes of pianos, and how many others there are."""

    def read(content: bytes) -> tuple[list[Row], int]:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            file = pretty_midi.PrettyMIDI(io.BytesIO(content))
        pianos = [piano for piano in file.instruments if not piano.is_drum and piano.program < 8]
        times = [note.end for piano in pianos for note in piano.notes]
        moves = [sorted((c.time, c.value) for c in piano.control_changes if c.number == 64) for piano in pianos]
        last = max([*times, *(time for movements in moves for time, _ in movements)], default=0.0)
        found = []
        for piano, movements in zip(pianos, moves, strict=True):
            notes = sorted(piano.notes, key=lambda note: note.start)
            ends = plainly_heard([(note.pitch, note.start, note.end) for note in notes], movements, last)
            found += [
                (note.pitch, note.velocity, float(note.start), float(end))
                for note, end in zip(notes, ends, strict=True)
                if end > note.start
            ]
        return sorted(found), sum(len(other.notes) for other in file.instruments if other not in pianos)

    return read


@pytest.fixture(scope="session")
def separate_notes(random_notes: Callable[..., Notes]) -> Callable[..., Notes]:
    """Those of `random_notes` that begin when no earlier one of their pitch sounds, in steps of 10 ms."""

    def make(*words: float) -> Notes:
        notes = random_notes(*words)
        free, kept = dict.fromkeys(range(128), 0), []
        starts, ends = quantised(notes.start), quantised(notes.end)
        for place, pitch in enumerate(notes.pitch.tolist()):
            if starts[place] >= free[pitch]:
                free[pitch] = max(ends[place], starts[place] + 1)
                kept.append(place)
        return Notes.of(notes.pitch[kept], notes.velocity[kept], notes.start[kept], notes.end[kept])

    return make


@pytest.fixture(scope="session")
def canonical() -> Callable[[Sequence[int]], list[int]]:
    """A stream of events whose shifts are joined, and in which each VELOCITY is another than the one before."""

    def make(ids: Sequence[int]) -> list[int]:
        found, steps, in_force = list[int](), 0, None
        for id in ids:
            if 256 <= id < 356:
                steps += id - 255
                continue
            found += [355] * ((steps - 1) // 100)
            found += [256 + (steps - 1) % 100] if steps else []
            steps = 0
            if id != in_force:
                found.append(id)
            in_force = id if 356 <= id < 388 else in_force
        return found

    return make
