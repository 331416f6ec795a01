"""MIDI files to notes and back, as a player hears them. The interface to `pretty_midi`.

`tracks` reads the events, `channels` says what each channel plays, whichever tracks hold its messages, and `pedal` how
long its notes sound. symusic and pretty_midi read the same notes, to the last bit of their times (tested), except for
these, which are read here as follows:

- overlapping notes of one pitch: the first struck is the first to end, as in symusic. pretty_midi lets one note-off end
all of them and skips the others, as is done here where a note-off is missing;
- a note that nothing ends: lasts to the end of its track. Both drop it;
- All Notes Off and All Sound Off: end notes. Both ignore them;
- programs and pedals: belong to the channel, in all tracks. Both keep tracks apart;
- the sostenuto pedal: holds notes. Both leave it to the user;
- a change of program while a note sounds: the note belongs to the program that it was struck with, as in symusic;
- tempo changes: those of all tracks count, as in symusic and in players; pretty_midi reads those of the first track;
- data after a track's end: skipped, as in symusic;
- running status after SysEx: lasts. symusic loses the rest of the track, pretty_midi rejects the file;
- SMPTE time, and a header of more than 6 bytes: read, though symusic rejects both and pretty_midi the first;
- fewer tracks than the header says: rejected, as by pretty_midi;
- data bytes above 127, which both reject: read as 127 and counted, as mido does with `clip=True`;
- notes of no length: dropped and counted, as by pretty_midi; symusic keeps them.

`from_pretty_midi` and `to_pretty_midi` are for users who have, or want, an object of pretty_midi.
"""

import stat
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gpt2kit import files
from gpt2kit.music.midi_file.channels import SUSTAIN, Channel, channels
from gpt2kit.music.midi_file.clock import Clock, Seconds
from gpt2kit.music.midi_file.pedal import Pedal, caught, sustained
from gpt2kit.music.midi_file.released import NEVER_RELEASED, NOTES_OFF, RELEASED_LATER, SOUND_OFF
from gpt2kit.music.midi_file.salvage import salvaged
from gpt2kit.music.midi_file.smf import Header, MidiError, naming, read_chunks, read_header, without_riff
from gpt2kit.music.midi_file.tracks import Events, events
from gpt2kit.music.midi_file.writer import midi_bytes, ticks
from gpt2kit.music.notes import Notes, concatenated

if TYPE_CHECKING:
    from pretty_midi import PrettyMIDI

PIANOS = range(8)
"""The General MIDI programs that are pianos, from the acoustic grand to the clavinet."""
LARGEST_FILE = 64 * 2**20
"""Bytes, enough for more than a hundred hours of piano music."""
LONGEST_HOURS = 24
"""No piece is longer; one damaged time can make it last for years, and each second of them is an event."""

OTHERS = "another instrument"
ENDINGS = {
    NEVER_RELEASED: "notes never released, ended with their track",
    NOTES_OFF: "notes ended by All Notes Off",
    SOUND_OFF: "notes ended by All Sound Off",
    RELEASED_LATER: "notes never released, ended with the next release of their key",
}


class Performance(NamedTuple):
    """The contents of a MIDI file."""

    notes: Notes
    """The notes of all pianos, whose lengths include the pedals."""
    dropped: dict[str, int]
    """The number of notes left out, by reason."""
    clipped: int
    """Number of data bytes above 127, which were read as 127."""
    noticed: dict[str, int]
    """The number of notes in `notes` that ended without a note-off of their own, by what ended them."""
    damage: str
    """What is wrong with a file that was read up to its damage; "" for an intact file."""


def read_midi(path: Path | str, instruments: str = "piano", salvage: bool = False) -> Performance:
    """The piano notes of a MIDI file. `instruments` "all": the notes of all instruments but the drums. `salvage`: for a
    damaged file, the notes before the damage; those that sound there end there.

    Raises MidiError, which names the file, if it cannot be read.
    """
    with naming(path):
        return parse_midi(read_bytes(Path(path)), instruments, salvage)


def others_on_request(dropped: Mapping[str, int]) -> str:
    """The notes that were left out of a file, by reason, and the option that reads them."""
    others = ", ".join(f"{reason}: {count:,}" for reason, count in dropped.items())
    return others + ("; --instruments all reads them as piano" if OTHERS in dropped else "")


def read_bytes(path: Path) -> bytes:
    """The bytes of a file; MidiError says why it cannot be read."""
    try:
        status = path.stat()
        if not stat.S_ISREG(status.st_mode):
            raise MidiError("a folder" if stat.S_ISDIR(status.st_mode) else "not a regular file")
        check_size(status.st_size)
        return path.read_bytes()
    except OSError as error:
        raise MidiError("cannot be read", error.strerror or str(error)) from None


def check_size(size: int) -> None:
    if size > LARGEST_FILE:
        raise MidiError("too large for a MIDI file", f"{size:,} bytes, of {LARGEST_FILE:,} at most")


def parse_midi(content: bytes, instruments: str = "piano", salvage: bool = False) -> Performance:
    """The same for the bytes of a MIDI file. Raises MidiError, whatever the bytes are."""
    header, tracks, damage = _read(content, salvage)
    tempos = sorted((tempo for track in tracks for tempo in track.tempos), key=lambda tempo: tempo[0])
    clock = Clock(tempos, header.ticks_a_beat, header.ticks_a_second)
    found, drums = channels(tracks)
    dropped = Counter({"drums": drums})
    pianos = []
    for channel in found:
        wanted = (channel.program < PIANOS.stop) | (instruments == "all")
        audible = channel.end > channel.start
        dropped[OTHERS] += int((~wanted).sum())
        dropped["no length"] += int((wanted & ~audible).sum())
        pianos.append(channel.part(wanted & audible))
    last = max((piano.last() for piano in pianos), default=0)
    _check_duration(float(clock.seconds(last)))
    noticed: Counter[str] = Counter()
    notes = []
    for piano in pianos:
        end, ending = _sounding(piano, last)
        heard = end > piano.start
        dropped["no length"] += int((~heard).sum())
        if ending.any():
            noticed.update({words: int((ending[heard] == what).sum()) for what, words in ENDINGS.items()})
        start, end = clock.seconds(piano.start[heard]), clock.seconds(end[heard])
        notes.append(Notes(piano.pitch[heard], piano.velocity[heard], start, end))
    clipped = sum(track.clipped for track in tracks)
    return Performance(concatenated(notes), dict(+dropped), clipped, dict(+noticed), damage)


def from_pretty_midi(midi: "PrettyMIDI") -> Notes:
    """The piano notes of a pretty_midi object, whose lengths include the pedal; other notes and notes of no length are
    left out.

    For a file that pretty_midi has read, these are the notes of `read_midi`, except where it reads differently.

    Raises MidiError for a piece of more than 24 hours, ValueError for values that no MIDI file can hold.
    """
    return _heard([_of_instrument(each) for each in midi.instruments if not each.is_drum and each.program in PIANOS])


def to_pretty_midi(notes: Notes) -> "PrettyMIDI":
    """The notes as one piano of pretty_midi, for instance to synthesise; times are rounded to whole milliseconds.

    `from_pretty_midi` gives the same notes, first in first out, at the rounded times. In a file that pretty_midi writes
    of it, of two struck simultaneously in one pitch the softer one becomes the first. A piece of more than two and a
    half hours is rounded to 10 ms.

    Raises MidiError for a piece of more than 24 hours.
    """
    from pretty_midi import Instrument, Note, PrettyMIDI

    _check_duration(notes.duration)
    ordered = notes.first_in_first_out()
    start, end, ticks_a_second = ticks(ordered)
    piano = Instrument(program=0, name="Piano")
    columns = (ordered.velocity, ordered.pitch, start / ticks_a_second, end / ticks_a_second)
    piano.notes = [Note(*values) for values in zip(*(column.tolist() for column in columns), strict=True)]
    midi = PrettyMIDI(resolution=ticks_a_second // 2, initial_tempo=120.0)
    midi.instruments.append(piano)
    return midi


def write_midi(path: Path, notes: Notes) -> None:
    """Write the notes to a MIDI file, as one piano; times are rounded as in `to_pretty_midi`.

    Raises MidiError for a piece of more than 24 hours, MachineError if the file cannot be written; then nothing has
    changed.
    """
    _check_duration(notes.duration)
    with files.atomic(path) as temporary:
        temporary.write_bytes(midi_bytes(notes))


def _read(content: bytes, salvage: bool) -> tuple[Header, list[Events], str]:
    """The header, the events of the tracks, and the damage of a file that is salvaged."""
    try:
        chunks = read_chunks(content)
        tracks = [events(track) for track in chunks.tracks]
        for number, track in enumerate(tracks, 1):
            if track.damage:
                raise MidiError("damaged", f"track {number} of {len(tracks)}, {track.damage}")
        return chunks.header, tracks, ""
    except MidiError as error:
        read_header(without_riff(content))  # raises the same again if nothing can be salvaged
        if not salvage:
            raise MidiError(error.kind, f"{error.detail}; --salvage uses what is whole") from None
    chunks, damage = salvaged(content)
    return chunks.header, [events(track) for track in chunks.tracks], "; ".join(damage)


def _sounding(channel: Channel, last: float) -> tuple[NDArray[np.float64], NDArray[np.uint8]]:
    """The ends of a channel's notes with the effect of its pedals, in ticks, and what ends each."""
    pitch, start, end = channel.pitch, channel.start.astype(np.float64), channel.end.astype(np.float64)
    end = caught(pitch, start, end, channel.sostenuto, last)
    end = sustained(pitch, start, end, channel.sustain, last)
    silenced = end > channel.silence
    return np.where(silenced, channel.silence, end), np.where(silenced, np.uint8(SOUND_OFF), channel.ending)


def _check_duration(seconds: float) -> None:
    if not seconds <= LONGEST_HOURS * 3600:
        hours = f"{seconds / 3600:,.0f} hours: a time in it is damaged, or it is not a piece of music"
        raise MidiError(f"longer than {LONGEST_HOURS} hours", hours)


class _Piano(NamedTuple):
    """One instrument of pretty_midi: notes (N,) that have a length, and its sustain pedal."""

    pitch: NDArray[np.uint8]
    velocity: NDArray[np.uint8]
    start: Seconds
    end: Seconds
    pedal: Pedal

    def last(self) -> float:
        """The time of the last note's end or pedal movement."""
        return float(max(self.end.max(initial=0.0), self.pedal.time.max(initial=0.0)))

    def notes(self, last: float) -> Notes:
        """Its audible notes; a pedal that never lifts is held until `last`."""
        end = sustained(self.pitch, self.start, self.end, self.pedal, last)
        heard = end > self.start
        return Notes(self.pitch[heard], self.velocity[heard], self.start[heard], end[heard])


def _of_instrument(instrument: Any) -> _Piano:
    """An instrument of pretty_midi."""
    notes = sorted((note for note in instrument.notes if note.end > note.start), key=lambda note: note.start)
    moves = [control for control in instrument.control_changes if control.number == SUSTAIN]
    moves.sort(key=lambda control: control.time)
    # The integers stay as large as they are, so that `Notes` rejects those that are not bytes.
    pitch, velocity = (_column(notes, name, np.int64) for name in ("pitch", "velocity"))
    start, end = (_column(notes, name, np.float64) for name in ("start", "end"))
    pedal = Pedal(_column(moves, "time", np.float64), _column(moves, "value", np.int64))
    return _Piano(pitch, velocity, start, end, pedal)


def _column(rows: Sequence[Any], name: str, type: Any) -> NDArray[Any]:
    return np.array([getattr(row, name) for row in rows], type)


def _heard(pianos: Sequence[_Piano]) -> Notes:
    """The notes of all, with the pedal of each included in its own notes."""
    last = max((piano.last() for piano in pianos), default=0.0)
    _check_duration(last)
    return concatenated([piano.notes(last) for piano in pianos])
