"""A user's MIDI file to which a model adds notes: in a gap, or to a tune."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

import numpy as np

from gpt2kit.music.analysis.skyline import tune_or_line
from gpt2kit.music.editing.added import added_track, free_channel, sound_of
from gpt2kit.music.editing.keystrokes import Keystroke, is_off, keystrokes
from gpt2kit.music.midi import PIANOS, parse_midi, read_bytes
from gpt2kit.music.midi_file.released import RELEASED, RELEASED_LATER
from gpt2kit.music.midi_file.score import Score, read_score
from gpt2kit.music.midi_file.smf import naming
from gpt2kit.music.notes import Accompanied, Notes, Surroundings
from gpt2kit.music.stream.events import STEPS_A_SECOND, quantised

Given = TypeVar("Given", bound=Notes)


@dataclass(frozen=True)
class GivenFile(Generic[Given]):
    """A file without the notes that are to be replaced."""

    score: Score
    notes: Given
    """What the model hears of it."""
    sound: list[tuple[int, int]]
    """How new notes sound, as `sound_of` says."""
    since: int
    """The tick from which on there are new notes."""

    def with_new(self, new: Notes) -> bytes:
        """The file with new notes in one more track. Raises MidiError if no channel is free for them."""
        new = apart(new, self.notes)
        channel, unused = free_channel(self.score.tracks, self.since)
        track = added_track(new, self.score.clock(), self.since, channel, unused, self.sound)
        return replace(self.score, tracks=(*self.score.tracks, track)).written()


def read_tune(
    path: Path | str,
    instruments: str = "piano",
    salvage: bool = False,
    begin: float = 0.0,
    end: float = float("inf"),
    tune_only: bool = False,
) -> GivenFile[Accompanied]:
    """A file to which notes are added from `begin` to before `end` (seconds), rounded to 10 ms.

    A single line is the tune as a whole; otherwise the tune is the highest voice. The other notes stay, too; with
    `tune_only`, those are left out that the model hears and that are struck from `begin` to before `end`.

    Raises MidiError, which names the file.
    """
    with naming(path):
        return tune_of(read_bytes(Path(path)), instruments, salvage, begin, end, tune_only)


def tune_of(
    content: bytes,
    instruments: str = "piano",
    salvage: bool = False,
    begin: float = 0.0,
    end: float = float("inf"),
    tune_only: bool = False,
) -> GivenFile[Accompanied]:
    """The same from the bytes of a file."""
    score, notes = read_score(content, salvage), parse_midi(content, instruments, salvage).notes
    strokes = keystrokes(score)
    tune = tune_or_line(notes)
    begin = float(quantised(begin)) / STEPS_A_SECOND
    end = float(quantised(end)) / STEPS_A_SECOND if end < notes.duration else end
    if tune_only and not tune.all():
        wanted = set(zip(notes.pitch[tune].tolist(), notes.start[tune].tolist(), strict=True))
        others = _heard(strokes, instruments)
        starts = score.clock().seconds([stroke.on for stroke in others]).tolist()
        others = [
            stroke
            for stroke, start in zip(others, starts, strict=True)
            if begin <= start < end and (stroke.pitch, start) not in wanted
        ]
        score = without(score, strokes, others)
        strokes, notes = keystrokes(score), parse_midi(score.written(), instruments).notes
        kept = zip(notes.pitch.tolist(), notes.start.tolist(), strict=True)
        tune = np.array([note in wanted for note in kept], np.bool_)
    first = score.clock().first(begin)
    part = Accompanied(notes.pitch, notes.velocity, notes.start, notes.end, begin, end, tune)
    return GivenFile(score, part, sound_of(score, _last_before(first, _heard(strokes, instruments))), first)


def read_gap(
    path: Path | str, begin: float, end: float, instruments: str = "piano", salvage: bool = False
) -> GivenFile[Surroundings]:
    """A file without the notes that are struck from `begin` to before `end` (seconds), rounded to 10 ms.

    Those struck before keep their releases, other instruments their notes, and pedals their movements: a note that the
    pedal held until its key was struck again in the gap now sounds until the pedal lifts, or a later key stops it.

    Raises MidiError, which names the file.
    """
    with naming(path):
        return gap_of(read_bytes(Path(path)), begin, end, instruments, salvage)


def gap_of(
    content: bytes, begin: float, end: float, instruments: str = "piano", salvage: bool = False
) -> GivenFile[Surroundings]:
    """The same from the bytes of a file."""
    score = read_score(content, salvage)
    strokes = keystrokes(score)
    begin, end = (float(quantised(seconds)) / STEPS_A_SECOND for seconds in (begin, end))
    first, last = (score.clock().first(seconds) for seconds in (begin, end))
    heard = _heard(strokes, instruments)
    replaced = [stroke for stroke in heard if first <= stroke.on < last]
    kept = without(score, strokes, replaced)
    notes = parse_midi(kept.written(), instruments).notes
    around = Surroundings(notes.pitch, notes.velocity, notes.start, notes.end, begin, end)
    return GivenFile(kept, around, sound_of(score, _last_before(first, heard)), first)


def apart(new: Notes, given: Notes) -> Notes:
    """Shorten new notes so that none overlaps with a given note of its key.

    The model hears given notes at multiples of 10 ms; in the file they begin and end up to 5 ms earlier or later.
    """
    start, end = new.start.copy(), new.end.copy()
    for place, pitch in enumerate(new.pitch.tolist()):
        same = given.pitch == pitch
        begun, ended = given.start[same], given.end[same]
        start[place] = max(start[place], ended[begun <= start[place]].max(initial=0.0))
        end[place] = min(end[place], begun[begun > start[place]].min(initial=np.inf))
    audible = end > start
    return Notes(new.pitch[audible], new.velocity[audible], start[audible], end[audible])


def without(score: Score, strokes: Sequence[Keystroke], removed: Sequence[Keystroke]) -> Score:
    """A score without some of its `strokes`: their note-ons are removed, and note-offs that end no other note."""
    ons = {(stroke.track, stroke.place) for stroke in removed}
    # One note-off may end several notes, of which some stay.
    offs = Counter(_key(tick, message) for track in score.tracks for tick, message in track if is_off(message))
    released, chosen = Counter(map(_release, strokes)), Counter(map(_release, removed))
    spare = {key: offs[key] - (released[key] - count) for key, count in chosen.items()}
    tracks = []
    for number, track in enumerate(score.tracks):
        kept = []
        for place, (tick, message) in enumerate(track):
            if (number, place) in ons:
                continue
            if is_off(message) and spare.get(key := _key(tick, message), 0) > 0:
                spare[key] -= 1
                continue
            kept.append((tick, message))
        tracks.append(kept)
    return replace(score, tracks=tuple(tracks))


def _last_before(tick: int, strokes: Sequence[Keystroke]) -> Keystroke | None:
    """The keystroke whose sound new notes have: the last before a tick, or else the first."""
    before = [stroke for stroke in strokes if stroke.on < tick]
    return before[-1] if before else next(iter(strokes), None)


def _heard(strokes: Sequence[Keystroke], instruments: str) -> list[Keystroke]:
    programs = PIANOS if instruments == "piano" else range(128)
    return [stroke for stroke in strokes if stroke.heard(programs)]


def _key(tick: int, message: bytes) -> tuple[int, int, int]:
    """The channel, pitch and tick of a note-off."""
    return (message[0] & 0x0F, message[1], tick)


def _release(stroke: Keystroke) -> tuple[int, int, int]:
    """The same for the note-off of a keystroke; its tick is -1 if something else releases the key."""
    return (stroke.channel, stroke.pitch, stroke.off if stroke.ending in (RELEASED, RELEASED_LATER) else -1)
